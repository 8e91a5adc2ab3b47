"""The 100 Hz beat as a hard interrupt, by the best means this MicroPython has.

A soft callback waits until the interpreter gets round to it, tens of milliseconds behind a garbage
collection. `Timer(hard=True)` exists from MicroPython 1.26. Before that only pins have hard
interrupts, so a PWM slice draws the beat on a pin that leads nowhere and the pin interrupts.
"""

import time

from machine import PWM, Pin, Timer

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.plain import const


_HALF = const(32768)


class TimerBeat:
    """A hardware timer."""

    name = "timer"

    def __init__(self, hz, call):
        """Raises TypeError when this MicroPython's timers are soft."""
        self._timer = Timer(mode=Timer.PERIODIC, freq=hz, callback=call, hard=True)

    def stop(self):
        """End the beat."""
        self._timer.deinit()


class PwmBeat:
    """A PWM slice and the edge on its pin."""

    name = "pwm"

    def __init__(self, hz, call, pin):
        self._pin = Pin(pin)
        self._pwm = PWM(self._pin, freq=hz, duty_u16=_HALF)
        self._pin.irq(call, Pin.IRQ_RISING, hard=True)

    def stop(self):
        """End the beat."""
        self._pin.irq(None)
        self._pwm.deinit()


class Beat:
    """Calls `tick()` at `hz` and counts the beats that never came."""

    def __init__(self, hz, tick, pin):
        self._tick = tick
        self._period_us = 1000000 // hz
        # An interrupt that was held up this long still belongs to its own beat.
        self._patience_us = self._period_us // 5
        self._missed = 0
        self._expected_us = time.ticks_add(time.ticks_us(), self._period_us)
        try:
            self._source = TimerBeat(hz, self._call)
        except TypeError:
            self._source = PwmBeat(hz, self._call, pin)
        self.name = self._source.name

    def stop(self):
        """End the beat."""
        self._source.stop()

    def take_missed(self):
        """Return how many beats were lost since the last call."""
        missed = self._missed
        self._missed = 0
        return missed

    def _call(self, _source):
        period = self._period_us
        late = time.ticks_diff(time.ticks_us(), self._expected_us)
        expected = period
        while late >= period - self._patience_us:
            self._missed += 1
            late -= period
            expected += period
        # Follow the beat slowly: a PWM slice cannot be divided to exactly 100 Hz.
        self._expected_us = time.ticks_add(self._expected_us, expected + (late >> 5))
        self._tick()
