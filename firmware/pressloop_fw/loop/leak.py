"""Computes what the shut press loses by its own leak, to separate it from the powder's loss.

A leak is laminar: it takes oil in proportion to the pressure of the oil, and the profile says how
much at 10 MPa. The loss of pressure that follows depends on the stiffness of the closed press at
that pressure. It is computed in the foreground, once per hold, where big integers are allowed; the
tick needs one product of small integers. An unknown leak counts as none.
"""

from pressloop_fw.loop.stiffness import CURVE_KNOTS

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const


_SHARE_BITS = const(15)
# All of the pressure in a minute: with such a leak no relaxation can be measured.
_MAX_SHARE = const(32767)
# Split so that every product of pressure and share is a small integer: 2 GPa are 2**21 kPa.
_PRESSURE_BITS = const(7)
_REMAINING_BITS = const(8)
# Oil pressure at which the profile states the leak.
_REFERENCE_MPA = const(10)


def compliance_nl_mpa(profile, oil_kpa):
    """Return the compliance of the closed press at an oil pressure, linear between the knots."""
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
    """Return the share of a pellet pressure that the leak takes per minute, times 2**15."""
    takes = _REFERENCE_MPA * compliance_nl_mpa(profile, scaling.oil_kpa(pressure_kpa))
    share = ((profile.leak_nl_min << _SHARE_BITS) + takes // 2) // takes
    return min(_MAX_SHARE, share)


def uncertainty_kpa_min(profile, scaling, pressure_kpa):
    """Return the uncertainty of the leak's loss at a pellet pressure, kPa per minute."""
    takes = _REFERENCE_MPA * compliance_nl_mpa(profile, scaling.oil_kpa(pressure_kpa))
    return pressure_kpa * profile.leak_uncertainty_nl_min // takes


def loss_kpa_min(share, pressure_kpa):
    """Return the loss by a share of a pressure, kPa per minute, with small integers only."""
    return (pressure_kpa >> _PRESSURE_BITS) * share >> _REMAINING_BITS
