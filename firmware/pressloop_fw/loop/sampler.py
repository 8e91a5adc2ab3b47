"""Turns the transducer's counts into a filtered pellet pressure; rejects impossible readings.

While the loop regulates the filter is an observer: it moves by what the valves pass (`observer`)
and corrects that by the readings. So it can be slow enough for a noisy transducer and is not late
in a ramp. What the valves' model does not know, as leak and relaxation, is followed as a bias of
the rate. Otherwise the filter is a quick one, because contact and an unloaded press must not wait.
"""

from pressloop_fw.loop.registers import register, register_block

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.scaling: SUB_BITS FRACTION_BITS
_SIGN_SHIFT = const(0)
_SUB_BITS = const(4)
_FRACTION_BITS = const(12)
# end of generated

RAW = const(1)
LOW_LEVEL = const(2)
HIGH_LEVEL = const(3)
NEWEST_KPA = const(4)
PRESSURE_KPA = const(5)
_FILTERED = const(6)
_PRIMED = const(7)
_SCALED = const(8)
FAULT_LOW = const(9)
FAULT_HIGH = const(10)
_SHIFT = const(11)
_ZERO = const(12)
_PER_COUNT = const(13)
_FRACTION = const(14)
ALERT = const(15)
ALERT_KPA = const(16)
_ZERO_REST = const(17)
EQUAL = const(18)
LONGEST_EQUAL = const(19)
# By how much the valves move the pressure until the next reading, in the unit of the filter; 0
# while the loop does not regulate.
PREDICTED = const(20)
REGULATING = const(21)
BIAS = const(22)
_REGISTERS = const(23)

# The bias has this many more bits. Its gain is a quarter of the square of the filter's, which lets
# both settle together without an overshoot.
_BIAS_BITS = const(8)
_BIAS_GAIN_BITS = const(2)
# 4 MPa: a reading that jumps does not set off the bias.
_MAX_INNOVATION = const(1 << 16)
_MAX_BIAS = const(1 << 24)
# While the loop does not regulate.
_QUICK_SHIFT = const(1)

# A reading out of range raises its level by this, a good one lowers it by 1: a sensor of which more
# than a third of the readings are bad reaches any level.
_BAD_WEIGHT = const(2)
# One bad reading can be noise on the wire. At this level, after 5 in a row (50 ms), the sensor is
# broken. It rises no further, so that a sensor that was mended is soon good again.
BAD_LEVEL = const(10)


