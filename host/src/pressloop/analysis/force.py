"""Converts a pressure on the pellet into the force on it."""

from __future__ import annotations

import math


def force_kn(pressure_mpa: float | None, die_mm: float | None) -> float | None:
    """Return the force on a round pellet, kN; None without a pressure or a die.

    Args:
        pressure_mpa: Pressure on the pellet.
        die_mm: Diameter of the die.
    """
    if pressure_mpa is None or die_mm is None:
        return None
    return pressure_mpa * math.pi / 4 * die_mm**2 / 1000
