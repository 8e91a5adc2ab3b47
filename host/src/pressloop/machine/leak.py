"""What the shut press loses by itself, by its profile.

A leak is laminar: its flow goes with the pressure of the oil. What that costs in pressure is flow
over the compliance of the closed press there, so it is a share of the pressure that is nearly the
same for every die. The integers are the board's (`pressloop_fw/leak.py`), so that host and board
never disagree about which loss can be told from a leak's.

The leak is taken from a run on a steel blank. What the sample itself gives back while the pressure
falls is not in the profile's compliance; it is part of the uncertainty (`tuning_leak.DOUBT`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pressloop.machine.profile import MachineProfile, curve_knots
from pressloop.wire import schema

Floats = npt.NDArray[np.float64]

REFERENCE_MPA: Final = 10
"""Oil pressure at which the profile states the leak."""


@dataclass(frozen=True)
class Leaked:
    """What the leak has taken of a sealed pressure on the pellet, per sample, since the first."""

    mpa: Floats
    uncertainty_mpa: Floats
    """Expanded, k = 2; the same error throughout, so it grows with what was taken."""


@dataclass(frozen=True)
class LeakLoss:
    """What the leak takes of a sealed pressure on the pellet."""

    kpa_min: int
    uncertainty_kpa_min: int
    """Expanded, k = 2."""


def leak_loss(profile: MachineProfile, die_um: int, pressure_kpa: int) -> LeakLoss | None:
    """Return what the leak takes at a pressure on the pellet; None when the leak is not known."""
    wire = profile.to_wire()
    if wire.leak_nl_min is None or wire.leak_uncertainty_nl_min is None:
        return None
    oil_kpa = pressure_kpa * 1024 // profile.limits(die_um).ratio_q10
    takes = REFERENCE_MPA * compliance_nl_mpa(wire, oil_kpa)
    return LeakLoss(
        pressure_kpa * wire.leak_nl_min // takes,
        pressure_kpa * wire.leak_uncertainty_nl_min // takes,
    )


def leaked(
    profile: MachineProfile, die_mm: float, time_s: Floats, pressure_mpa: Floats
) -> Leaked | None:
    """Return what the leak took of a stretch of a sealed dwell; None when it is not known.

    Args:
        profile: Of the press.
        die_mm: Diameter of the die.
        time_s: Ascending, without gaps.
        pressure_mpa: On the pellet.
    """
    leak, uncertainty = profile.leak_ul_min, profile.leak_uncertainty_ul_min
    if leak is None or uncertainty is None or not time_s.size:
        return None
    compliance = compliance_ul_mpa(profile, pressure_mpa / profile.lever(die_mm))
    # MPa per s and uL/min of leak, summed up from sample to sample.
    rate = pressure_mpa / (60 * REFERENCE_MPA * compliance)
    taken = np.concatenate(([0.0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(time_s))))
    return Leaked(leak * taken, uncertainty * taken)


def compliance_nl_mpa(wire: schema.Profile, oil_kpa: int) -> int:
    """Return the compliance of the closed press at an oil pressure, in the board's integers."""
    curve = wire.compliance_curve
    if curve is None:
        return wire.compliance_nl_mpa
    upper = wire.max_oil_kpa
    knot = len(curve) - 1
    while knot and oil_kpa < upper:
        lower = upper // 2
        knot -= 1
        if oil_kpa >= lower:
            rise = curve[knot + 1] - curve[knot]
            return curve[knot] + rise * (oil_kpa - lower) // (upper - lower)
        upper = lower
    return curve[knot]


def compliance_ul_mpa(profile: MachineProfile, oil_mpa: Floats) -> Floats:
    """Return the compliance of the closed press at oil pressures."""
    curve = profile.compliance_curve_ul_mpa
    if curve is None:
        return np.full(oil_mpa.size, profile.compliance_ul_mpa)
    return np.interp(oil_mpa, curve_knots(profile.max_oil_bar / 10, len(curve)), curve)
