"""Say why a text is no quantity, and what to write instead.

No hint shows a number that is not in the text, or a unit of another size: a value that is copied
from a hint goes to the press.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from pressloop.errors import BadInputError
from pressloop.number_types import written
from pressloop.number_types.forms import foreign_letter, form_hint
from pressloop.units.dimensions import DIMENSIONS, DURATION, Dimension


class UnitError(BadInputError):
    """A text cannot be read as a quantity.

    Codes: `missing-unit`, `unknown-unit`, `wrong-unit`, `not-a-quantity`, `force-without-die`.
    """


MAX_CHARACTERS: Final = 60
"""Longest text that is read as a quantity; what a person writes is shorter."""

_SAME_UNIT: Final = {
    "msec": "ms",
    "millisecond": "ms",
    "sec": "s",
    "second": "s",
    "mins": "min",
    "minute": "min",
    "hr": "h",
    "hour": "h",
    "day": "d",
    "micron": "um",
    "millimeter": "mm",
    "millimetre": "mm",
    "percent": "%",
    "pct": "%",
    "megapascal": "MPa",
    "kilonewton": "kN",
    "newton": "N",
    "tonne": "t",
    "kg": "kgf",
    "lb": "lbf",
}
"""Other names of units, and of the masses that a gauge shows in place of forces."""

_JOINED: Final = re.compile(r"[0-9]\s*[a-z]+\s*(,|and\b|\+)\s*[0-9]", re.IGNORECASE)

_AFTER_UNIT: Final = re.compile(r"\.$|[,;]| +\(")

_TONS: Final = ("ton", "tonf", "tons")
_TON_HINT: Final = (
    "a ton may be metric, long (British) or short (American): write 't', 'lton' or 'ston'"
)


def units_of(dimensions: Sequence[Dimension]) -> str:
    """Return the units of some dimensions, for a hint."""
    return ", ".join(d.unit_list for d in dimensions)


def names_of(dimensions: Sequence[Dimension]) -> str:
    """Return the names of some dimensions, for a sentence: "a pressure or a force"."""
    *others, last = (d.name for d in dimensions)
    return f"{', '.join(others)} or {last}" if others else last


def missing_unit(number: object, *dimensions: Dimension) -> UnitError:
    """Return the error for a number without a unit."""
    shown = written(number)
    units = [unit for dimension in dimensions for unit in reversed(dimension.print_in)]
    choices = " or ".join(f"'{shown} {unit}'" for unit in units)
    return UnitError(
        f"{shown} has no unit",
        code="missing-unit",
        hint=f"add the unit that is meant, such as {choices}; units: {units_of(dimensions)}",
    )


def too_long(text: str, dimensions: Sequence[Dimension]) -> UnitError:
    """Return the error for a text that is longer than any quantity."""
    return UnitError(
        f"'{_shown(text)}' is too long for {names_of(dimensions)}",
        code="not-a-quantity",
        hint=f"write one number and one unit; units: {units_of(dimensions)}",
    )


def not_a_quantity(text: str, dimensions: Sequence[Dimension]) -> UnitError:
    """Return the error for a text that is not a number and a unit."""
    return UnitError(
        f"'{_shown(text)}' is not {names_of(dimensions)}",
        code="not-a-quantity",
        hint=_form_hint(text, dimensions),
    )


def parts_refused(text: str, hint: str) -> UnitError:
    """Return the error for a duration in several parts that do not fit together."""
    return UnitError(f"'{_shown(text)}' is not a duration", code="not-a-quantity", hint=hint)


def wrong_unit(text: str, unit: str, dimensions: Sequence[Dimension]) -> UnitError:
    """Return the error for a number with a unit that is not one of the dimensions'."""
    if unicodedata.category(unit[0]) == "No":
        return not_a_quantity(text, dimensions)
    shown, wanted, right = _shown(text), names_of(dimensions), units_of(dimensions)
    for other in DIMENSIONS:
        if unit in other.units:
            return UnitError(
                f"'{shown}' is {other.name}, not {wanted}",
                code="wrong-unit",
                hint=f"write {wanted}; units: {right}",
            )
    if re.search(r"[0-9]\s*[^\W\d_]", unit):
        hint = _form_hint(text, dimensions)
        if hint == _generic(dimensions):
            hint = "write one number with one unit"
        return UnitError(f"'{shown}' has more than one number", code="not-a-quantity", hint=hint)
    return UnitError(
        f"'{shown}' has the unknown unit '{unit}'{foreign_letter(unit)}",
        code="unknown-unit",
        hint=f"{_meant(unit, dimensions)}units of {wanted}: {right}",
    )


def _meant(unit: str, dimensions: Sequence[Dimension]) -> str:
    """Return the part of a hint that names the unit that was probably meant, or nothing.

    Only the spelling may differ: a unit that is merely similar (mbar, bar) changes the value.
    """
    known = [u for d in dimensions for u in d.units]
    folded = unit.lower()
    if folded in _TONS and "t" in known:
        return f"{_TON_HINT}; "
    if unit == "m" and DURATION in dimensions:
        return "for minutes write 'min'; "
    same = _SAME_UNIT.get(folded) or _SAME_UNIT.get(folded.removesuffix("s"))
    if same in known:
        return f"for '{unit}' write '{same}'; "
    close = [u for u in known if u.lower() == folded]
    if not close:
        end = _AFTER_UNIT.search(unit)
        known_start = end is not None and unit[: end.start()] in known
        return f"leave out what follows '{unit[: end.start()]}'; " if end and known_start else ""
    if unit[0] == "m" and close[0][0] == "M":
        return f"a small m means milli: for mega write '{close[0]}'; "
    return f"did you mean '{close[0]}'? "


def _form_hint(text: str, dimensions: Sequence[Dimension]) -> str:
    generic, units = _generic(dimensions), f"units: {units_of(dimensions)}"
    if DURATION in dimensions and re.fullmatch(r"[0-9]+:[0-9]+(:[0-9]+)?", text):
        return f"it may be hours, minutes or seconds: write each number with its unit; {units}"
    if re.match(r"[-+]?\.?(nan|inf)", text, re.IGNORECASE):
        return f"write a finite number and a unit; {units}"
    if DURATION in dimensions and _JOINED.search(text):
        return "leave out what joins the parts"
    return form_hint(text, generic)


def _generic(dimensions: Sequence[Dimension]) -> str:
    return f"write a number and a unit; units: {units_of(dimensions)}"


def _shown(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + "..."
