"""Check that every number of the plan fits the messages to the board.

The ranges are those of the wire schema, so nothing that validation passes can fail later, while the
plan is compiled. What another check has found at the same place is not reported twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pressloop.findings import path_text
from pressloop.plan import PlanStep, begin_request, place_in_protocol, place_in_step
from pressloop.units import DURATION, LENGTH, PRESSURE, PRESSURE_RATE, Dimension, format_quantity
from pressloop.validation.context import Context
from pressloop.validation.phrases import mpa
from pressloop.wire.message import Field, Message

_DIMENSIONS: Final[dict[str, Dimension]] = {
    "_kpa": PRESSURE,
    "_kpa_s": PRESSURE_RATE,
    "_ms": DURATION,
    "_um": LENGTH,
}


def check_messages(context: Context, steps: Sequence[PlanStep]) -> None:
    """Report each number that is out of the range of its message."""
    begin = begin_request(context.protocol, context.profile, len(steps))
    for field in _out_of_range(begin):
        _report(context, place_in_protocol(field.name), begin, field)
    for step in steps:
        request = step.request()
        for field in _out_of_range(request):
            _report(context, place_in_step(step, field.name), request, field)


def _out_of_range(message: Message) -> list[Field]:
    found = []
    for field in message.FIELDS:
        value = getattr(message, field.name)
        if isinstance(value, int) and not field.low <= value <= field.high:
            found.append(field)
    return found


def _report(context: Context, path: tuple[str | int, ...], message: Message, field: Field) -> None:
    if any(f.severity == "error" and f.path == path_text(path) for f in context.findings):
        return
    value = getattr(message, field.name)
    context.error(
        "out-of-range",
        path,
        f"{_text(field.name, value)} is out of the range of the board's messages, "
        f"'{_text(field.name, field.low)}' to '{_text(field.name, field.high)}'",
        "write a value within that range",
    )


def _text(name: str, value: int) -> str:
    """Return a number of the wire in the units of the user."""
    if name.endswith("_kpa_min"):
        return f"{mpa(value)}/min"
    for suffix, dimension in _DIMENSIONS.items():
        if name.endswith(suffix):
            return format_quantity(value, dimension)
    return str(value)
