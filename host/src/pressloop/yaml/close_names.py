"""Find the name that a misspelt one was probably meant to be.

A proposal that is not meant costs more than none: the user follows it. So names must be close, and
a key of another unit or a name with another number is never proposed, as its value would change.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

_MIN_LIKENESS: Final = 0.75
"""Share of equal letters, by `difflib`, from which a name is close."""

# fmt: off
_UNITS: Final = frozenset((
    "um", "mm", "cm", "m", "um2", "mm2", "cm2", "m2", "cm3", "mm3", "ug", "mg", "g", "kg", "pa",
    "kpa", "mpa", "gpa", "bar", "mbar", "psi", "ksi", "n", "kn", "kgf", "lbf", "t", "ul", "ml",
    "l", "ms", "s", "min", "h", "d", "hz", "khz", "percent", "ppm", "c", "k", "per",
))
# fmt: on
"""Words that are units, or a part of one, at the end of a key."""


def unit_of(name: str) -> str:
    """Return the unit at the end of a key, such as `ml_s` of `flow_ml_s`; empty without one."""
    _, *words = name.split("_")
    unit: list[str] = []
    while words and words[-1] in _UNITS:
        unit.insert(0, words.pop())
    return "_".join(unit)


def closest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the name that is closest to an unknown one, or None if none is close."""
    folded = re.sub(r"[\s-]", "_", name.strip().lower())
    likeness = {other: _likeness(folded, other) for other in names}
    best = max(likeness, key=lambda other: likeness[other], default=None)
    return best if best is not None and likeness[best] >= _MIN_LIKENESS else None


def in_other_unit(name: str, names: Iterable[str]) -> str | None:
    """Return the name that differs from an unknown one in its unit only, or None."""
    unit = unit_of(name)
    for other in names:
        other_unit = unit_of(other)
        if (
            unit
            and other_unit != unit
            and name.removesuffix(unit) == other.removesuffix(other_unit)
        ):
            return other
    return None


def _likeness(name: str, other: str) -> float:
    """Return how close two names are, from 0 to 1."""
    unit, other_unit = unit_of(name), unit_of(other)
    if unit and unit != other_unit:
        return 0.0
    if not unit and other_unit and name == other.removesuffix(f"_{other_unit}"):
        return 1.0
    digits = re.sub(r"\D", "", name)
    if digits and digits != re.sub(r"\D", "", other):
        return 0.0
    return difflib.SequenceMatcher(None, name, other.lower()).ratio()
