"""Check what a script passes to the public functions: numbers, paths, callbacks, objects.

Scripts pass numbers of numpy and pandas where Pressloop wants those of Python. They are converted
by what they can do, so that numpy need not be installed.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final, TypeVar

from pressloop.errors import BadInputError
from pressloop.number_types import plain, text_of

T = TypeVar("T")

_MAX_PATH_BYTES: Final = 4095
_MAX_PART_BYTES: Final = 255
"""Longest path and longest name in it that common file systems take."""


def whole_number(value: object, name: str, *, low: int | None = None) -> int:
    """Return an argument as an int, from any integer type.

    Args:
        value: What the script passed.
        name: Name of the argument, for the message.
        low: Smallest value that is allowed.

    Raises:
        BadInputError: `wrong-type` if it is no integer, `out-of-range` if it is below `low`.
    """
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int):
        raise _wrong_type(name, value, "a whole number")
    if low is not None and number < low:
        raise out_of_range(name, value, f"{low} or more")
    return int(number)


def real_number(
    value: object, name: str, *, above: float | None = None, high: float | None = None
) -> float:
    """Return an argument as a finite float, from any integer or float type.

    Args:
        value: What the script passed.
        name: Name of the argument, for the message.
        above: The value must be greater than this.
        high: Largest value that is allowed.

    Raises:
        BadInputError: `wrong-type` if it is no number; `out-of-range` if it is not finite, or
            outside these limits.
    """
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise _wrong_type(name, value, "a number")
    try:
        result = float(number)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise out_of_range(name, value, "a finite number")
    if above is not None and result <= above:
        raise out_of_range(name, value, f"a number above {above:g}")
    if high is not None and result > high:
        raise out_of_range(name, value, f"{high:g} or less")
    return result


def path_argument(value: object, name: str) -> Path:
    """Return an argument as a path.

    Raises:
        BadInputError: `wrong-type`, if it is neither text nor a path.
    """
    if not isinstance(value, str | os.PathLike):
        raise _wrong_type(name, value, "a path")
    text = os.fspath(value)
    if not isinstance(text, str) or "\0" in text:
        raise _wrong_type(name, value, "a path")
    try:
        size = len(os.fsencode(text))
        longest = max((len(os.fsencode(part)) for part in Path(text).parts), default=0)
    except UnicodeEncodeError:
        raise _wrong_type(name, value, "a path") from None
    if size > _MAX_PATH_BYTES or longest > _MAX_PART_BYTES:
        raise out_of_range(name, value, f"a path with names of up to {_MAX_PART_BYTES} bytes")
    return Path(text)


def callable_argument(value: T, name: str) -> T:
    """Return a callback unchanged.

    Raises:
        BadInputError: `wrong-type`, if it cannot be called.
    """
    if not callable(value):
        raise _wrong_type(name, value, "a function")
    return value


def require_callables(**callbacks: object) -> None:
    """Make sure that each argument is a callback or None.

    Raises:
        BadInputError: `wrong-type`, if it cannot be called.
    """
    for name, callback in callbacks.items():
        if callback is not None:
            callable_argument(callback, name)


def require_instance(value: object, wanted: type, name: str) -> None:
    """Make sure that an argument is an object of a class of Pressloop.

    Raises:
        BadInputError: `wrong-type`.
    """
    if not isinstance(value, wanted):
        raise BadInputError(
            f"{name}: {shown_value(value)} is not a {wanted.__name__}",
            hint=f"pass a {wanted.__name__}; help({wanted.__name__}) explains it",
            code="wrong-type",
        )


def _wrong_type(name: str, value: object, wanted: str) -> BadInputError:
    return BadInputError(
        f"{name}: {shown_value(value)} is not {wanted}", hint=f"pass {wanted}", code="wrong-type"
    )


def out_of_range(name: str, value: object, wanted: str) -> BadInputError:
    """Return the error for an argument of the right type and a wrong size."""
    return BadInputError(
        f"{name}: {shown_value(value)} is out of range",
        hint=f"pass {wanted}",
        code="out-of-range",
    )


def shown_value(value: object) -> str:
    """Return a wrong value for a message, on one line and cut to a readable length."""
    text = " ".join(text_of(value, repr).split())
    return text if len(text) <= 60 else text[:57] + "..."
