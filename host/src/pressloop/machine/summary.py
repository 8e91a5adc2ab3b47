"""Summarise what a press can do with each of its dies, in the board's own arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from pressloop.machine.channels import ChannelComparison
from pressloop.machine.profile import MachineProfile
from pressloop.machine.resolution import Resolution
from pressloop.units import force_text


@dataclass(frozen=True)
class DieSummary:
    """What a press can do with one die; pressures are on the pellet.

    Attributes:
        die_mm: Diameter, mm.
        mpa_per_bar: Pressure for each bar of oil, MPa.
        limit_mpa: Highest pressure, MPa.
        force: The force of that pressure, as text.
        transducer_mpa: Limits (+-) of the transducer's error, MPa.
        channels_mpa: By how much both pressure channels may differ at the limit before the board
            trips, MPa; None on a single-channel press.
        tolerance_mpa: Finest tolerance that the press can tell, MPa.
        fastest_rise_mpa_s: Rate with the pump valve fully open and the press closed, MPa/s.
    """

    die_mm: float
    mpa_per_bar: float
    limit_mpa: float
    force: str
    transducer_mpa: float
    channels_mpa: float | None
    tolerance_mpa: float
    fastest_rise_mpa_s: float


def summarise(profile: MachineProfile) -> list[DieSummary]:
    """Return the summary of each die, smallest first."""
    rows = []
    for die_um in sorted(profile.dies_um):
        limits = profile.limits(die_um)
        channels = ChannelComparison.of(profile, die_um)
        rows.append(
            DieSummary(
                die_mm=die_um / 1000,
                mpa_per_bar=limits.ratio_q10 / 10_240,
                limit_mpa=limits.pellet_limit_kpa / 1000,
                force=force_text(limits.pellet_limit_kpa, die_um),
                transducer_mpa=limits.resolution_kpa / 1000,
                channels_mpa=(
                    channels.allowed_kpa(limits.pellet_limit_kpa) / 1000 if channels else None
                ),
                tolerance_mpa=Resolution(profile, die_um).finest_kpa / 1000,
                fastest_rise_mpa_s=limits.fastest_rise_kpa_s / 1000,
            )
        )
    return rows
