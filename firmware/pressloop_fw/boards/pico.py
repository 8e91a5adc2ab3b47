"""Raspberry Pi Pico and Pico 2 on the reference wiring (`wiring.py`)."""

import os
import sys
from array import array

import machine
import micropython
from machine import PWM, WDT, Pin
from micropython import const
from uctypes import addressof

from pressloop_fw.app import App
from pressloop_fw.boards import wiring
from pressloop_fw.boards.converters import Converters
from pressloop_fw.boards.internal_adc import DisplacementSensor, OilThermistor
from pressloop_fw.boards.journal_flash import JournalFlash
from pressloop_fw.boards.tick_timer import TickTimer
from pressloop_fw.boards.usb import open_port
from pressloop_fw.hal import Board
from pressloop_fw.service import parts
from pressloop_fw.service.profile_store import ProfileStore
from pressloop_fw.wire import schema

try:
    from pressloop_build import BUILD
except ImportError:  # copied to the board without its stamp
    BUILD = "unknown"

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: OUTPUT_FULL
_OUTPUT_FULL = const(32767)
# end of generated

# Longer than a garbage collection, a sector erase and a write to a stalled host on stock
# MicroPython together; shorter than a pump needs to do harm when no reading stops it any more.
_WATCHDOG_MS = const(2500)
_CTRL_C = const(3)
_FOLDER = "/pressloop"

# Watchdog registers (RP2040 datasheet 4.7.6, RP2350 datasheet 12.9.7): MicroPython can neither
# stop a watchdog nor distinguish its timeout from an intended reset.
_RP2350 = "RP2350" in os.uname().machine
_WATCHDOG = 0x400D8000 if _RP2350 else 0x40058000
_REASON = _WATCHDOG + 0x08
_REASON_TIMEOUT = const(1)
_REASON_FORCED = const(2)
# Two registers that a reset by the watchdog keeps, and what each of them holds: the tick counts up
# in the first; the foreground writes a mark, the step of the run and that count into the second.
_ALIVE = _WATCHDOG + 0x0C
_SEEN = _WATCHDOG + 0x10
# Two more with the device clock and the dwell of the run.
_KEPT_TICK = _WATCHDOG + 0x14
_KEPT_DWELL = _WATCHDOG + 0x18
# Below 0x80: MicroPython 1.25 reads a register above 2**31 as a negative number.
_KEPT_MARK = const(0x5A)
# The foreground has seen a tick that hangs this many ticks ago at most; one that hangs itself is
# passed by 250 ticks until the watchdog.
_MAX_UNSEEN_TICKS = const(50)
_CTRL_CLEAR_BITS = _WATCHDOG + 0x3000
_CTRL_ENABLE = const(0x40000000)

# Registers of pins and valves (RP2040 datasheet 2.3.1.7 and 4.5.3, RP2350 datasheet 3.1.11 and
# 12.5.3). Through `machine` the same took the chip longer than the control law.
_IN = const(0)
_SET = const(1)
_CLEAR = const(2)
_LEVELS = const(3)
_TOP = const(4)
_EMERGENCY_STOP = const(5)
_GUARD = const(6)
_BUTTON = const(7)
_LAMP = const(8)
_TOGGLE = const(9)
_DEADMAN = const(10)
_ALIVE_TICKS = const(11)
_STANDS = const(12)
_RUN_BITS = const(13)
_LID = const(14)
_LID_WATCHED = const(15)
# A PWM slice has one register for both compare levels, A in the low half and B in the high half,
# and one for its period less one.
_SLICE = (0x400A8000 if _RP2350 else 0x40050000) + wiring.PUMP_PIN // 2 % 8 * 0x14
_IO = array(
    "I",
    [
        0xD0000004,
        0xD0000018 if _RP2350 else 0xD0000014,
        0xD0000020 if _RP2350 else 0xD0000018,
        _SLICE + 0x0C,
        _SLICE + 0x10,
        wiring.EMERGENCY_STOP_PIN,
        wiring.GUARD_PIN,
        wiring.BUTTON_PIN,
        wiring.LAMP_PIN,
        0xD0000028 if _RP2350 else 0xD000001C,
        wiring.DEADMAN_PIN,
        _ALIVE,
        # 1 while the press is under pressure.
        0,
        # What is on while the controller controls: the contactor, and the on/off release valve,
        # which that shuts.
        1 << wiring.CONTACTOR_PIN | 1 << wiring.DUMP_PIN,
        wiring.VESSEL_PRESSURE_PIN,
        # 1 on a vessel whose lid is watched: elsewhere the pin is open, and reads as pressure.
        0,
    ],
)
# Registers of the I2C block of the load cell (RP2040 datasheet 2.2, RP2350 datasheet 2.2).
_CELL_BLOCK = (0x40090000 if _RP2350 else 0x40044000) + wiring.CELL_I2C_ID * (
    0x8000 if _RP2350 else 0x4000
)


