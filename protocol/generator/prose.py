"""Names and sentences shared by the emitters."""

from __future__ import annotations

from generator.model import Field


def class_name(name: str) -> str:
    """`plan-begin-request` as `PlanBeginRequest`."""
    return "".join(part.capitalize() for part in name.split("-"))


def attribute_name(name: str) -> str:
    """`target-kpa` as `target_kpa`."""
    return name.replace("-", "_")


def constant_name(name: str) -> str:
    """`plan-begin` as `PLAN_BEGIN`."""
    return name.replace("-", "_").upper()


def sentence(text: str) -> str:
    """Start with a capital, end with a full stop."""
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


_UNIT_SUFFIXES = {
    "-kpa-s": "kPa/s",
    "-kpa": "kPa",
    "-ms": "ms",
    "-ticks": "ticks",
    "-tick": "ticks",
    "-um": "um",
}


def unit(field: Field) -> str:
    """Return the unit in brackets behind the name, or the one that the name ends with."""
    if field.unit:
        return field.unit
    name = "-" + field.name
    return next((unit for end, unit in _UNIT_SUFFIXES.items() if name.endswith(end)), "")
