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

from pressloop.machine.profile import MachineProfile
from pressloop.wire import schema

REFERENCE_MPA: Final = 10
"""Oil pressure at which the profile states the leak, MPa."""


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
