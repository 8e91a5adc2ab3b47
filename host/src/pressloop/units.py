"""Read and print quantities as people write them: "250 MPa", "10 MPa/s", "3 min", "0.5 %".

A quantity is read into an exact fraction of its dimension's base unit (the unit of the wire: kPa,
kPa/s, ms, um) and printed without rounding. A general units library would accept units that no
press needs, in spellings that differ between libraries, and would return floats; one table of seven
dimensions is easier to verify (docs/decisions/0004-quantities.md).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from pressloop.errors import PressloopError
from pressloop.number_types import text_of


class UnitError(PressloopError):
    """A text cannot be read as a quantity.

    Codes: `missing-unit`, `unknown-unit`, `wrong-unit`, `not-a-quantity`.
    """


@dataclass(frozen=True, eq=False)
class Dimension:
    """A kind of quantity and every unit it may be written in."""

    name: str
    """Name with its article, for a sentence: "a pressure"."""
    units: Mapping[str, Fraction]
    """Size of each unit in base units. Hints list the units in this order."""
    print_in: tuple[str, ...]
    """Units for printing: the first that gives a whole number, else the last."""
    example: str
    """A valid quantity, for hints."""

    @property
    def unit_list(self) -> str:
        """All units, separated by commas, for a hint."""
        return ", ".join(self.units)


# A pound-force is 4.4482216152605 N, an inch 25.4 mm; both are exact.
_PSI: Final = Fraction(44_482_216_152_605, 10**13) / Fraction(254, 10) ** 2 * 1000
_KPA: Final = {
    "Pa": Fraction(1, 1000),
    "kPa": Fraction(1),
    "MPa": Fraction(1000),
    "GPa": Fraction(1_000_000),
    "bar": Fraction(100),
    "N/mm2": Fraction(1000),
    "kg/cm2": Fraction(980_665, 10_000),
    "kgf/cm2": Fraction(980_665, 10_000),
    "psi": _PSI,
    "ksi": 1000 * _PSI,
}
_PER_TIME: Final = {"s": Fraction(1), "min": Fraction(1, 60)}

PRESSURE: Final = Dimension("a pressure", _KPA, ("MPa",), "250 MPa")
"""Base unit kPa."""

PRESSURE_RATE: Final = Dimension(
    "a pressure rate",
    {f"{p}/{t}": kpa * per for t, per in _PER_TIME.items() for p, kpa in _KPA.items()},
    ("MPa/s",),
    "10 MPa/s",
)
"""Base unit kPa/s."""

DURATION: Final = Dimension(
    "a duration",
    {
        "ms": Fraction(1),
        "s": Fraction(1000),
        "min": Fraction(60_000),
        "h": Fraction(3_600_000),
        "d": Fraction(86_400_000),
    },
    ("d", "h", "min", "s"),
    "3 min",
)
"""Base unit ms."""

LENGTH: Final = Dimension(
    "a length",
    {
        "mm": Fraction(1000),
        "um": Fraction(1),
        "\N{MICRO SIGN}m": Fraction(1),
        "\N{GREEK SMALL LETTER MU}m": Fraction(1),
    },
    ("mm",),
    "10 mm",
)
"""Base unit um."""

PERCENT: Final = Dimension("a percentage", {"%": Fraction(1)}, ("%",), "0.5 %")
"""Base unit percent."""

PER_SECOND: Final = Dimension(
    "a proportional gain", {"/s": Fraction(1), "1/s": Fraction(1)}, ("/s",), "6 /s"
)
"""Base unit 1/s."""

PER_SECOND_SQUARED: Final = Dimension(
    "an integral gain",
    {"/s2": Fraction(1), "1/s2": Fraction(1), "/s\N{SUPERSCRIPT TWO}": Fraction(1)},
    ("/s2",),
    "3 /s2",
)
"""Base unit 1/s2."""

_DIMENSIONS: Final = (
    PRESSURE,
    PRESSURE_RATE,
    DURATION,
    LENGTH,
    PERCENT,
    PER_SECOND,
    PER_SECOND_SQUARED,
)

# Two digits of exponent are enough for any press; more would allow numbers that fill the memory.
_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?"
# A unit that begins with a digit needs a space before it: "6 1/s" is 6, "61/s" is 61.
_QUANTITY: Final = re.compile(
    rf"(-?{_NUMBER})(?:\s*(?![eE][-+]?[0-9])(?=[^\W\d_]|[%/])|\s+(?=1/))(\S.*)"
)
_BARE_NUMBER: Final = re.compile(rf"-?{_NUMBER}")
_MAX_CHARACTERS: Final = 60
"""Longest text that is read as a quantity; what a person writes is shorter."""


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

    Raises:
        UnitError: The text is not such a quantity; the hint names the units that are allowed.
    """
    stripped = text.strip()
    shown = stripped if len(stripped) <= _MAX_CHARACTERS else stripped[:_MAX_CHARACTERS] + "..."
    wanted = " or ".join(d.name for d in dimensions)
    if len(stripped) > _MAX_CHARACTERS:
        raise UnitError(
            f"'{shown}' is too long for {wanted}",
            code="not-a-quantity",
            hint=f"write one number and one unit; units: {_units_of(dimensions)}",
        )
    if _BARE_NUMBER.fullmatch(stripped):
        raise missing_unit(stripped, *dimensions)
    match = _QUANTITY.fullmatch(stripped)
    if match is None:
        raise UnitError(
            f"'{shown}' is not {wanted}", code="not-a-quantity", hint=_hint(stripped, dimensions)
        )
    number, unit = match.groups()
    for dimension in dimensions:
        if unit in dimension.units:
            value = Fraction(number) * dimension.units[unit]
            return Quantity(value, dimension, f"{number} {unit}")
    raise _wrong_unit(shown, unit, dimensions)


