"""Define the kinds of quantity, and the size of every unit in which each may be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final


@dataclass(frozen=True, eq=False)
class Dimension:
    """A kind of quantity and every unit it may be written in."""

    name: str
    """Name with its article, for a sentence: "a pressure"."""
    units: Mapping[str, Fraction]
    """Size of each unit in base units, other spellings included."""
    print_in: tuple[str, ...]
    """Units for printing: the first that gives a whole number, else the last."""
    example: str
    """A valid quantity, for the examples of the JSON Schema."""
    unit_list: str
    """The units, separated by commas, for a hint; one spelling of each."""


def _spellings(unit: str) -> Iterator[str]:
    """Yield the spellings of a unit: an area as `cm2`, `cm^2` or with a superscript."""
    yield unit
    if unit.endswith("2"):
        yield f"{unit[:-1]}\N{SUPERSCRIPT TWO}"
        yield f"{unit[:-1]}^2"


def _with_spellings(units: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {spelling: size for unit, size in units.items() for spelling in _spellings(unit)}


def _rates(units: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {f"{u}/{t}": size * per for t, per in _PER_TIME.items() for u, size in units.items()}


def _rate_list(units: Mapping[str, Fraction]) -> str:
    return ", ".join(f"{unit}/s" for unit in units) + ", each also with /min"


_PER_TIME: Final = {"s": Fraction(1), "min": Fraction(1, 60)}

# A pound-force is 4.4482216152605 N, an inch 25.4 mm, standard gravity 9.80665 m/s2: all exact.
_LBF: Final = Fraction(44_482_216_152_605, 10**13)
_KGF: Final = Fraction(980_665, 100_000)
_NEWTON: Final = {
    "N": Fraction(1),
    "kN": Fraction(1000),
    "kgf": _KGF,
    "t": 1000 * _KGF,
    "lbf": _LBF,
    "lton": 2240 * _LBF,
    "ston": 2000 * _LBF,
}
_OTHER_NEWTON: Final = {"tf": 1000 * _KGF}

_PSI: Final = _LBF / Fraction(254, 10) ** 2 * 1000
_KPA: Final = {
    "Pa": Fraction(1, 1000),
    "kPa": Fraction(1),
    "MPa": Fraction(1000),
    "GPa": Fraction(1_000_000),
    "bar": Fraction(100),
    "N/mm2": Fraction(1000),
    "kN/cm2": Fraction(10_000),
    "kg/cm2": 10 * _KGF,
    "t/cm2": 10_000 * _KGF,
    "psi": _PSI,
    "ksi": 1000 * _PSI,
}
_OTHER_KPA: Final = {
    "N/cm2": Fraction(10),
    "kN/mm2": Fraction(1_000_000),
    "kgf/cm2": 10 * _KGF,
    "kg/mm2": 1000 * _KGF,
    "kgf/mm2": 1000 * _KGF,
    "tf/cm2": 10_000 * _KGF,
    "lbf/in2": _PSI,
}
_ALL_NEWTON: Final = _NEWTON | _OTHER_NEWTON
_ALL_KPA: Final = _with_spellings(_KPA | _OTHER_KPA)

PRESSURE: Final = Dimension("a pressure", _ALL_KPA, ("MPa",), "250 MPa", ", ".join(_KPA))
"""Base unit kPa."""

PRESSURE_RATE: Final = Dimension(
    "a pressure rate", _rates(_ALL_KPA), ("MPa/s",), "10 MPa/s", _rate_list(_KPA)
)
"""Base unit kPa/s."""

FORCE: Final = Dimension("a force", _ALL_NEWTON, ("kN",), "20 kN", ", ".join(_NEWTON))
"""Base unit N. Stands for a pressure where the die is known."""

FORCE_RATE: Final = Dimension(
    "a force rate", _rates(_ALL_NEWTON), ("kN/s",), "1 kN/s", _rate_list(_NEWTON)
)
"""Base unit N/s. Stands for a pressure rate where the die is known."""

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
    "ms, s, min, h, d",
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
    "mm, um",
)
"""Base unit um."""

PERCENT: Final = Dimension("a percentage", {"%": Fraction(1)}, ("%",), "0.5 %", "%")
"""Base unit percent."""

PER_SECOND: Final = Dimension(
    "a proportional gain", {"/s": Fraction(1), "1/s": Fraction(1)}, ("/s",), "6 /s", "/s"
)
"""Base unit 1/s."""

PER_SECOND_SQUARED: Final = Dimension(
    "an integral gain",
    _with_spellings({"/s2": Fraction(1), "1/s2": Fraction(1)}),
    ("/s2",),
    "3 /s2",
    "/s2",
)
"""Base unit 1/s2."""

DIMENSIONS: Final = (
    PRESSURE,
    PRESSURE_RATE,
    FORCE,
    FORCE_RATE,
    DURATION,
    LENGTH,
    PERCENT,
    PER_SECOND,
    PER_SECOND_SQUARED,
)
