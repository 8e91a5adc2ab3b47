"""Define the field types of a protocol: quantities with a unit, and short texts.

A quantity keeps the text that was written; `exact` returns its value where a number is needed.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Final

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from pressloop.number_types import written
from pressloop.units import (
    DURATION,
    FORCE,
    FORCE_RATE,
    PERCENT,
    PRESSURE,
    PRESSURE_RATE,
    Dimension,
    Quantity,
    UnitError,
    as_pressure,
    format_quantity,
    missing_unit,
    names_of,
    parse,
    parse_pressure,
    parse_pressure_rate,
    pattern,
    units_of,
)
from pressloop.wire.schema import TICK_HZ, PlanStepRequest
from pressloop.yaml.form_error import form_error
from pressloop.yaml.user_model import UserModel

TICK_MS: Final = 1000 // TICK_HZ
"""Period of the board's tick; telemetry can be recorded in multiples of it."""

MAX_PROMPT_BYTES: Final = PlanStepRequest.range_of("text")[1]
"""Longest prompt text that the board accepts, in UTF-8 bytes."""

_MIN_DURATION_MS, _MAX_DURATION_MS = PlanStepRequest.range_of("duration_ms")
_MAX_REST_MS: Final = 24 * 3_600_000
_MAX_TOLERANCE_KPA: Final = PlanStepRequest.range_of("tolerance_kpa")[1]
_MAX_LOSS_KPA_MIN: Final = PlanStepRequest.range_of("relaxation_kpa_min")[1]


