"""How stiff the closed press is: over pressure as tuned, and with the sample that is in it now.

The closed press is several times softer at contact than at full pressure, because of the air in
the oil; the profile's compliance curve says by how much. Loose powder makes it softer still, by a
factor that is not known in advance and shrinks while the powder densifies. `SampleCompliance`
estimates that factor during every rise: the flow that went in, over the pressure that it raised.

Integers throughout; every product stays below 2**30.
"""

from pressloop_fw.loop.registers import register, register_block
from pressloop_fw.wire.schema import OUTPUT_FULL

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.split_range: CURVE_GAIN PUMPING
# wire.schema: TICK_HZ
_SIGN_SHIFT = const(0)
_CURVE_GAIN = const(5)
_PUMPING = const(6)
_TICK_HZ = const(100)
# end of generated

# Points of the profile's compliance curve, each at twice the pressure of the one before; the last
# at the press's limit.
CURVE_KNOTS = const(8)
GAIN_BITS = const(14)
# Slowest press that the arithmetic can drive: 4 MPa/s at full opening.
_MAX_GAIN = const(131071)

COMPLIANCE_RATIO_ONE = const(256)
_MAX_RATIO = const(4095)
_MIN_RATIO = const(128)
# The valve is modelled as one tick of delay and a lag of 4 ticks; both signals are then smoothed
# alike, over 8 ticks.
_LAG_SHIFT = const(2)
_SMOOTH_SHIFT = const(3)
# The factor follows what is seen with a time constant of 16 ticks.
_FOLLOW_SHIFT = const(4)
_MIN_THRESHOLD = const(16)
# Pressures are carried in 1/16 kPa through the smoothing.
_LEVEL_BITS = const(4)
_MAX_BEHIND = const(1 << 25)


# Words of the softness; the first is its value.
COMPLIANCE_RATIO = const(1)
_FLOW = const(2)
_DELAYED = const(3)
_LEVEL = const(4)
_EXPECTED = const(5)
_THRESHOLD = const(6)
_REGISTERS = const(7)


@micropython.viper
def follow_compliance(registers: ptr32, valves: ptr32, pressure_kpa: int) -> int:
    """Take in how far the pump is open above its dead band in this tick; return the softness.

    `valves` are the words of the split range.
    """
    sign_shift = registers[_SIGN_SHIFT]
    value = registers[COMPLIANCE_RATIO]
    flow = registers[_FLOW]
    flow += (registers[_DELAYED] - flow) >> _LAG_SHIFT
    registers[_FLOW] = flow
    registers[_DELAYED] = valves[_PUMPING] << 8
    # What this flow would do to the press of the curve.
    expected = registers[_EXPECTED]
    expected += ((flow >> 8 << GAIN_BITS) // valves[_CURVE_GAIN] - expected) >> _SMOOTH_SHIFT
    registers[_EXPECTED] = expected
    # The slope of a signal is what a first-order lag of it lags behind.
    level = registers[_LEVEL] << sign_shift >> sign_shift
    behind = (pressure_kpa << _LEVEL_BITS) - level
    registers[_LEVEL] = level + (behind >> _SMOOTH_SHIFT)
    if behind > _MAX_BEHIND:
        # No press rises that fast: a sensor that jumps must not leave the small integers.
        behind = _MAX_BEHIND
    elif behind < -_MAX_BEHIND:
        behind = -_MAX_BEHIND
    slope = (behind >> _LEVEL_BITS) * _TICK_HZ >> _SMOOTH_SHIFT
    threshold = registers[_THRESHOLD]
    if slope < threshold or expected < threshold:
        return value
    seen = _MAX_RATIO
    if expected < 1 << 25:
        seen = (expected << 4) // (slope >> 4)
        if seen > _MAX_RATIO:
            seen = _MAX_RATIO
    value += (seen - value) >> _FOLLOW_SHIFT
    if value < _MIN_RATIO:
        value = _MIN_RATIO
    registers[COMPLIANCE_RATIO] = value
    return value


def curve_gains(profile, scaling):
    """Return opening << GAIN_BITS per kPa/s at the knots of a profile's curve, for a die."""
    gains = []
    for compliance in profile.compliance_curve:
        rise = scaling.rise_kpa_s(compliance)
        gains.append(max(1, min(_MAX_GAIN, (OUTPUT_FULL << GAIN_BITS) // max(1, rise))))
    return gains


class SampleCompliance:
    """By which factor the press with its sample is softer than the curve says; `value` / 256."""

    ratio = register(COMPLIANCE_RATIO)

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        self.restart(0, 1)

    def restart(self, pressure_kpa, threshold_kpa_s):
        """Forget the sample. Slopes below the threshold tell nothing."""
        block = self.registers
        block[COMPLIANCE_RATIO] = COMPLIANCE_RATIO_ONE
        block[_FLOW] = 0
        block[_DELAYED] = 0
        block[_LEVEL] = pressure_kpa << _LEVEL_BITS
        block[_EXPECTED] = 0
        block[_THRESHOLD] = max(_MIN_THRESHOLD, threshold_kpa_s)
