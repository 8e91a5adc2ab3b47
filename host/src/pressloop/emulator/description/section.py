"""The base of all sections of a press description, and the kinds of their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from pressloop.emulator.description import presets
from pressloop.yaml.user_model import UserModel

Positive = Annotated[float, Field(ge=1e-6, allow_inf_nan=False)]
"""A number above zero in its field's unit; what is smaller than this is no press and overflows."""
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def known_preset(known: Mapping[str, presets.Numbers]) -> AfterValidator:
    """Return a validator that accepts only the names in `known`."""

    def check(name: str) -> str:
        if name not in known:
            text = presets.unknown(name, known)
            raise PydanticCustomError("unknown_preset", "{text}", {"text": text})
        return name

    return AfterValidator(check)


class Section(UserModel):
    """Base of all sections."""