@dataclass(frozen=True)
class QuantityText:
    """Annotates a text field that contains a quantity of one of the dimensions."""

    dimensions: tuple[Dimension, ...]
    low: int = 0
    """Smallest value, in base units."""
    high: int | None = None
    """Largest value, in base units; None where a later check has a better reason to refuse."""
    keyword: str | None = None
    """Word that may be written in place of a quantity."""
    offered: bool = True
    """Whether hints name the keyword."""

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        quantity = {
            "type": "string",
            "pattern": pattern(*self.dimensions),
            "examples": [d.example for d in self.dimensions],
        }
        return {"anyOf": [{"const": self.keyword}, quantity]} if self.keyword else quantity

    def _check(self, value: object) -> str:
        """Check a field and return its text with one space between number and unit."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            error = missing_unit(value, *self.dimensions)
            raise form_error(error.code, error.message, error.hint + self._or_keyword())
        if not isinstance(value, str):
            hint = f"write a number and its unit; units: {units_of(self.dimensions)}"
            message = f"{names_of(self.dimensions)} is needed here, not {_kind(value)}"
            raise form_error("wrong-type", message, hint + self._or_keyword())
        if value.strip() == self.keyword:
            return self.keyword
        try:
            quantity = parse(value, *self.dimensions)
        except UnitError as error:
            hint = error.hint + self._or_keyword()
            raise form_error(error.code, error.message, hint) from error
        self._check_range(quantity)
        return quantity.text

    def _or_keyword(self) -> str:
        return f"; or write '{self.keyword}'" if self.keyword and self.offered else ""

    def force_error(self, text: str, die_um: int) -> PydanticCustomError | None:
        """Return why a force that was accepted as a text does not fit as a pressure, or None."""
        quantity = parse(text, *self.dimensions)
        try:
            self._check_range(as_pressure(quantity, die_um))
        except PydanticCustomError as error:
            return error
        except UnitError as error:  # there is no die
            return form_error(error.code, error.message, error.hint)
        return None

    def _check_range(self, quantity: Quantity) -> None:
        """Refuse a value out of range; a force is checked again when the die is known."""
        if quantity.value < 0:
            raise form_error(
                "negative",
                f"'{quantity.text}' is negative",
                "correct the value; it cannot be below zero",
            )
        if quantity.dimension in (FORCE, FORCE_RATE):
            return
        if quantity.value < self.low:
            least = format_quantity(self.low, quantity.dimension)
            raise form_error(
                "out-of-range",
                f"'{quantity.text}' is too small, the minimum is {least}",
                "write a value in the range that the message names",
            )
        # A tolerance of zero, in percent or as a pressure, leaves no band.
        if quantity.value == 0 and PERCENT in self.dimensions:
            raise form_error(
                "out-of-range", "a tolerance of zero cannot be kept", "write a tolerance above zero"
            )
        high = 100 if quantity.dimension is PERCENT else self.high
        if high is not None and quantity.value > high:
            most = format_quantity(high, quantity.dimension)
            raise form_error(
                "out-of-range",
                f"'{quantity.text}' is too large, the maximum is {most}",
                "write a value in the range that the message names",
            )


Pressure = Annotated[str, QuantityText((PRESSURE, FORCE))]
PressureRate = Annotated[str, QuantityText((PRESSURE_RATE, FORCE_RATE), low=1)]
LossRate = Annotated[str, QuantityText((PRESSURE_RATE, FORCE_RATE), high=_MAX_LOSS_KPA_MIN // 60)]
Tolerance = Annotated[str, QuantityText((PERCENT, PRESSURE, FORCE), high=_MAX_TOLERANCE_KPA)]
Duration = Annotated[str, QuantityText((DURATION,), low=_MIN_DURATION_MS, high=_MAX_DURATION_MS)]
Dwell = Annotated[
    str, QuantityText((DURATION,), low=_MIN_DURATION_MS, high=_MAX_DURATION_MS, keyword="open")
]
RestTime = Annotated[str, QuantityText((DURATION,), low=_MIN_DURATION_MS, high=_MAX_REST_MS)]


def _kind(value: object) -> str:
    """Return what a value is that cannot be a quantity, for a message."""
    if isinstance(value, dict | list | tuple):
        return "keys and values" if isinstance(value, dict) else "a list"
    return f"'{written(value)}'"


def exact(text: str, *dimensions: Dimension) -> Fraction:
    """Return the exact value of a checked field, in base units."""
    return parse(text, *dimensions).value


def kpa_of(text: str, die_um: int | None) -> int:
    """Return the pressure of a checked field, or of its force on a die, rounded to kPa."""
    return round(parse_pressure(text, die_um).value)


def kpa_s_of(text: str, die_um: int | None) -> int:
    """Return the pressure rate of a checked field, or of its force rate, rounded to kPa/s."""
    return round(parse_pressure_rate(text, die_um).value)


def ms_of(text: str) -> int:
    """Return the duration of a checked field, rounded up to ms."""
    return math.ceil(exact(text, DURATION))


MAX_NAME_CHARACTERS: Final = 80


def _plain_text(value: object) -> str:
    if not isinstance(value, str):
        raise form_error("wrong-type", "text is needed here", "write text; put a number in quotes")
    if not value.strip():
        raise form_error("bad-text", "the text is empty", "write at least one word")
    value = "".join(" " if unicodedata.category(c) == "Zs" else c for c in value)
    if not value.isprintable():
        raise form_error(
            "bad-text", "the text has control characters or line breaks", "write it on one line"
        )
    return value.strip()


def _name(value: object, info: ValidationInfo) -> str:
    text = _plain_text(value)
    if len(text) > MAX_NAME_CHARACTERS:
        raise form_error(
            "bad-text",
            f"'{info.field_name}' has {len(text)} characters, the limit is {MAX_NAME_CHARACTERS}",
            "shorten it",
        )
    return text


def _prompt_text(value: object, info: ValidationInfo) -> str:
    value = _plain_text(value)
    size = len(value.encode())
    if size > MAX_PROMPT_BYTES:
        raise form_error(
            "bad-text",
            f"'{info.field_name}' has {size} bytes, the board takes {MAX_PROMPT_BYTES}",
            "shorten it; letters outside ASCII have two bytes or more",
        )
    return value


def whole_ticks(value: str) -> str:
    """Return a duration unchanged if it is a multiple of the board's tick.

    Raises:
        PydanticCustomError: `out-of-range`, if it is not.
    """
    if exact(value, DURATION) % TICK_MS:
        raise form_error(
            "out-of-range",
            f"'{value}' is not a multiple of {TICK_MS} ms, the period of the board's tick",
            "write a multiple of the tick",
        )
    return value


Name = Annotated[
    str,
    BeforeValidator(_name),
    Field(min_length=1, max_length=MAX_NAME_CHARACTERS),
]
PromptText = Annotated[
    str,
    BeforeValidator(_prompt_text),
    Field(min_length=1, max_length=MAX_PROMPT_BYTES),
]


class ProtocolModel(UserModel):
    """Base of all parts of a protocol."""
