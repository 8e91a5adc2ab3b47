"""Detects a converter that hangs: it gives the same count for longer than its noise allows.

How often a count repeats depends on the noise. While the ram travels, the pressure is constant and
the pump runs far from its dead band: there the noise is that of the sensor. With at least a count
of it, two equal readings in a row are as likely as not, and 75 never happen. With less nothing is
detected, nor after a travel of less than 1.6 s. The longest run of equal counts since then raises
the limit, for a sensor that gets quieter.
"""

from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.sampler: EQUAL LONGEST_EQUAL
_EQUAL = const(18)
_LONGEST_EQUAL = const(19)
# end of generated

# More equal counts in a row than this, 0.75 s, and this many times the longest run before.
_MIN_EQUAL = const(75)
_LONGEST_SHIFT = const(3)
# The crack detector's noise is 64 times the mean jitter of 1.95 standard deviations: 0.8 counts, of
# which quantisation makes 0.3. A count is `per_count` sixteenths of a kPa.
_NOISE_SHIFT = const(4)
_MIN_NOISE = const(100)
# The start of the travel is a jump, which looks like noise for a second. For 0.6 s behind it no
# count may repeat more often than noise of a count lets it.
_SETTLING_STEPS = const(5)
_LISTENING_STEPS = const(3)
_MAX_LISTENING_EQUAL = const(16)


class FrozenWatch:
    """Decides whether the noise of an approach suffices, and whether a reading is frozen."""

    def __init__(self):
        self._min_noise = 0
        self._armed = False
        self._steps = 0

    def configure(self, scaling):
        """Take over a scale."""
        self._min_noise = _MIN_NOISE * scaling.per_count >> _NOISE_SHIFT
        self._armed = False
        self._steps = 0

    def step(self, sampler, travelling, noise):
        """Return the fault that the counts show, FAULT_NONE without one.

        `sampler` is the block of the sampler. `travelling` says whether the ram travels to the
        sample, `noise` is the crack detector's.
        """
        if not travelling:
            self._steps = 0
        elif self._steps < _SETTLING_STEPS:
            if self._steps == 0:
                self._armed = False
            self._steps += 1
            sampler[_LONGEST_EQUAL] = 0
        elif self._steps < _SETTLING_STEPS + _LISTENING_STEPS:
            self._steps += 1
        elif not self._armed:
            lively = max(sampler[_LONGEST_EQUAL], sampler[_EQUAL]) <= _MAX_LISTENING_EQUAL
            if lively and noise >= self._min_noise:
                self._armed = True
            sampler[_LONGEST_EQUAL] = 0
            self._steps = _SETTLING_STEPS
        if not self._armed:
            return schema.FAULT_NONE
        equal = sampler[_EQUAL]
        if equal > _MIN_EQUAL and equal > sampler[_LONGEST_EQUAL] << _LONGEST_SHIFT:
            return schema.FAULT_SENSOR_FROZEN
        return schema.FAULT_NONE
