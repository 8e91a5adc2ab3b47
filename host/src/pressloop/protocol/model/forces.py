"""Check what a protocol says in forces, once its die is known.

A ramp or a hold alone has no die: its forces are accepted as texts, and checked as pressures when
the whole protocol is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from pressloop.findings import KeyPath
from pressloop.protocol.model.fields import QuantityText
from pressloop.protocol.model.hold import Until
from pressloop.units import FORCE, FORCE_RATE, UnitError, parse, parse_pressure_rate
from pressloop.yaml.form_error import form_error


def is_force(text: object) -> bool:
    """Return whether a value is a text with a force or a force rate."""
    try:
        return isinstance(text, str) and bool(parse(text, FORCE, FORCE_RATE))
    except UnitError:
        return False


def refuse_unfit_forces(model: BaseModel, die_um: int) -> None:
    """Check all forces of a protocol, and its relaxation rates, as pressures on its die.

    Raises:
        ValidationError: One error for each that is out of range, with its place.
    """
    errors = [
        InitErrorDetails(type=_at(error, path), loc=(), input=text)
        for path, text, error in _unfit(model, (), die_um)
    ]
    if errors:
        raise ValidationError.from_exception_data(type(model).__name__, errors)


def _unfit(
    value: Any, path: KeyPath, die_um: int
) -> Iterator[tuple[KeyPath, str, PydanticCustomError]]:
    if isinstance(value, BaseModel):
        quantities = force_fields(type(value))
        for name in type(value).model_fields:
            inner = getattr(value, name)
            if name in quantities and is_force(inner):
                error = quantities[name].force_error(inner, die_um)
                if error is not None:
                    yield (*path, name), inner, error
                    continue
            if isinstance(value, Until) and name == "relaxation" and inner is not None:
                error = _too_slow(inner, die_um)
                if error is not None:
                    yield (*path, name), inner, error
            yield from _unfit(inner, (*path, name), die_um)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from _unfit(item, (*path, index), die_um)


def _too_slow(text: str, die_um: int) -> PydanticCustomError | None:
    """Return the error for a loss rate that is none in the whole kPa/min of the board."""
    if math.floor(60 * parse_pressure_rate(text, die_um).value) > 0:
        return None
    return form_error(
        "out-of-range",
        f"'{text}' is too small, the minimum is 0.001 MPa/min",
        "write a faster loss; most transducers resolve only losses that are much faster than the "
        "minimum",
    )


@cache
def force_fields(model: type[BaseModel]) -> Mapping[str, QuantityText]:
    """Return the fields of a model that take a force."""
    found = {}
    for name, field in model.model_fields.items():
        for part in (*field.metadata, *_parts(field.annotation)):
            if isinstance(part, QuantityText) and {FORCE, FORCE_RATE} & set(part.dimensions):
                found[name] = part
    return found


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield what annotates the members of a union."""
    for member in get_args(annotation):
        yield member
        yield from _parts(member)


def _at(error: PydanticCustomError, path: KeyPath) -> PydanticCustomError:
    context = error.context or {}
    return form_error(error.type, str(context["message"]), str(context["hint"]), at=path)