@micropython.asm_thumb
def _wait_for_interrupt():
    wfi()


# ruff: noqa: F821 - the compiler's own types
def _pin_functions(at):
    """Return the functions of the tick on pins and valves, with the address of `_IO` in them.

    Machine code that takes `_IO` from its module exchanges the globals first and prepares for an
    exception, which takes as long as all that it does here.
    """

    @micropython.viper
    def read_inputs() -> int:
        io = ptr32(at)
        levels = ptr32(io[_IN])[0]
        inputs = levels >> io[_EMERGENCY_STOP] & 1
        inputs |= (levels >> io[_GUARD] & 1) << 1
        inputs |= (levels >> io[_BUTTON] & 1 ^ 1) << 2
        inputs |= (levels >> io[_LID] & io[_LID_WATCHED]) << 3
        return inputs

    @micropython.viper
    def set_valves(pump: int, release: int):
        io = ptr32(at)
        # Half of the period, so that the products stay below 2**31.
        half = (ptr32(io[_TOP])[0] + 1) >> 1
        # The duty of the release valve shuts it.
        shut = _OUTPUT_FULL - release
        levels = (pump + (pump >> 14)) * half >> 14
        levels |= ((shut + (shut >> 14)) * half >> 14) << 16
        ptr32(io[_LEVELS])[0] = levels
        lamp = ptr32(io[_SET] if levels | io[_STANDS] else io[_CLEAR])
        lamp[0] = 1 << io[_LAMP]
        ptr32(io[_SET])[0] = io[_RUN_BITS]
        ptr32(io[_TOGGLE])[0] = 1 << io[_DEADMAN]
        ptr32(io[_ALIVE_TICKS])[0] += 1

    @micropython.viper
    def show_pressure(stands: int):
        io = ptr32(at)
        io[_STANDS] = stands

    @micropython.viper
    def safe():
        io = ptr32(at)
        ptr32(io[_LEVELS])[0] = 0
        ptr32(io[_CLEAR])[0] = io[_RUN_BITS]
        lamp = ptr32(io[_SET] if io[_STANDS] else io[_CLEAR])
        lamp[0] = 1 << io[_LAMP]
        ptr32(io[_ALIVE_TICKS])[0] += 1

    @micropython.viper
    def dump():
        io = ptr32(at)
        ptr32(io[_LEVELS])[0] = 0
        ptr32(io[_CLEAR])[0] = io[_RUN_BITS]
        lamp = ptr32(io[_SET] if io[_STANDS] else io[_CLEAR])
        lamp[0] = 1 << io[_LAMP]
        # The tick is healthy, and the run goes on.
        ptr32(io[_TOGGLE])[0] = 1 << io[_DEADMAN]
        ptr32(io[_ALIVE_TICKS])[0] += 1

    return read_inputs, set_valves, show_pressure, safe, dump


