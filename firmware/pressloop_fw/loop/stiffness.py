"""The stiffness of the closed press: over pressure as tuned, and with the sample that is in it.

The closed press is several times softer at contact than at full pressure, because of the air in
the oil; the profile's compliance curve says by how much. Loose powder makes it softer still, by a
factor that is not known in advance and shrinks while the powder densifies. `SampleCompliance`
estimates that factor during every rise: the flow that went in, over the pressure that it raised.

Integers throughout; every product stays below 2**30.
"""

from pressloop_fw.loop.registers import register, register_block
from pressloop_fw.wire import schema
from pressloop_fw.wire.schema import OUTPUT_FULL

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.observer: PUMP_FLOW
# loop.split_range: CURVE_GAIN PUMP
# wire.schema: TICK_HZ
_SIGN_SHIFT = const(0)
_PUMP_FLOW = const(6)
_CURVE_GAIN = const(5)
_PUMP = const(1)
_TICK_HZ = const(100)
# end of generated

# Knots of the profile's compliance curve, each at twice the pressure of the one before, the last at
# the limit of the press.
CURVE_KNOTS = const(8)
GAIN_BITS = const(14)
# The slowest press that the arithmetic can drive: 4 MPa/s at full opening.
_MAX_GAIN = const(131071)

COMPLIANCE_RATIO_ONE = const(256)
# Loose powder in a small die under a large ram is 50 and more times as soft as the press. What the
# ratio does not show stays in the integral, and overshoots when the ramp ends. A tuning is made on
# steel: until then a ram that lands looks as soft for a moment, and the pump would open too far.
_MAX_RATIO = const(32767)
_UNTUNED_MAX_RATIO = const(8191)
# No sample makes a press stiffer than steel, with which it was tuned; seals that stick for a moment
# do so by up to a quarter. A curve by data sheet may be wrong by more.
STIFFEST_RATIO = const(192)
_UNTUNED_STIFFEST_RATIO = const(128)
# Both signals are smoothed in the same way, over 8 ticks.
_SMOOTH_SHIFT = const(3)
# The ratio follows what is measured with a time constant of 16 ticks.
_FOLLOW_SHIFT = const(4)
_MIN_THRESHOLD = const(16)
# The smoothing keeps pressures in 1/16 kPa.
_LEVEL_BITS = const(4)
_MAX_BEHIND = const(1 << 25)


COMPLIANCE_RATIO = const(1)
_LEVEL = const(2)
EXPECTED = const(3)
_THRESHOLD = const(4)
_STIFFEST = const(5)
# Since they were last set to 0: what the flow would have raised the pressure by, 1/100 kPa, and the
# ticks in which the pump was commanded open.
PUMPED = const(6)
OPEN_TICKS = const(7)
_MAX_PUMPED_BITS = const(28)
# The slope of the reading, kPa/s, smoothed over 8 ticks.
SLOPE_KPA_S = const(8)
# Which way the reading last moved fast, 1 up; ticks since it turned; how often it has turned in a
# row; and for how many ticks the sample must not get softer.
_UP = const(9)
_SINCE = const(10)
_TURNS = const(11)
_CALM = const(12)
_SOFTEST = const(13)
_REGISTERS = const(14)
# A leak makes the sample look soft, too, and a loop with the gain for that swings. A reading that
# turns four times, each within 0.3 s, and each time by more than a 16th of itself per second and
# eight times what it resolves, shows a ratio that is twice too high. No sound press does so, once a
# tuning has refused a reading that is too noisy.
_SWING_SHIFT = const(4)
_SWING_RESOLUTIONS = const(3)
_TURN_TICKS = const(30)
_MAX_TURNS = const(4)
_CALM_TICKS = const(500)


