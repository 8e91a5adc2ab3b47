"""Read quantities from text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from pressloop.units.dimensions import DURATION, Dimension
from pressloop.units.refusals import (
    MAX_CHARACTERS,
    missing_unit,
    not_a_quantity,
    parts_refused,
    too_long,
    wrong_unit,
)

# Two digits of exponent are enough for any press; more would allow numbers that fill the memory.
_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?"
# A unit that begins with a digit needs a space before it: "6 1/s" is 6, "61/s" is 61.
_QUANTITY: Final = re.compile(
    rf"(-?{_NUMBER})(?:\s*(?![eE][-+]?[0-9])(?=[^\W\d_]|[%/])|\s+(?=1/))(\S.*)"
)
_BARE_NUMBER: Final = re.compile(rf"-?{_NUMBER}")

_PART_UNITS: Final = ("d", "h", "min", "s", "ms")
"""Units of a duration in parts, in the order in which they are written."""

_PARTS: Final = re.compile(rf"(?:{_NUMBER}\s*[a-zA-Z]+\s*)+(?:{_NUMBER})?")
_PART: Final = re.compile(rf"({_NUMBER})\s*([a-zA-Z]*)\s*")


@dataclass(frozen=True)
class Quantity:
    """A number with its unit."""

    value: Fraction
    """Exact value in base units of the dimension."""
    dimension: Dimension
    text: str
    """Text as written, with one space between number and unit."""


def parse(text: str, *dimensions: Dimension) -> Quantity:
    """Read a quantity of one of the dimensions.

    A duration may have several parts, the largest unit first: "1 h 30 min", "1h30m".

    Raises:
        UnitError: The text is not such a quantity; the hint names the units that are allowed.
    """
    stripped = text.strip()
    if len(stripped) > MAX_CHARACTERS:
        raise too_long(stripped, dimensions)
    if _BARE_NUMBER.fullmatch(stripped):
        raise missing_unit(stripped, *dimensions)
    match = _QUANTITY.fullmatch(stripped)
    if match is None:
        raise not_a_quantity(stripped, dimensions)
    number, unit = match.groups()
    for dimension in dimensions:
        if unit in dimension.units:
            value = Fraction(number) * dimension.units[unit]
            return Quantity(value, dimension, f"{number} {unit}")
    if DURATION in dimensions and re.search("[0-9]", unit) and _PARTS.fullmatch(stripped):
        return _duration_of_parts(stripped)
    raise wrong_unit(stripped, unit, dimensions)


def _duration_of_parts(text: str) -> Quantity:
    """Read a duration such as "1 h 30 min"; minutes may be `m` there."""
    parts = [(n, "min" if u == "m" else u) for n, u in _PART.findall(text)]
    units = [unit for _, unit in parts]
    for unit in units:
        if not unit:
            raise parts_refused(text, "write a unit after each number")
        if unit not in DURATION.units:
            raise wrong_unit(text, unit, (DURATION,))
    order = [_PART_UNITS.index(unit) for unit in units]
    if order != sorted(set(order)):
        raise parts_refused(text, "write each unit once, the largest first")
    if not all(number.isdigit() for number, _ in parts[:-1]):
        raise parts_refused(text, "write decimals in the last part only")
    value = sum((Fraction(n) * DURATION.units[u] for n, u in parts), Fraction(0))
    return Quantity(value, DURATION, " ".join(f"{n} {u}" for n, u in parts))


def pattern(*dimensions: Dimension) -> str:
    """Return a regular expression (ECMA-262) for what `parse` accepts, without a sign."""
    units = sorted({re.escape(u).replace(r"\ ", " ") for d in dimensions for u in d.units})
    # Units that begin with a digit need a space before them, as in `parse`.
    apart = [u for u in units if u[0].isdigit()]
    close = [u for u in units if not u[0].isdigit()]
    alternatives = [rf"\s*({'|'.join(close)})"] + ([rf"\s+({'|'.join(apart)})"] if apart else [])
    single = rf"{_NUMBER}({'|'.join(alternatives)})"
    if DURATION in dimensions:
        single = rf"({single}|(?=[0-9]+\s*[a-z]+\s*[0-9]){_parts_pattern(_PART_UNITS)})"
    return rf"^\s*{single}\s*$"


def _parts_pattern(units: tuple[str, ...]) -> str:
    """Return a pattern for parts in these units, each at most once and in this order."""
    unit = units[0].replace("min", "(?:min|m)")
    last = rf"{_NUMBER}\s*{unit}"
    if len(units) == 1:
        return last
    return rf"(?:{last}(?=\s*$)|(?:[0-9]+\s*{unit}\s*)?{_parts_pattern(units[1:])})"
