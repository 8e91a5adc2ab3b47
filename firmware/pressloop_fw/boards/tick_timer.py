"""Calls the control tick at 100 Hz from a hard interrupt, by the best means of this MicroPython.

A soft callback waits for the interpreter, tens of milliseconds if it collects garbage.
`Timer(hard=True)` exists from MicroPython 1.26 on. Before that only pins have hard interrupts:
there a PWM slice drives a pin that is not connected, and its rising edge interrupts.
"""

from array import array
from time import ticks_diff, ticks_us

from machine import PWM, Pin, Timer

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32


_HALF_DUTY = const(32768)

# Positions in the block of times, us of ticks_us, which wraps at 2**30.
_EXPECTED_US = const(0)
_PERIOD_US = const(1)
_MAX_EARLY_US = const(2)
_TIMES = const(3)


@micropython.viper
def missed_ticks(times: ptr32, now_us: int) -> int:
    """Return how many ticks were missed before the one at `now_us`; expect the next one."""
    period = times[_PERIOD_US]
    half = 1 << 29
    mask = half + half
    mask -= 1
    late = ((now_us - times[_EXPECTED_US] + half) & mask) - half
    expected = period
    missed = 0
    while late >= period - times[_MAX_EARLY_US]:
        missed += 1
        late -= period
        expected += period
    # Follow the interrupts slowly: a PWM slice cannot be divided to exactly 100 Hz.
    times[_EXPECTED_US] = (times[_EXPECTED_US] + expected + (late >> 5)) & mask
    return missed


class HardTimer:
    """Interrupts by a hardware timer."""

    name = "timer"

    def __init__(self, hz, call):
        """Start it. Raises TypeError when the timers of this MicroPython are soft."""
        self._timer = Timer(mode=Timer.PERIODIC, freq=hz, callback=call, hard=True)

    def stop(self):
        """End the interrupts."""
        self._timer.deinit()


class PwmEdgeTimer:
    """Interrupts by the rising edge of a PWM slice on its own pin."""

    name = "pwm"

    def __init__(self, hz, call, pin):
        self._pin = Pin(pin)
        self._pwm = PWM(self._pin, freq=hz, duty_u16=_HALF_DUTY)
        self._pin.irq(call, Pin.IRQ_RISING, hard=True)

    def stop(self):
        """End the interrupts."""
        self._pin.irq(None)
        self._pwm.deinit()


class TickTimer:
    """Calls `tick(missed)` at `hz`; `missed` is how many ticks were missed before this one."""

    def __init__(self, hz, tick, pin):
        self._tick = tick
        self._times = array("i", [0] * _TIMES)
        period_us = 1000000 // hz
        self._times[_PERIOD_US] = period_us
        # An interrupt this early still belongs to its tick; one that is later than the rest of the
        # period belongs to the next.
        self._times[_MAX_EARLY_US] = period_us // 5
        self._times[_EXPECTED_US] = (ticks_us() + period_us) & 0x3FFFFFFF
        try:
            self._source = HardTimer(hz, self._call)
        except TypeError:
            self._source = PwmEdgeTimer(hz, self._call, pin)
        self.name = self._source.name

    def left_us(self):
        """Return how long it takes to the next tick, us; negative when it is late."""
        return ticks_diff(self._times[_EXPECTED_US], ticks_us())

    def stop(self):
        """End the calls."""
        self._source.stop()

    def _call(self, _source):
        self._tick(missed_ticks(self._times, ticks_us()))