class PicoBoard(Board):
    """The hardware of the controller. The outputs are safe from the first line of `__init__` on."""

    def __init__(self):
        self._buzzer = Pin(wiring.BUZZER_PIN, Pin.OUT, value=0)
        self._lamp = Pin(wiring.LAMP_PIN, Pin.OUT, value=0)
        self._contactor = Pin(wiring.CONTACTOR_PIN, Pin.OUT, value=0)
        self._on_off_release = Pin(wiring.DUMP_PIN, Pin.OUT, value=0)
        self._pump = PWM(Pin(wiring.PUMP_PIN), freq=wiring.VALVE_HZ, duty_u16=0)
        self._release = PWM(Pin(wiring.RELEASE_PIN), freq=wiring.VALVE_HZ, duty_u16=0)
        if wiring.PUMP_PIN % 2 or wiring.RELEASE_PIN != wiring.PUMP_PIN + 1:
            raise ValueError("pump and release must be A and B of one PWM slice")
        self._deadman = Pin(wiring.DEADMAN_PIN, Pin.OUT, value=0)
        self._emergency_stop = Pin(wiring.EMERGENCY_STOP_PIN, Pin.IN, Pin.PULL_UP)
        self._guard = Pin(wiring.GUARD_PIN, Pin.IN, Pin.PULL_UP)
        self._button = Pin(wiring.BUTTON_PIN, Pin.IN, Pin.PULL_UP)
        self._vessel_pressure = Pin(wiring.VESSEL_PRESSURE_PIN, Pin.IN, Pin.PULL_UP)
        # Some kinds of parts cannot be found by looking; the stored profile names them.
        stored = self._stored_values()
        self._converters = Converters(
            _CELL_BLOCK,
            (_IO[_IN], _IO[_SET], _IO[_CLEAR]),
            parts.cell_converter(stored) == schema.CONVERTER_HX711,
        )
        self.converters = self._converters.kinds
        # Bound once: binding a method allocates, which the tick must not do.
        self.read_raw = self._converters.first.read
        # Functions in the object: a method would be looked up there first and then in the class.
        (
            self.read_inputs,
            self.set_valves,
            self.show_pressure,
            self.safe,
            self.dump,
        ) = _pin_functions(addressof(_IO))
        self._port = open_port()
        self.receive_into = self._port.receive_into
        self.send = self._port.send
        self._tick_timer = None

        self.name = "pico2" if _RP2350 else "pico"
        self.simulated = not Pin(wiring.SIMULATED_PIN, Pin.IN, Pin.PULL_UP).value()
        self.unique_id = machine.unique_id()
        self.reset_cause = _reset_cause()
        self.capabilities = (
            schema.CAP_EMERGENCY_STOP
            | schema.CAP_GUARD
            | schema.CAP_WATCHDOG
            | schema.CAP_PERSISTENT_PROFILE
            | schema.CAP_DEADMAN
            | schema.CAP_LID_SWITCH
        )
        self._kept, self.tick_hung = _read_kept()
        self._step = 0xFF
        if self._converters.second:
            self.read_second_raw = self._converters.second.read
            self.capabilities |= schema.CAP_SECOND_CHANNEL
        if self._converters.cell:
            self.read_force = self._converters.cell.read
            self.capabilities |= schema.CAP_LOAD_CELL
        self._thermistor = None
        auxiliary = parts.auxiliary(stored)
        if auxiliary == schema.AUXILIARY_DISPLACEMENT:
            self.read_displacement = DisplacementSensor(wiring.AUXILIARY_PIN).read
            self.capabilities |= schema.CAP_DISPLACEMENT
        elif auxiliary == schema.AUXILIARY_OIL_TEMPERATURE:
            self._thermistor = OilThermistor(wiring.AUXILIARY_PIN)
        self.ring_records = 4096
        version = ".".join(str(part) for part in sys.implementation.version[:3])
        # Which variant of each part was found; `start_tick` adds the tick timer.
        adc = "ads1115" if self.converters[0] == schema.CONVERTER_ADS1115 else "adc"
        self.python = "MicroPython " + version + " " + adc + " " + self._port.name
        self.build = BUILD
        try:
            if _FOLDER[1:] not in os.listdir("/"):
                os.mkdir(_FOLDER)
        except OSError:
            # Without storage the controller starts, and says so.
            pass
        self._journal = None

    def _stored_values(self):
        """Return the values of the stored profile; none without one."""
        store = ProfileStore(self)
        store.load()
        return store.profile.values if store.profile else {}

    # --- the board interface, as pressloop_fw.hal describes it

    def sound(self, on):
        self._buzzer.value(on)
        if self._thermistor:
            # By turns with the transducer, in the same tick.
            self._thermistor.sample()

    def fit(self, signal, lid_switch):
        self._converters.fit(signal)
        _IO[_LID_WATCHED] = 1 if lid_switch else 0

    def oil_temperature_raw(self):
        return self._thermistor.counts if self._thermistor else None

    def start_tick(self, tick):
        micropython.alloc_emergency_exception_buf(100)
        # From here on Ctrl-C is a byte like any other; the App calls `interrupt` for it.
        _interrupt_on(-1)
        self._watchdog = WDT(timeout=_WATCHDOG_MS)
        # From its first tick on, a hang is told apart from one of the foreground.
        self._note_seen()
        self._tick_timer = TickTimer(schema.TICK_HZ, tick, wiring.TICK_PIN)
        if self._journal:
            self._journal.next_tick_us = self._tick_timer.left_us
        self.python += " " + self._tick_timer.name

    def load(self, name):
        try:
            with open(_FOLDER + "/" + name, "rb") as file:
                return file.read()
        except OSError:
            return None

    def store(self, name, data):
        path = _FOLDER + "/" + name
        with open(path + ".new", "wb") as file:
            file.write(data)
        # littlefs replaces the old file in one step.
        os.rename(path + ".new", path)

    def open_journal(self):
        try:
            self._journal = JournalFlash(_FOLDER + "/journal")
            self.capabilities |= schema.CAP_JOURNAL
        except OSError:
            pass
        return self._journal

    def keep(self, step, tick, dwell_ticks):
        self._step = step
        machine.mem32[_KEPT_TICK] = tick
        machine.mem32[_KEPT_DWELL] = dwell_ticks

    def kept(self):
        return self._kept

    def feed_watchdog(self):
        self._watchdog.feed()
        self._note_seen()

    def _note_seen(self):
        """Note for after a reset which ticks the foreground has seen, and in which step."""
        alive = machine.mem32[_ALIVE] & 0xFFFF
        machine.mem32[_SEEN] = _KEPT_MARK << 24 | self._step << 16 | alive

    def idle(self):
        _wait_for_interrupt()

    def interrupt(self):
        """End the program after a Ctrl-C; MicroPython's prompt then has the port."""
        raise KeyboardInterrupt

    def stop(self):
        """Stop tick and watchdog and make the outputs safe, for a person at the prompt."""
        if self._tick_timer:
            self._tick_timer.stop()
        self.safe()
        machine.mem32[_CTRL_CLEAR_BITS] = _CTRL_ENABLE
        _interrupt_on(_CTRL_C)