@micropython.viper
def follow_compliance(registers: ptr32, valves: ptr32, pressure_kpa: int, observer: ptr32) -> int:
    """Update the estimate from what the pump passes; return the ratio, times 256.

    `valves` is the block of the split range, `observer` that of the valves' model, which knows
    their lag: an opening that has not acted yet makes the sample neither soft nor stiff.
    """
    sign_shift = registers[_SIGN_SHIFT]
    value = registers[COMPLIANCE_RATIO]
    # The rise that this flow would cause in the press of the curve, kPa/s.
    expected = registers[EXPECTED]
    flow = observer[_PUMP_FLOW]
    rises = (flow << GAIN_BITS) // valves[_CURVE_GAIN]
    pumped = registers[PUMPED]
    if pumped >> _MAX_PUMPED_BITS == 0:
        registers[PUMPED] = pumped + rises
    if valves[_PUMP]:
        registers[OPEN_TICKS] += 1
    expected += (rises - expected) >> _SMOOTH_SHIFT
    registers[EXPECTED] = expected
    # The slope of a signal is the difference to its first-order lag, over the lag time.
    level = registers[_LEVEL] << sign_shift >> sign_shift
    behind = (pressure_kpa << _LEVEL_BITS) - level
    registers[_LEVEL] = level + (behind >> _SMOOTH_SHIFT)
    if behind > _MAX_BEHIND:
        # No press rises that fast; a sensor that jumps must not exceed the small integers.
        behind = _MAX_BEHIND
    elif behind < -_MAX_BEHIND:
        behind = -_MAX_BEHIND
    slope = (behind >> _LEVEL_BITS) * _TICK_HZ >> _SMOOTH_SHIFT
    registers[SLOPE_KPA_S] = slope
    threshold = registers[_THRESHOLD]
    fast = pressure_kpa >> _SWING_SHIFT
    if fast < threshold << _SWING_RESOLUTIONS:
        fast = threshold << _SWING_RESOLUTIONS
    since = registers[_SINCE] + 1
    if slope > fast or slope < 0 - fast:
        up = 1 if slope > 0 else 0
        if up != registers[_UP]:
            registers[_UP] = up
            turns = registers[_TURNS] + 1 if since < _TURN_TICKS else 0
            if turns >= _MAX_TURNS and registers[_SOFTEST] == _MAX_RATIO:
                turns = 0
                registers[_CALM] = _CALM_TICKS
                value >>= 1
                if value < registers[_STIFFEST]:
                    value = registers[_STIFFEST]
                registers[COMPLIANCE_RATIO] = value
            registers[_TURNS] = turns
            since = 0
    registers[_SINCE] = since if since < _TURN_TICKS else _TURN_TICKS
    calm = registers[_CALM]
    if calm:
        registers[_CALM] = calm - 1
    if slope < threshold or expected < threshold:
        return value
    softest = registers[_SOFTEST]
    measured = softest
    if expected < 1 << 25:
        measured = (expected << 4) // (slope >> 4)
        if measured > softest:
            measured = softest
    if calm and measured > value:
        return value
    value += (measured - value) >> _FOLLOW_SHIFT
    if value < registers[_STIFFEST]:
        value = registers[_STIFFEST]
    registers[COMPLIANCE_RATIO] = value
    return value


def curve_gains(profile, scaling):
    """Return the gains, opening << GAIN_BITS per kPa/s, at the knots of a profile's curve."""
    gains = []
    for compliance in profile.compliance_curve:
        rise = scaling.rise_kpa_s(compliance)
        gains.append(max(1, min(_MAX_GAIN, (OUTPUT_FULL << GAIN_BITS) // max(1, rise))))
    return gains


class SampleCompliance:
    """Estimates the sample compliance ratio: how much softer the press is than its curve says.

    `ratio` is 256 for a press as tuned. `follow_compliance` is its step.
    """

    ratio = register(COMPLIANCE_RATIO)
    # The rise that the pump would cause in the press of the curve, kPa/s.
    expected_kpa_s = register(EXPECTED)

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        self.registers[_STIFFEST] = _UNTUNED_STIFFEST_RATIO
        self.registers[_SOFTEST] = _UNTUNED_MAX_RATIO
        self.restart(0, 1)

    def configure(self, profile):
        """Take over how well the curve is known."""
        tuned = schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
        self.registers[_STIFFEST] = STIFFEST_RATIO if tuned else _UNTUNED_STIFFEST_RATIO
        self.registers[_SOFTEST] = _MAX_RATIO if tuned else _UNTUNED_MAX_RATIO

    def restart(self, pressure_kpa, threshold_kpa_s):
        """Forget the sample; slopes below the threshold do not change the estimate."""
        block = self.registers
        block[COMPLIANCE_RATIO] = COMPLIANCE_RATIO_ONE
        block[_LEVEL] = pressure_kpa << _LEVEL_BITS
        block[EXPECTED] = 0
        block[_TURNS] = 0
        block[_CALM] = 0
        block[_THRESHOLD] = max(_MIN_THRESHOLD, threshold_kpa_s)
