"""Compute the pressure that a sealed press loses through its own leak.

A leak is laminar: its flow is proportional to the oil pressure. The pressure loss is the flow over
the compliance of the closed press at that pressure, so it is a share of the pressure that is nearly
the same for every die. The integer formulas are those of the board (`pressloop_fw/loop/leak.py`):
host and board agree on which loss can be distinguished from the leak.

The leak is measured in a tuning run on a steel blank. The elastic recovery of the sample while the
pressure falls is not in the profile's compliance; it is part of the uncertainty of the leak.
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
"""Oil pressure at which the profile states the leak, MPa."""


@dataclass(frozen=True)
class Leaked:
    """Pressure on the pellet that the leak has taken since the first sample, for each sample."""

    mpa: Floats
    """Loss since the first sample, MPa."""
    uncertainty_mpa: Floats
    """Expanded uncertainty, k = 2, MPa; it grows with the loss, as the leak's error is constant."""


@dataclass(frozen=True)
class LeakLoss:
    """Rate at which the leak lowers a sealed pressure on the pellet."""

    kpa_min: int
    """Loss, kPa/min."""
    uncertainty_kpa_min: int
    """Expanded uncertainty, k = 2, kPa/min."""


def leak_loss(profile: MachineProfile, die_um: int, pressure_kpa: int) -> LeakLoss | None:
    """Return the loss rate at a pressure on the pellet; None if the profile has no leak.

    Args:
        profile: Profile of the press.
        die_um: Diameter of the die, um.
        pressure_kpa: Pressure on the pellet, kPa.
    """
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
    """Return the loss through the leak during a sealed dwell; None if the profile has no leak.

    Args:
        profile: Profile of the press.
        die_mm: Diameter of the die, mm.
        time_s: Time of each sample, s; ascending, without gaps.
        pressure_mpa: Pressure on the pellet at each sample, MPa.
    """
    leak, uncertainty = profile.leak_ul_min, profile.leak_uncertainty_ul_min
    if leak is None or uncertainty is None or not time_s.size:
        return None
    compliance = compliance_ul_mpa(profile, pressure_mpa / profile.lever(die_mm))
    # In MPa/s for each uL/min of leak; integrated by the trapezoidal rule.
    rate = pressure_mpa / (60 * REFERENCE_MPA * compliance)
    taken = np.concatenate(([0.0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(time_s))))
    return Leaked(leak * taken, uncertainty * taken)


def compliance_nl_mpa(wire: schema.Profile, oil_kpa: int) -> int:
    """Return the compliance of the closed press at an oil pressure, nl/MPa, as the board does."""
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
    """Return the compliance of the closed press, uL/MPa, at each oil pressure."""
    curve = profile.compliance_curve_ul_mpa
    if curve is None:
        return np.full(oil_mpa.size, profile.compliance_ul_mpa)
    return np.interp(oil_mpa, curve_knots(profile.max_oil_bar / 10, len(curve)), curve)
