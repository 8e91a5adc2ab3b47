"""The 100 Hz beat as a hard interrupt, by the best means this MicroPython has.

A soft callback waits until the interpreter gets round to it, tens of milliseconds behind a garbage
collection. `Timer(hard=True)` exists from MicroPython 1.26. Before that only pins have hard
interrupts, so a PWM slice draws the beat on a pin that leads nowhere and the pin interrupts.
"""

from time import ticks_us

from machine import PWM, Pin, Timer

from pressloop_fw.loop.registers import words

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32


_HALF = const(32768)

_EXPECTED_US = const(1)
_PERIOD_US = const(2)
_PATIENCE_US = const(3)
_WORDS = const(4)


@micropython.viper
def lost(words: ptr32, now_us: int) -> int:
    """Return how many beats were lost before the one that is here now.

    Times are those of ticks_us, which begin again after 2**30.
    """
    period = words[_PERIOD_US]
    half = 1 << 29
    mask = half + half
    mask -= 1
    late = ((now_us - words[_EXPECTED_US] + half) & mask) - half
    expected = period
    missed = 0
    while late >= period - words[_PATIENCE_US]:
        missed += 1
        late -= period
        expected += period
    # Follow the beat slowly: a PWM slice cannot be divided to exactly 100 Hz.
    words[_EXPECTED_US] = (words[_EXPECTED_US] + expected + (late >> 5)) & mask
    return missed


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
    """Calls `tick(missed)` at `hz`; `missed` beats never came before it."""

    def __init__(self, hz, tick, pin):
        self._tick = tick
        self._words = words(_WORDS)
        period_us = 1000000 // hz
        self._words[_PERIOD_US] = period_us
        # An interrupt that was held up this long still belongs to its own beat.
        self._words[_PATIENCE_US] = period_us // 5
        self._words[_EXPECTED_US] = (ticks_us() + period_us) & 0x3FFFFFFF
        try:
            self._source = TimerBeat(hz, self._call)
        except TypeError:
            self._source = PwmBeat(hz, self._call, pin)
        self.name = self._source.name

    def stop(self):
        """End the beat."""
        self._source.stop()

    def _call(self, _source):
        self._tick(lost(self._words, ticks_us()))
