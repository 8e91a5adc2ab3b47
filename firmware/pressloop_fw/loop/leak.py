"""What the shut press loses by itself, so that a powder's rest is judged without it.

A leak is laminar: it takes oil in proportion to the oil's pressure, the profile says how much at
10 MPa. What that costs in pressure depends on how stiff the closed press is there. All of it is
worked out in the foreground, once per hold, where big integers are welcome; the tick needs one
product of small ones. An unknown leak is none.
"""

from pressloop_fw.loop.stiffness import CURVE_KNOTS

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const


_SHARE_BITS = const(15)
# A press that loses all of its pressure in a minute is no press to subtract a leak on.
_MAX_SHARE = const(32767)
# Split so that no pressure times no share leaves the small integers: 2 GPa are 2**21 kPa.
_PRESSURE_BITS = const(7)
_REST_BITS = const(8)
# The profile's leak is that at 10 MPa of oil.
_REFERENCE_MPA = const(10)


def compliance_nl_mpa(profile, oil_kpa):
    """Return the compliance of the closed press at an oil pressure, straight between the knots."""
    curve = profile.compliance_curve
    knot = CURVE_KNOTS - 1
    upper = profile.max_oil_kpa
    while knot and oil_kpa < upper:
        lower = upper // 2
        knot -= 1
        if oil_kpa >= lower:
            rise = curve[knot + 1] - curve[knot]
            return curve[knot] + rise * (oil_kpa - lower) // (upper - lower)
        upper = lower
    return curve[knot]


def share_q15(profile, scaling, pressure_kpa):
    """Return which share of a pressure on the pellet the leak takes per minute, times 2**15."""
    takes = _REFERENCE_MPA * compliance_nl_mpa(profile, scaling.oil_kpa(pressure_kpa))
    share = ((profile.leak_nl_min << _SHARE_BITS) + takes // 2) // takes
    return min(_MAX_SHARE, share)


def uncertainty_kpa_min(profile, scaling, pressure_kpa):
    """Return by how much the leak's loss at a pressure on the pellet may be wrong."""
    takes = _REFERENCE_MPA * compliance_nl_mpa(profile, scaling.oil_kpa(pressure_kpa))
    return pressure_kpa * profile.leak_uncertainty_nl_min // takes


def loss_kpa_min(share, pressure_kpa):
    """Return what a share takes of a pressure. The tick's: every product is a small integer."""
    return (pressure_kpa >> _PRESSURE_BITS) * share >> _REST_BITS
