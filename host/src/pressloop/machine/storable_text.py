"""Texts and days of a machine profile, as far as a board can store them."""

from __future__ import annotations

from datetime import date, timedelta

from pressloop.number_types import text_of
from pressloop.wire import schema
from pressloop.yaml.form_error import form_error


def name_fits(name: str) -> str:
    """Return the name of a press unchanged if the board can store it.

    Raises:
        PydanticCustomError: `bad-value`, if it has too many bytes in UTF-8.
    """
    hint = "shorten it; letters outside ASCII have two bytes or more"
    _require_room("name", name, "name", hint)
    return name


def reference_fits(text: str) -> str:
    """Return the certificate of a reference unchanged if the board can store it.

    Raises:
        PydanticCustomError: `bad-value`, if it has too many bytes in UTF-8.
    """
    text = text_of(text)
    hint = "shorten it to what finds the certificate, such as its number"
    _require_room("calibration_reference", text, text, hint)
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
        hint = "write year, month and day as YYYY-MM-DD"
        raise form_error("bad-value", f"'{text_of(text)}' is no day", hint)
    return text


def _require_room(field: str, text: str, called: str, hint: str) -> None:
    """Refuse a text of more bytes than the board takes for a field, under the name `called`.

    Raises:
        PydanticCustomError: `bad-value`.
    """
    size, most = len(text.encode()), _most(field)
    if size > most:
        message = f"'{called}' has {size} bytes, the board takes {most}"
        raise form_error("bad-value", message, hint)


def _most(name: str) -> int:
    """Return the largest size in bytes, or the last day, that the board takes for a field."""
    return schema.Profile.range_of(name)[1]
