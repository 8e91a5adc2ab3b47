"""Relates the oil in a closed press to its pressure, by the compliance of the machine profile.

The press is closed on a sample that takes up no oil: all of it compresses oil and stretches frame.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from pressloop.machine.profile import MachineProfile

_KNOTS: Final = 8


def volume_ul_at(profile: MachineProfile, oil_mpa: float) -> float:
    """Return the volume that a pressure of the oil takes, uL; none beyond the largest knot."""
    taken_ul = 0.0
    for (low_mpa, low_ul_mpa), (high_mpa, high_ul_mpa) in pairwise(_knots(profile)):
        part_mpa = max(0.0, min(high_mpa, oil_mpa) - low_mpa)
        taken_ul += part_mpa * (low_ul_mpa + high_ul_mpa) / 2
    return taken_ul


def oil_mpa_of(profile: MachineProfile, volume_ul: float) -> float:
    """Return the pressure of the oil that a volume makes, MPa."""
    knots = _knots(profile)
    for (low_mpa, low_ul_mpa), (high_mpa, high_ul_mpa) in pairwise(knots):
        takes_ul = (high_mpa - low_mpa) * (low_ul_mpa + high_ul_mpa) / 2
        if volume_ul <= takes_ul:
            # Between two knots the compliance changes little: its mean is good enough.
            return low_mpa + (high_mpa - low_mpa) * volume_ul / takes_ul
        volume_ul -= takes_ul
    top_mpa, stiffest_ul_mpa = knots[-1]
    return top_mpa + volume_ul / stiffest_ul_mpa


def _knots(profile: MachineProfile) -> list[tuple[float, float]]:
    """Return the compliance, uL/MPa, at pressures of the oil, MPa, rising."""
    top_mpa = profile.max_oil_bar / 10
    curve = profile.compliance_curve_ul_mpa or (profile.compliance_ul_mpa,) * _KNOTS
    knots = [(0.0, curve[0])]
    return knots + [(top_mpa / 2 ** (_KNOTS - 1 - n), ul_mpa) for n, ul_mpa in enumerate(curve)]