def main():
    """Run the controller until a person interrupts it without a run."""
    board = PicoBoard()
    try:
        App(board).run()
    except KeyboardInterrupt:
        print("Pressloop is stopped and its outputs are safe. Ctrl-D starts it again.")
    finally:
        board.stop()


def _interrupt_on(byte):
    # A MicroPython without kbd_intr never interrupts on a byte.
    if hasattr(micropython, "kbd_intr"):
        micropython.kbd_intr(byte)


def _read_kept():
    """Return (step, tick, dwell ticks) from before a reset, and whether the tick had hung."""
    seen = machine.mem32[_SEEN]
    alive = machine.mem32[_ALIVE]
    machine.mem32[_SEEN] = 0
    if seen >> 24 != _KEPT_MARK:
        return None, False
    hung = (alive - seen) & 0xFFFF < _MAX_UNSEEN_TICKS
    kept = (seen >> 16 & 0xFF, machine.mem32[_KEPT_TICK], machine.mem32[_KEPT_DWELL])
    return kept, hung


def _reset_cause():
    reason = machine.mem32[_REASON]
    if reason & _REASON_TIMEOUT:
        return schema.RESET_WATCHDOG
    if reason & _REASON_FORCED:
        return schema.RESET_HARD
    return schema.RESET_POWER_ON
