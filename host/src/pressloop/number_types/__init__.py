"""Turns what a script passed into Python's own numbers and text, without importing its package."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any


class WrittenFloat(float):
    """A float that keeps the text it was read from, such as 1e3, for messages about it."""

    text: str

    def __new__(cls, text: str | float) -> WrittenFloat:
        """Return the number that a text shows."""
        number = super().__new__(cls, text)
        number.text = str(text)
        return number


def plain(value: Any) -> Any:
    """Return a value with Python's own numbers in place of those of other packages.

    Scalars and arrays of numpy and pandas become numbers and lists, also inside lists, tuples and
    mappings; everything else is returned as it is. A float32 keeps its exact value.
    """
    if type(value) in (bool, int, float, str) or value is None:
        return value
    try:
        return _converted(value)
    except Exception:  # an object of any class may raise anything; the caller refuses it
        return value


def _converted(value: Any) -> Any:
    if hasattr(value, "__array__") and hasattr(value, "tolist"):
        listed = value.tolist()
        # A long double has no number of Python that is its equal, and stays what it is.
        return float(listed) if hasattr(listed, "__array__") else listed
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, int | float | str):
        return value  # enumerations and other subclasses
    if isinstance(value, numbers.Integral) or hasattr(value, "__index__"):
        return operator.index(value)
    if isinstance(value, numbers.Real | Decimal):
        return float(value)
    return value


def written(value: object) -> str:
    """Return a value as a user wrote it in YAML, for a message."""
    if isinstance(value, bool):
        return str(value).lower()
    return text_of(getattr(value, "text", value))


def text_of(value: object, shown: Callable[[object], str] = str) -> str:
    """Return any object as text that every encoding of Unicode takes; never raises.

    Args:
        value: Anything: even an object whose own text cannot be made, or a number of too many
            digits.
        shown: `str` or `repr`.
    """
    try:
        text = shown(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text.encode(errors="replace").decode()
