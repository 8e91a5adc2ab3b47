"""Calls the tick at 100 Hz from a hard interrupt, by the best means this MicroPython has.

A soft callback waits for the interpreter, during a garbage collection for tens of milliseconds.
`Timer(hard=True)` exists from MicroPython 1.26. Before that only pins have hard interrupts, so a
PWM slice makes a 100 Hz square wave on a pin that is not connected, and the pin interrupts.
"""

from time import ticks_us

from machine import PWM, Pin, Timer

from pressloop_fw.loop.registers import register_block

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32


_HALF = const(32768)

_EXPECTED_US = const(1)
_PERIOD_US = const(2)
_MAX_DELAY_US = const(3)
_REGISTERS = const(4)


@micropython.viper
def count_lost_ticks(registers: ptr32, now_us: int) -> int:
    """Return how many ticks were lost before the present one.

    Times are those of ticks_us, which wrap at 2**30.
    """
    period = registers[_PERIOD_US]
    half = 1 << 29
    mask = half + half
    mask -= 1
    late = ((now_us - registers[_EXPECTED_US] + half) & mask) - half
    expected = period
    missed = 0
    while late >= period - registers[_MAX_DELAY_US]:
        missed += 1
        late -= period
        expected += period
    # Follow the interrupts slowly: a PWM slice cannot be divided to exactly 100 Hz.
    registers[_EXPECTED_US] = (registers[_EXPECTED_US] + expected + (late >> 5)) & mask
    return missed


class HardTimerSource:
    """Interrupts from a hardware timer, where MicroPython allows hard callbacks."""

    name = "timer"

    def __init__(self, hz, call):
        """Start; TypeError when this MicroPython has only soft timers."""
        self._timer = Timer(mode=Timer.PERIODIC, freq=hz, callback=call, hard=True)

    def stop(self):
        """Stop the interrupts."""
        self._timer.deinit()


class PwmSource:
    """Interrupts from the rising edge that a PWM slice makes on its pin."""

    name = "pwm"

    def __init__(self, hz, call, pin):
        self._pin = Pin(pin)
        self._pwm = PWM(self._pin, freq=hz, duty_u16=_HALF)
        self._pin.irq(call, Pin.IRQ_RISING, hard=True)

    def stop(self):
        """Stop the interrupts."""
        self._pin.irq(None)
        self._pwm.deinit()


class TickTimer:
    """Calls `tick(missed)` at `hz`; `missed` is how many ticks were lost before it."""

    def __init__(self, hz, tick, pin):
        self._tick = tick
        self._registers = register_block(_REGISTERS)
        period_us = 1000000 // hz
        self._registers[_PERIOD_US] = period_us
        # An interrupt that comes late by less than this belongs to its own tick, not to the next.
        self._registers[_MAX_DELAY_US] = period_us // 5
        self._registers[_EXPECTED_US] = (ticks_us() + period_us) & 0x3FFFFFFF
        try:
            self._source = HardTimerSource(hz, self._call)
        except TypeError:
            self._source = PwmSource(hz, self._call, pin)
        self.name = self._source.name

    def stop(self):
        """Stop the interrupts."""
        self._source.stop()

    def _call(self, _source):
        self._tick(count_lost_ticks(self._registers, ticks_us()))
