"""Compute what the die's wall takes off the pressure over the height of a pellet.

Janssen and Walker: the pressure falls by exp(-4 mu K z/D) with the depth z below the punch. mu is
the friction of powder on the wall, K the ratio of radial to axial pressure. Neither is measured on
a press, so the result is a pair of limits for common values.
"""

from __future__ import annotations

import math
from typing import Final

FRICTION: Final = (0.11, 0.20)
"""Assumption: lubricated powder, dense and loose."""

RADIAL_PER_AXIAL: Final = 0.5
"""Assumption."""


def wall_loss(height_mm: float, die_mm: float) -> tuple[float, float]:
    """Return the smallest and the largest share of the pressure that the far end does not get.

    Args:
        height_mm: Height of the pellet.
        die_mm: Diameter of the die.
    """
    low, high = (
        1 - math.exp(-4 * friction * RADIAL_PER_AXIAL * height_mm / die_mm) for friction in FRICTION
    )
    return low, high
