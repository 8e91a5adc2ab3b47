"""Gives Student's factor for an expanded uncertainty from few values."""

from __future__ import annotations

from typing import Final

# For 95.45 % by degrees of freedom: table G.2 of the GUM (JCGM 100:2008).
_STUDENT: Final = (
    (1, 13.97),
    (2, 4.53),
    (3, 3.31),
    (4, 2.87),
    (5, 2.65),
    (6, 2.52),
    (8, 2.37),
    (10, 2.28),
    (20, 2.13),
    (50, 2.05),
)


def student_factor(free: int) -> float:
    """Return the factor from a standard to an expanded uncertainty by degrees of freedom."""
    for most, factor in reversed(_STUDENT):
        if free >= most:
            return factor
    return _STUDENT[0][1]
