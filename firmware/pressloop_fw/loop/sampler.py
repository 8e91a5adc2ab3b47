"""From counts to a filtered pellet pressure, refusing readings that cannot be true."""

from pressloop_fw.loop.registers import word, words

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

_UP = const(0)
_RAW = const(1)
_LOW_COUNT = const(2)
_HIGH_COUNT = const(3)
NEWEST_KPA = const(4)
_PRESSURE_KPA = const(5)
_FILTERED = const(6)
_PRIMED = const(7)
_SCALED = const(8)
_FAULT_LOW = const(9)
_FAULT_HIGH = const(10)
_SHIFT = const(11)
_ZERO = const(12)
_PER_COUNT = const(13)
_FRACTION = const(14)
ALERT = const(15)
_ALERT_KPA = const(16)
_ZERO_REST = const(17)
_WORDS = const(18)

# Scaling's fixed point: SUB_BITS and FRACTION_BITS of scaling.py.
_SUB_BITS = const(4)
_FRACTION_BITS = const(12)


@micropython.viper
def take(words: ptr32, raw: int) -> int:
    """Take one reading into a sampler's words; return the filtered pressure, kPa.

    ALERT is raised while the reading is out of range or above the alert, and in the tick after:
    without it there is nothing for the interlocks to look at.
    """
    up = words[_UP]
    words[_RAW] = raw
    if words[_SCALED] == 0:
        return 0
    words[ALERT] >>= 1
    if raw < words[_FAULT_LOW] or raw > words[_FAULT_HIGH]:
        words[ALERT] = 2
        words[_LOW_COUNT if raw < words[_FAULT_LOW] else _HIGH_COUNT] += 1
        return words[_PRESSURE_KPA] << up >> up
    words[_LOW_COUNT] = 0
    words[_HIGH_COUNT] = 0
    counts = raw - words[_ZERO]
    reading = counts * words[_PER_COUNT] + (counts * words[_FRACTION] >> _FRACTION_BITS)
    reading -= words[_ZERO_REST]
    newest = reading >> _SUB_BITS
    words[NEWEST_KPA] = newest
    if newest > words[_ALERT_KPA]:
        words[ALERT] = 2
    filtered = reading
    if words[_PRIMED]:
        filtered = words[_FILTERED] << up >> up
        filtered += (reading - filtered) >> words[_SHIFT]
    words[_PRIMED] = 1
    words[_FILTERED] = filtered
    words[_PRESSURE_KPA] = filtered >> _SUB_BITS
    return filtered >> _SUB_BITS


class Sampler:
    """Range check, scaling and first-order filter; `take` is its step.

    `pressure_kpa` is the filtered reading, `newest_kpa` the one before the filter. `low_count` and
    `high_count` say how many readings in a row were outside the transducer's range; such readings
    never reach the filter.
    """

    raw = word(_RAW)
    pressure_kpa = word(_PRESSURE_KPA)
    newest_kpa = word(NEWEST_KPA)
    low_count = word(_LOW_COUNT)
    high_count = word(_HIGH_COUNT)

    def __init__(self):
        self.words = words(_WORDS)

    def alert_above(self, pressure_kpa):
        """Raise ALERT for readings above a pressure."""
        self.words[_ALERT_KPA] = pressure_kpa

    def configure(self, profile, scaling):
        """Take over a new scale. The filter starts again from the next reading."""
        block = self.words
        block[_FAULT_LOW] = profile.raw_fault_low
        block[_FAULT_HIGH] = profile.raw_fault_high
        block[_SHIFT] = profile.filter_shift
        block[_ZERO] = scaling.zero
        block[_PER_COUNT] = scaling.per_count
        block[_FRACTION] = scaling.fraction
        block[_ZERO_REST] = scaling.zero_rest
        block[_SCALED] = 1
        block[_PRIMED] = 0
        if profile.raw_fault_low <= self.raw <= profile.raw_fault_high:
            # No command that follows may judge a reading by the scale before.
            take(block, self.raw)
            block[_PRIMED] = 0

    def step(self, raw):
        """Take in one reading."""
        take(self.words, raw)
