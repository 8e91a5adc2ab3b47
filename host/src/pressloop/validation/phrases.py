"""Words that several checks use."""

from __future__ import annotations

from pressloop.plan import PlanStage
from pressloop.units import PRESSURE, format_quantity


def mpa(kpa: int) -> str:
    """Return a pressure as people write it."""
    return format_quantity(kpa, PRESSURE)


def in_pass(stage: PlanStage) -> str:
    """Say which pass of the repeat blocks around is meant."""
    passes = [f"pass {p.number} of {p.of}" for p in reversed(stage.passes)]
    return f" in {', '.join(passes)}" if passes else ""
