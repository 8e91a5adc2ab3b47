"""Reads an HX711, a 24-bit converter for a load cell, by its two wires.

A clock that stays high for 60 us switches the converter off, so nothing may come between two
edges. In the tick nothing does: it is a hard interrupt, no other is above it, and the flash is
never written from it. A reading takes 25 clock pulses, 20 us, in the tick in which it is ready: 80
times a second (data sheet of Avia Semiconductor).
"""

from array import array
from time import sleep_ms

try:
    import micropython
    from micropython import const
    from uctypes import addressof
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import addressof, const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: NO_FORCE
_NO_FORCE = const(16777216)
# end of generated

# 400 ms after power-on at 10 readings a second the first reading is there.
_MAX_WAIT_MS = const(500)

# Positions in the block: addresses of the registers of the pins, and the bits of both wires.
_IN = const(0)
_SET = const(1)
_CLEAR = const(2)
_CLOCK = const(3)
_DATA = const(4)


class Hx711:
    """Reads a load cell on input A with gain 128, in counts of 24 bits with a sign.

    `clock` and `data` are pins; `levels`, `set_high` and `set_low` the addresses of the registers
    that read all pins and drive them.
    """

    def __init__(self, clock, data, levels, set_high, set_low, clock_pin, data_pin):
        """Wait for the first reading. Raises OSError when none comes within half a second."""
        clock.value(0)
        for _ in range(_MAX_WAIT_MS):
            if not data.value():
                break
            sleep_ms(1)
        else:
            raise OSError(19)
        self._block = array("I", [levels, set_high, set_low, 1 << clock_pin, 1 << data_pin])
        self.read = _reader(addressof(self._block))


def _reader(at):
    """Return a function for the tick, with the address of its block in it."""

    @micropython.viper
    def shift_reading() -> int:
        """Return a reading if there is a new one, NO_FORCE otherwise."""
        block = ptr32(at)
        levels = ptr32(block[_IN])
        data = block[_DATA]
        if levels[0] & data:
            return _NO_FORCE
        high = ptr32(block[_SET])
        low = ptr32(block[_CLEAR])
        clock = block[_CLOCK]
        counts = 0
        bit = 0
        while bit < 25:
            high[0] = clock
            # At least 0.2 us, also on the faster chip.
            high[0] = clock
            high[0] = clock
            high[0] = clock
            high[0] = clock
            high[0] = clock
            high[0] = clock
            high[0] = clock
            high[0] = clock
            high[0] = clock
            high[0] = clock
            low[0] = clock
            if bit < 24:
                counts <<= 1
                if levels[0] & data:
                    counts |= 1
            bit += 1
        if counts & 0x800000:
            counts -= 0x1000000
        return counts

    return shift_reading
