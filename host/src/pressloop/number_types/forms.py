"""Say what is unusual about how a number is written, in the words of a hint.

No hint shows a number: a value that is copied from a hint goes to the press.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_COMMA: Final = (
    "the comma may be a decimal comma or a thousands separator: write a decimal point, "
    "or leave the separator out"
)
_DATE: Final = "this looks like a date"

_FORMS: Final = (
    (re.compile(r"[0-9],\s*[0-9]"), _COMMA),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*"), _DATE),
    (
        re.compile(r"[0-9]\s*(?:-|\.\.+|\bto\b|[\u2010-\u2015\u2026])\s*[0-9]"),
        "write one number, not a range",
    ),
    (re.compile(r"[0-9][_'\u2019\s][0-9]"), "write a decimal point and no thousands separator"),
    (re.compile(r"^[-+]?\.[0-9]"), "write a zero before the point"),
    (re.compile(r"[0-9]\.(?![0-9])"), "write a digit after the point, or leave the point out"),
    (re.compile(r"^[\u2010-\u2015\u2212]\s*[0-9]"), "write the minus sign as a plain hyphen (-)"),
    (re.compile(r"^\+"), "leave the plus sign out"),
    (re.compile("[\u2018-\u201f\u00ab\u00bb\"']"), "leave the quotes out, or write plain ones"),
    (
        re.compile(r"[~<>=\u00b1\u2248\u2264\u2265\u00b7\u00d7*^()]"),
        "write a plain number without other signs",
    ),
)
"""Forms of numbers that people write, and what to write instead; the first that fits counts."""


def form_hint(text: str, generic: str) -> str:
    """Return what to write instead of a text that has no plain number.

    Args:
        text: What was written.
        generic: The hint where nothing is unusual about the number.
    """
    if any(unicodedata.category(c) == "No" for c in text):
        return f"{generic}; without superscript digits and fractions"
    if any(c.isdecimal() and not c.isascii() for c in text):
        return f"{generic}; with plain (ASCII) digits"
    for form, hint in _FORMS:
        if form.search(text):
            return f"{hint}: {generic}" if hint == _DATE else hint
    return generic


def number_hint(value: object, number: str) -> str:
    """Return what to write for a value that is not a plain number, where a key has the unit.

    Args:
        value: What was written.
        number: What is wanted: "number" or "whole number".
    """
    generic = f"write a plain {number} in the unit at the end of the key's name"
    return form_hint(value.strip(), generic) if isinstance(value, str) else generic


def foreign_letter(text: str) -> str:
    """Return which letter of a text is of another alphabet, for a message; empty if none is.

    A Cyrillic or Greek letter often looks exactly like the Latin one.
    """
    for character in text:
        if character.isalpha() and not character.isascii() and character not in "\u00b5\u03bc":
            name = unicodedata.name(character, "no name").lower()
            return f"; its letter '{character}' is U+{ord(character):04X} ({name})"
    return ""
