"""How stiff the closed press is: over pressure as tuned, and with the sample that is in it now.

The closed press is several times softer at contact than at full pressure (air in the oil), which
the profile's curve tells. Loose powder makes it softer still, by a factor that nobody can know
before and that shrinks while the powder densifies. `Softness` measures that factor in every rise:
flow that went in over pressure that came of it.

Integers throughout; every product stays below 2**30.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.plain import const

from pressloop_fw.schema import OUTPUT_FULL, TICK_HZ

# Points of the profile's compliance curve, each at twice the pressure of the one before.
CURVE_KNOTS = const(8)
GAIN_BITS = const(14)
# Slowest press that the arithmetic can drive: 4 MPa/s at full opening.
_MOST_GAIN = const(131071)

SOFTNESS_ONE = const(256)
_SOFTEST = const(4095)
_STIFFEST = const(128)
# The valve is modelled as one tick of delay and a lag of 4 ticks; both signals are then smoothed
# alike, over 8 ticks.
_LAG_SHIFT = const(2)
_SMOOTH_SHIFT = const(3)
# The factor follows what is seen with a time constant of 16 ticks.
_FOLLOW_SHIFT = const(4)
_LEAST_THRESHOLD = const(16)
# Pressures are carried in 1/16 kPa through the smoothing.
_SUB_BITS = const(4)
_MOST_BEHIND = const(1 << 25)


class Stiffness:
    """Opening per wanted rate, over pressure: `gain` is opening << GAIN_BITS per kPa/s."""

    def __init__(self):
        self._gains = [1] * CURVE_KNOTS
        self._top_kpa = 1

    def configure(self, profile, scaling):
        """Take over the curve of a profile for a die."""
        for knot in range(CURVE_KNOTS):
            rise = scaling.rise_kpa_s(profile.compliance_curve[knot])
            gain = (OUTPUT_FULL << GAIN_BITS) // max(1, rise)
            self._gains[knot] = max(1, min(_MOST_GAIN, gain))
        self._top_kpa = scaling.pellet_limit_kpa

    def gain(self, pressure_kpa):
        """Return the gain at a pressure, by linear interpolation between the knots."""
        gains = self._gains
        upper = self._top_kpa
        if pressure_kpa >= upper:
            return gains[CURVE_KNOTS - 1]
        knot = CURVE_KNOTS - 1
        while knot:
            lower = upper >> 1
            if pressure_kpa >= lower:
                share = (pressure_kpa - lower << 8) // (upper - lower)
                return gains[knot - 1] + ((gains[knot] - gains[knot - 1]) * share >> 8)
            upper = lower
            knot -= 1
        return gains[0]


class Softness:
    """By which factor the press with its sample is softer than the curve says; `value` / 256."""

    def __init__(self):
        self.value = SOFTNESS_ONE
        self._flow = 0
        self._delayed = 0
        self._fed = 0
        self._level = 0
        self._expected = 0
        self._threshold = 1

    def restart(self, pressure_kpa, threshold_kpa_s):
        """Forget the sample. Slopes below the threshold tell nothing."""
        self.value = SOFTNESS_ONE
        self._flow = 0
        self._delayed = 0
        self._fed = 0
        self._level = pressure_kpa << _SUB_BITS
        self._expected = 0
        self._threshold = max(_LEAST_THRESHOLD, threshold_kpa_s)

    def step(self, opening, gain, pressure_kpa):
        """Take in the pump's opening above its dead band, as commanded in this tick."""
        self._flow += (self._delayed - self._flow) >> _LAG_SHIFT
        self._delayed = opening << 8
        # What this flow would do to the press of the curve.
        rate = (self._flow >> 8 << GAIN_BITS) // gain
        self._expected += (rate - self._expected) >> _SMOOTH_SHIFT
        # The slope of a signal is what a first-order lag of it lags behind.
        behind = (pressure_kpa << _SUB_BITS) - self._level
        self._level += behind >> _SMOOTH_SHIFT
        if behind > _MOST_BEHIND:
            # No press rises that fast: a sensor that jumps must not leave the small integers.
            behind = _MOST_BEHIND
        elif behind < -_MOST_BEHIND:
            behind = -_MOST_BEHIND
        slope = (behind >> _SUB_BITS) * TICK_HZ >> _SMOOTH_SHIFT
        expected = self._expected
        if slope < self._threshold or expected < self._threshold:
            return
        seen = (expected << 4) // (slope >> 4) if expected < 1 << 25 else _SOFTEST
        if seen > _SOFTEST:
            seen = _SOFTEST
        self.value += (seen - self.value) >> _FOLLOW_SHIFT
        if self.value < _STIFFEST:
            self.value = _STIFFEST
