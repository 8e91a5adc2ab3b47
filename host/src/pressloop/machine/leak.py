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

from pressloop.machine.profile import MachineProfile
from pressloop.wire import schema

REFERENCE_MPA: Final = 10
"""Oil pressure at which the profile states the leak."""


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
