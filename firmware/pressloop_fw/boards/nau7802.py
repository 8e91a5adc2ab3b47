"""Reads an NAU7802, a 24-bit converter for a load cell, without waiting for its bus.

A transfer of six bytes takes 150 us, which a tick does not have. So each tick puts the transfer
into the queue of the chip's I2C block and takes the bytes of the one before, which is done long
since: a reading is 10 ms older than the converter's, and the bus belongs to this converter alone.
The converter makes 320 readings a second, so each tick gets a new one (data sheet 1.7).
"""

from time import sleep_ms

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: NO_FORCE
_NO_FORCE = const(16777216)
# end of generated

_PU_CTRL = const(0x00)
_CTRL1 = const(0x01)
_CTRL2 = const(0x02)
_ADC_RESULT = const(0x12)
_ADC_CONTROL = const(0x15)
_PGA_POWER = const(0x1C)
_REVISION = const(0x1F)

_RESET = const(0x01)
# Digital and analogue part on.
_POWER_UP = const(0x06)
_POWER_READY = const(0x08)
# The same, its own regulator for the cell, and conversions started.
_RUN = const(0x96)
# Regulator 3.0 V, gain 128: 23 mV of a cell of 2 mV/V and a fifth more.
_GAIN_AND_SUPPLY = const(0x2F)
_RATE_320 = const(0x70)
_CALIBRATE = const(0x04)
_CALIBRATION_ERROR = const(0x08)
# Chopper clock off, and the capacitor at the amplifier's output, as the data sheet recommends.
_NO_CHOPPER = const(0x30)
_OUTPUT_CAPACITOR = const(0x80)

_MAX_WAIT_MS = const(1000)

# Registers of the chip's I2C block by their word (RP2040 datasheet 4.3.17; the same on the RP2350).
_DATA_CMD = const(0x10 // 4)
_RAW_INTERRUPTS = const(0x34 // 4)
_CLEAR_ABORT = const(0x54 // 4)
_STATUS = const(0x70 // 4)
_RECEIVED = const(0x78 // 4)
_ABORTED = const(0x40)
# Of the status: nothing is queued and nothing goes on.
_QUEUE_EMPTY = const(0x04)
_BUSY = const(0x20)
# Commands in the queue: read a byte, stop after it, start again before it.
_READ = const(0x100)
_READ_STOP = const(0x300)
_RESTART_READ = const(0x500)
_BYTES = const(3)


class Nau7802:
    """Reads a load cell in counts of 24 bits with a sign.

    `block` is the address of the registers of the I2C block that `i2c` is.
    """

    def __init__(self, i2c, address, block):
        """Set it up and start it. Raises OSError without an answer or with a failed calibration."""
        self._i2c = i2c
        self._address = address
        if self._get(_REVISION) & 0x0F != 0x0F:
            raise OSError(19)
        self._set(_PU_CTRL, _RESET)
        sleep_ms(1)
        self._set(_PU_CTRL, _POWER_UP)
        self._await(_PU_CTRL, _POWER_READY, _POWER_READY)
        self._set(_CTRL1, _GAIN_AND_SUPPLY)
        self._set(_ADC_CONTROL, _NO_CHOPPER)
        self._set(_PGA_POWER, _OUTPUT_CAPACITOR)
        self._set(_PU_CTRL, _RUN)
        self._set(_CTRL2, _RATE_320 | _CALIBRATE)
        self._await(_CTRL2, _CALIBRATE, 0)
        if self._get(_CTRL2) & _CALIBRATION_ERROR:
            raise OSError(5)
        # The block keeps the address of the last transfer.
        self._get(_CTRL2)
        self.read = reader(block)

    def _get(self, register):
        return self._i2c.readfrom_mem(self._address, register, 1)[0]

    def _set(self, register, value):
        self._i2c.writeto_mem(self._address, register, bytes((value,)))

    def _await(self, register, bits, wanted):
        for _ in range(_MAX_WAIT_MS):
            if self._get(register) & bits == wanted:
                return
            sleep_ms(1)
        raise OSError(110)


def reader(block):
    """Return a function for the tick that returns the newest reading; `block` as for Nau7802."""
    # A whole address is too large for a small integer, which machine code converts faster.
    word = block >> 2

    @micropython.viper
    def take_and_ask() -> int:
        """Return the reading that was asked for last, NO_FORCE without; ask for the next one."""
        block = ptr32(int(word) << 2)
        counts = _NO_FORCE
        received = block[_RECEIVED]
        if block[_RAW_INTERRUPTS] & _ABORTED:
            # Nothing answered. Reading this register, which has nothing to say, opens the queue
            # again.
            received += block[_CLEAR_ABORT] & 0
        elif received == _BYTES:
            counts = (block[_DATA_CMD] & 0xFF) << 16
            counts |= (block[_DATA_CMD] & 0xFF) << 8
            counts |= block[_DATA_CMD] & 0xFF
            received = 0
            if counts & 0x800000:
                counts -= 0x1000000
        if block[_STATUS] & (_QUEUE_EMPTY | _BUSY) == _QUEUE_EMPTY:
            # What is left of a transfer that was cut off.
            while received > 0:
                received -= 1 + (block[_DATA_CMD] & 0)
            block[_DATA_CMD] = _ADC_RESULT
            block[_DATA_CMD] = _RESTART_READ
            block[_DATA_CMD] = _READ
            block[_DATA_CMD] = _READ_STOP
        return counts

    return take_and_ask
