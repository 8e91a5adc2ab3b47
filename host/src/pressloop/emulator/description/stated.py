"""Find what a press file leaves to the reference press although a real press must state it.

A key that is left out has the value of the reference press. For a simulation that is a convenience;
on a real press another ram or transducer behind the same numbers is a wrong pressure in every run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pressloop.emulator.description.press import PressDescription
from pressloop.findings import Finding, Severity
from pressloop.hardware.boards import board
from pressloop.hardware.fitting import find_unserved

_MUST_BE_STATED: Final = (
    ("dies_mm", "which dies may be used"),
    ("ram.area_cm2", "every pressure is in proportion to it"),
    ("transducer.full_scale_bar", "every pressure is in proportion to it"),
    ("transducer.accuracy_percent", "it sets the smallest tolerance and the margin of every limit"),
    ("limits.max_oil_bar", "above it the board trips"),
    ("second_transducer", "whether a second channel bounds a wrong reading"),
)


def not_stated(press: PressDescription, severity: Severity) -> Iterator[Finding]:
    """Yield a finding for each value that neither the file nor its preset states."""
    for path, why in _MUST_BE_STATED:
        if press.is_vessel and path in ("dies_mm", "ram.area_cm2"):
            continue
        section, _, key = path.partition(".")
        is_stated = section in press.model_fields_set
        if is_stated and key:
            is_stated = key in getattr(press, section).model_fields_set
        if not is_stated:
            yield Finding(
                severity,
                "not-stated",
                path,
                f"{path} is not in the file, so that of the reference press would count: {why}",
                f"write {path} as your press has it",
            )


def unserved_parts(press: PressDescription) -> Iterator[Finding]:
    """Yield a finding for each kind of part that the press's controller board cannot serve."""
    named = press.controller.board
    return find_unserved(press.fitted, None if named is None else board(named))
