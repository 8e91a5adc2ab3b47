"""Texts and days of a machine profile, as far as a board can store them."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic_core import PydanticCustomError

from pressloop.number_types import text_of
from pressloop.wire import schema


def name_fits(name: str) -> str:
    """Return the name of a press unchanged if the board can store it.

    Raises:
        PydanticCustomError: `bad-value`, if it has too many bytes in UTF-8.
    """
    size, most = len(name.encode()), _most("name")
    if size > most:
        raise PydanticCustomError(
            "bad-value",
            "{message}; {hint}",
            {
                "message": f"'name' has {size} bytes, the board takes {most}",
                "hint": "shorten it; letters outside ASCII have two bytes or more",
            },
        )
    return name


def reference_fits(text: str) -> str:
    """Return the certificate of a reference unchanged if the board can store it.

    Raises:
        PydanticCustomError: `bad-value`, if it has too many bytes in UTF-8.
    """
    text = text_of(text)
    size, most = len(text.encode()), _most("calibration_reference")
    if size > most:
        raise PydanticCustomError(
            "bad-value",
            "{message}; {hint}",
            {
                "message": f"'{text}' has {size} bytes, the board takes {most}",
                "hint": "shorten it to what finds the certificate, such as its number",
            },
        )
    return text


def iso_day(text: str) -> str:
    """Return a day such as `2026-11-28` unchanged if the board can store it.

    Raises:
        PydanticCustomError: `bad-value`.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    last = date(1970, 1, 1) + timedelta(days=_most("calibration_day"))
    if day is None or not date(1970, 1, 1) <= day <= last or day.isoformat() != text:
        raise PydanticCustomError(
            "bad-value",
            "{message}; {hint}",
            {
                "message": f"'{text_of(text)}' is no day",
                "hint": "write year, month and day as YYYY-MM-DD",
            },
        )
    return text


def _most(name: str) -> int:
    """Return the largest size in bytes, or the last day, that the board takes for a field."""
    return schema.Profile.range_of(name)[1]
