"""The zero of the transducer, measured at rest before a run and corrected for that run alone.

At rest the release stands open and the ram at its seat: the oil is without pressure, and a reading
that differs from the calibrated zero is the transducer's drift. The mean of some seconds is taken
off the readings of the run that follows. Three things keep that safe:

- it is always the difference to the calibrated zero, from the counts as they come: corrections
  never add up;
- it is no larger than the transducer's stated error. What is beyond that may be pressure, and stays
  in the reading, which refuses the start where it is too far below zero;
- it is done on a tuned press only, whose profile knows the return pressure: the calibrated zero is
  that of the travelling ram, which stands under its spring.
"""

from pressloop_fw.loop.scaling import FRACTION_BITS, SUB_BITS
from pressloop_fw.wire import schema

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# One reading in twenty ticks: 6.4 s.
_READINGS = const(32)
_MEAN_BITS = const(4)


class RestZero:
    """Averages readings at rest; `correction` is what the last start took of them, 1/16 kPa."""

    def __init__(self):
        self.correction = 0
        # Set from a start until its run has begun.
        self.starting = False
        self._sum = 0
        self._count = 0
        # Of the counts, times 16; -1 if it is not known.
        self._mean = -1
        self._scaling = None
        self._seat = 0

    def configure(self, profile, scaling):
        """Take over a press and a die. The mean is one of counts, which stay what they are."""
        self.correction = 0
        self.starting = False
        known = (
            schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
            and schema.PROFILE_RETURN_OIL_KPA in profile.values
        )
        self._scaling = scaling if known else None
        # How far below zero a seated ram reads, 1/16 kPa on the pellet.
        self._seat = scaling.pellet_kpa(profile.return_oil_kpa) << SUB_BITS

    def _restart(self):
        self._sum = 0
        self._count = 0
        self._mean = -1

    def begin_run(self):
        """Begin anew: during a run the zero is not looked at."""
        self.starting = False
        self._restart()

    def step(self, raw, seated):
        """Process every twentieth tick without a run; `seated`: the ram rests at its seat."""
        if not seated:
            self._restart()
            return
        self._sum += raw
        self._count += 1
        if self._count == _READINGS:
            self._mean = (self._sum << _MEAN_BITS) // _READINGS
            self._sum = 0
            self._count = 0

    def measure(self):
        """Return the correction for a run that starts now, 1/16 kPa; 0 for none."""
        self.correction = 0
        scaling = self._scaling
        if scaling is not None and self._mean >= 0:
            counts = self._mean - (scaling.zero << _MEAN_BITS)
            per_count = (scaling.per_count << FRACTION_BITS) + scaling.fraction
            reading = (counts * per_count >> FRACTION_BITS + _MEAN_BITS) - scaling.zero_rest
            found = reading + self._seat
            most = scaling.resolution_kpa << SUB_BITS
            if -most <= found <= most:
                self.correction = found
        return self.correction

    def correction_kpa(self):
        """Return what the current or last run took off its readings, kPa."""
        return self.correction >> SUB_BITS