def missing_unit(number: object, *dimensions: Dimension) -> UnitError:
    """Return the error for a number without a unit."""
    units = [unit for dimension in dimensions for unit in reversed(dimension.print_in)]
    shown = text_of(number)
    choices = " or ".join(f"'{shown} {unit}'" for unit in units)
    return UnitError(
        f"{shown} has no unit",
        code="missing-unit",
        hint=f"add the unit that is meant, such as {choices}; units: {_units_of(dimensions)}",
    )


def format_quantity(value: Fraction | int, dimension: Dimension) -> str:
    """Return a value in base units as text, which `parse` reads back as the same value.

    Raises:
        ValueError: The value has no finite decimal expansion.
    """
    exact = Fraction(value)
    for unit in dimension.print_in:
        scaled = exact / dimension.units[unit]
        if scaled.denominator == 1 and scaled != 0:
            return f"{scaled} {unit}"
    unit = dimension.print_in[-1]
    return f"{_decimal(exact / dimension.units[unit])} {unit}"


def pattern(*dimensions: Dimension) -> str:
    """Return a regular expression (ECMA-262) for what `parse` accepts, without a sign."""
    units = sorted({re.escape(u).replace(r"\ ", " ") for d in dimensions for u in d.units})
    # Units that begin with a digit need a space before them, as in `parse`.
    apart = [u for u in units if u[0].isdigit()]
    close = [u for u in units if not u[0].isdigit()]
    alternatives = [rf"\s*({'|'.join(close)})"] + ([rf"\s+({'|'.join(apart)})"] if apart else [])
    return rf"^\s*{_NUMBER}({'|'.join(alternatives)})\s*$"


def with_uncertainty(value: float, uncertainty: float) -> str:
    """Return a value and its uncertainty, rounded to significant digits: "74.0 ± 0.9".

    The uncertainty keeps one significant digit, or two if the first is a 1. It is rounded up,
    unless rounding down changes it by less than a twentieth (GUM 7.2.6).
    """
    if not (math.isfinite(value) and 0 < uncertainty < math.inf):
        return f"{value:g} ± {uncertainty:g}"
    magnitude = math.floor(math.log10(uncertainty))
    digits = 1 if uncertainty < 2 * 10.0**magnitude else 0
    places = max(0, digits - magnitude)
    step = 10.0 ** (magnitude - digits)
    rounded = math.ceil(0.95 * uncertainty / step) * step
    return f"{round(value / step) * step:.{places}f} ± {rounded:.{places}f}"


def _decimal(value: Fraction) -> str:
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
        if places > _MAX_CHARACTERS:
            raise ValueError(f"{value} has no finite decimal expansion")
    digits = str(abs(int(value * 10**places))).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def _units_of(dimensions: tuple[Dimension, ...]) -> str:
    return ", ".join(d.unit_list for d in dimensions)


def _hint(text: str, dimensions: tuple[Dimension, ...]) -> str:
    units = _units_of(dimensions)
    if re.search(r"[0-9],\s*[0-9]", text):
        return (
            "the comma may be a decimal comma or a thousands separator: write a decimal point, "
            "or leave the separator out"
        )
    if re.search(r"[0-9][_'\s][0-9]", text):
        return "write a decimal point and no thousands separator"
    if re.match(r"\.[0-9]", text):
        return "write a zero before the point"
    if re.fullmatch(r"[0-9]+:[0-9]+(:[0-9]+)?", text):
        return f"it may be hours, minutes or seconds: write a number with its unit; units: {units}"
    if re.match(r"[-+]?\.?(nan|inf)", text, re.IGNORECASE):
        return f"write a finite number and a unit; units: {units}"
    return f"write a number and a unit; units: {units}"


def _wrong_unit(text: str, unit: str, dimensions: tuple[Dimension, ...]) -> UnitError:
    wanted = " or ".join(d.name for d in dimensions)
    right = _units_of(dimensions)
    for other in _DIMENSIONS:
        if unit in other.units:
            return UnitError(
                f"'{text}' is {other.name}, not {wanted}",
                code="wrong-unit",
                hint=f"write {wanted}; its units: {right}",
            )
    if re.search(r"\s[0-9.]+\s*[a-z]", unit):
        return UnitError(
            f"'{text}' has more than one number",
            code="not-a-quantity",
            hint="add the parts up and write one number with one unit",
        )
    known = [u for d in dimensions for u in d.units]
    # Only the case may differ: a unit that is merely similar (mbar, bar) changes the value.
    close = [u for u in known if u.lower() == unit.lower()]
    suggestion = f"did you mean '{close[0]}'? " if close else ""
    return UnitError(
        f"'{text}' has the unknown unit '{unit}'",
        code="unknown-unit",
        hint=f"{suggestion}units of {wanted}: {right}",
    )
