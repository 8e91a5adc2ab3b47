"""Provide the phrases that several checks use in their messages."""

from __future__ import annotations

from pressloop.plan import PlanStage
from pressloop.units import PRESSURE, format_quantity


def mpa(kpa: int) -> str:
    """Return a pressure in kPa as text in MPa."""
    return format_quantity(kpa, PRESSURE)


def in_pass(stage: PlanStage) -> str:
    """Return " in pass 2 of 5" for a stage inside repeat blocks, else an empty text."""
    passes = [f"pass {p.number} of {p.of}" for p in reversed(stage.passes)]
    return f" in {', '.join(passes)}" if passes else ""