@micropython.viper
def process_sample(registers: ptr32, raw: int) -> int:
    """Process one reading; return the filtered pressure, kPa.

    ALERT is set while the reading is out of range or above the alert level, and in the tick after
    that. While it is clear the interlocks need not look at the readings.
    """
    sign_shift = registers[_SIGN_SHIFT]
    if raw == registers[RAW]:
        registers[EQUAL] += 1
    else:
        equal = registers[EQUAL]
        if equal > registers[LONGEST_EQUAL]:
            registers[LONGEST_EQUAL] = equal
        registers[EQUAL] = 0
        registers[RAW] = raw
    if registers[_SCALED] == 0:
        return 0
    registers[ALERT] >>= 1
    if raw < registers[FAULT_LOW] or raw > registers[FAULT_HIGH]:
        registers[ALERT] = 2
        level = LOW_LEVEL if raw < registers[FAULT_LOW] else HIGH_LEVEL
        if registers[level] < BAD_LEVEL:
            registers[level] += _BAD_WEIGHT
        return registers[PRESSURE_KPA] << sign_shift >> sign_shift
    if registers[LOW_LEVEL]:
        registers[LOW_LEVEL] -= 1
    if registers[HIGH_LEVEL]:
        registers[HIGH_LEVEL] -= 1
    counts = raw - registers[_ZERO]
    reading = counts * registers[_PER_COUNT] + (counts * registers[_FRACTION] >> _FRACTION_BITS)
    reading -= registers[_ZERO_REST] << sign_shift >> sign_shift
    newest = reading >> _SUB_BITS
    registers[NEWEST_KPA] = newest
    if newest > registers[ALERT_KPA]:
        registers[ALERT] = 2
    filtered = reading
    if registers[_PRIMED]:
        shift = registers[_SHIFT]
        filtered = registers[_FILTERED] << sign_shift >> sign_shift
        if registers[REGULATING]:
            bias = registers[BIAS] << sign_shift >> sign_shift
            filtered += registers[PREDICTED] << sign_shift >> sign_shift
            filtered += bias >> _BIAS_BITS
            innovation = reading - filtered
            filtered += innovation >> shift
            if innovation > _MAX_INNOVATION:
                innovation = _MAX_INNOVATION
            elif innovation < 0 - _MAX_INNOVATION:
                innovation = 0 - _MAX_INNOVATION
            bias += innovation << _BIAS_BITS >> (shift << 1) + _BIAS_GAIN_BITS
            if bias > _MAX_BIAS:
                bias = _MAX_BIAS
            elif bias < 0 - _MAX_BIAS:
                bias = 0 - _MAX_BIAS
            registers[BIAS] = bias
        else:
            registers[BIAS] = 0
            if shift > _QUICK_SHIFT:
                shift = _QUICK_SHIFT
            filtered += (reading - filtered) >> shift
    registers[_PRIMED] = 1
    registers[_FILTERED] = filtered
    registers[PRESSURE_KPA] = filtered >> _SUB_BITS
    return filtered >> _SUB_BITS


class Sampler:
    """Checks, scales and filters the readings; `process_sample` is its step.

    `pressure_kpa` is the filtered reading, `newest_kpa` the unfiltered one. `low_level` and
    `high_level` grow by 2 with each reading below and above the transducer's range and fall by 1
    with each good one; bad readings never reach the filter. `equal` is how
    often the newest count has been repeated, `longest_equal` the most that any was before it.
    """

    raw = register(RAW)
    pressure_kpa = register(PRESSURE_KPA)
    newest_kpa = register(NEWEST_KPA)
    low_level = register(LOW_LEVEL)
    high_level = register(HIGH_LEVEL)
    equal = register(EQUAL)
    longest_equal = register(LONGEST_EQUAL)

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        self._zero_rest = 0
        # By how much the zero is shifted, 1/16 kPa.
        self.zero_shift = 0

    def shift_zero(self, by):
        """Take `by`, 1/16 kPa, off all readings from the next one on; 0: the calibrated zero.

        For a press at rest: the filter starts anew. Each write is one word, as the tick may come
        between the two.
        """
        self.zero_shift = by
        self.registers[_ZERO_REST] = self._zero_rest + by
        self.registers[_PRIMED] = 0

    def alert_above(self, pressure_kpa):
        """Set the alert level: readings above it set ALERT."""
        self.registers[ALERT_KPA] = pressure_kpa

    def configure(self, profile, scaling):
        """Take over a new scale. The filter starts anew with the next reading."""
        block = self.registers
        block[FAULT_LOW] = profile.raw_fault_low
        block[FAULT_HIGH] = profile.raw_fault_high
        block[_SHIFT] = profile.filter_shift
        block[_ZERO] = scaling.zero
        block[_PER_COUNT] = scaling.per_count
        block[_FRACTION] = scaling.fraction
        self._zero_rest = scaling.zero_rest
        self.zero_shift = 0
        block[_ZERO_REST] = scaling.zero_rest
        block[_SCALED] = 1
        block[_PRIMED] = 0
        block[REGULATING] = 0
        block[BIAS] = 0
        if profile.raw_fault_low <= self.raw <= profile.raw_fault_high:
            # So that the commands that follow do not judge a reading on the scale before.
            process_sample(block, self.raw)
            block[_PRIMED] = 0

    def step(self, raw):
        """Process one reading."""
        process_sample(self.registers, raw)
