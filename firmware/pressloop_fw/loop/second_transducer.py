"""Holds what the machine profile says of the second pressure channel.

The keys of the channel belong together: a profile has all of them or none. Some other keys describe
how the channels differ; they have defaults.
"""

from pressloop_fw.wire import schema

_REQUIRED = (
    schema.PROFILE_SECOND_FULL_SCALE_OIL_KPA,
    schema.PROFILE_SECOND_RAW_ZERO,
    schema.PROFILE_SECOND_RAW_FULL,
    schema.PROFILE_SECOND_RAW_FAULT_LOW,
    schema.PROFILE_SECOND_RAW_FAULT_HIGH,
    schema.PROFILE_SECOND_ACCURACY_PPM,
)
KEYS = _REQUIRED + (
    schema.PROFILE_CHANNEL_LAG_MS,
    schema.PROFILE_CHANNEL_FRICTION_PPM,
    schema.PROFILE_CHANNEL_NOISE_PPM,
)
# How much the lags of two ordinary transducers differ, and the noise up to which no sound press may
# trip: 0.1 % of full scale.
DEFAULT_LAG_MS = 30
DEFAULT_NOISE_PPM = 1000
# Six standard deviations of a difference of means of four readings are three of single readings.
_SIGMAS = 3


def missing(values):
    """Return the first key of a second channel that the map of a profile lacks, 0 without one."""
    for key in _REQUIRED:
        if key not in values:
            return key
    return 0


def contradiction(values, max_oil_kpa, scaling):
    """Return the key of the first field that contradicts another one, 0 without one.

    `scaling` is that of the smallest die.
    """
    if not any(key in values for key in _REQUIRED):
        return 0
    key = missing(values)
    if key:
        return key
    if values[schema.PROFILE_SECOND_FULL_SCALE_OIL_KPA] < max_oil_kpa:
        return schema.PROFILE_SECOND_FULL_SCALE_OIL_KPA
    if values[schema.PROFILE_SECOND_RAW_FULL] <= values[schema.PROFILE_SECOND_RAW_ZERO]:
        return schema.PROFILE_SECOND_RAW_FULL
    if values[schema.PROFILE_SECOND_RAW_FAULT_LOW] >= values[schema.PROFILE_SECOND_RAW_ZERO]:
        return schema.PROFILE_SECOND_RAW_FAULT_LOW
    if values[schema.PROFILE_SECOND_RAW_FAULT_HIGH] <= values[schema.PROFILE_SECOND_RAW_FULL]:
        return schema.PROFILE_SECOND_RAW_FAULT_HIGH
    if not SecondTransducer(values).fits(scaling):
        return schema.PROFILE_SECOND_RAW_FULL
    return 0


class SecondTransducer:
    """The second channel of a press: its scale, its stated error, and how the channels differ."""

    def __init__(self, values):
        self.full_scale_oil_kpa = values[schema.PROFILE_SECOND_FULL_SCALE_OIL_KPA]
        self.raw_zero = values[schema.PROFILE_SECOND_RAW_ZERO]
        self.raw_full = values[schema.PROFILE_SECOND_RAW_FULL]
        self.raw_fault_low = values[schema.PROFILE_SECOND_RAW_FAULT_LOW]
        self.raw_fault_high = values[schema.PROFILE_SECOND_RAW_FAULT_HIGH]
        self._accuracy_ppm = values[schema.PROFILE_SECOND_ACCURACY_PPM]
        self.lag_ms = values.get(schema.PROFILE_CHANNEL_LAG_MS, DEFAULT_LAG_MS)
        self.friction_ppm = values.get(schema.PROFILE_CHANNEL_FRICTION_PPM, 0)
        self._noise_ppm = values.get(schema.PROFILE_CHANNEL_NOISE_PPM, DEFAULT_NOISE_PPM)
        self._first_full_scale_oil_kpa = values[schema.PROFILE_FULL_SCALE_OIL_KPA]

    def per_count(self, scaling):
        """Return pellet pressure per count, 1/16 kPa: whole part, and the rest in 1/4096."""
        return scaling.per_count_of(self.full_scale_oil_kpa, self.raw_full - self.raw_zero)

    def fits(self, scaling):
        """Whether every product in the tick stays a small integer."""
        return self.per_count(scaling)[0] < 1 << 13

    def error_kpa(self, scaling):
        """Return the stated error as a pressure on the pellet, kPa."""
        return scaling.pellet_kpa(self.full_scale_oil_kpa) * self._accuracy_ppm // 1000000

    def noise_kpa(self, scaling):
        """Return six standard deviations of the difference of the channels' means, kPa."""
        first = scaling.pellet_kpa(self._first_full_scale_oil_kpa) * self._noise_ppm // 1000000
        second = scaling.pellet_kpa(self.full_scale_oil_kpa) * self._noise_ppm // 1000000
        return _SIGMAS * _root(first * first + second * second)


def _root(square):
    """Return the integer square root."""
    root = square
    better = (root + 1) // 2
    while better < root:
        root = better
        better = (root + square // root) // 2
    return root
