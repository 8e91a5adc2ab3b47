"""Makes the error that a validator of a model raises: with code, message and hint of a finding."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

from pressloop.findings import KeyPath
from pressloop.number_types import text_of


def form_error(code: str, message: str, hint: str, at: KeyPath = ()) -> PydanticCustomError:
    """Return a pydantic error that carries code, message and hint of a finding.

    Args:
        code: Code of the finding.
        message: What is wrong.
        hint: What to write instead.
        at: Path of the mistake, relative to the model that raises the error.
    """
    return PydanticCustomError(
        code,
        "{message}; {hint}",
        {"message": text_of(message), "hint": text_of(hint), "at": at},
    )
