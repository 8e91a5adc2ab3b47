"""Says what a verdict is about: the reading of the oil, and how far the pellet may be from it."""

from __future__ import annotations

from pressloop.evaluation.summary import RunSummary
from pressloop.machine.uncertainty import Budget, Component


def basis_sentence(summary: RunSummary) -> str:
    """Return a sentence on what the verdicts are about; empty without a judged stage.

    Empty also where the profile says that the ram has no friction: oil and pellet are then one.
    """
    judged = [stage for stage in summary.stages if stage.verdict in ("pass", "fail")]
    if not judged:
        return ""
    text = (
        "The verdict is about the reading, which is the oil's pressure: no load cell and no "
        "learned friction shows what the pellet got"
    )
    shares = []
    for stage in judged:
        budget = stage.mean_uncertainty
        if budget is not None and budget.pressure_mpa > 0:
            shares.append((friction_mpa(budget) / budget.pressure_mpa, _is_assumed(budget)))
    if not shares:
        return f"{text}."
    share, assumed = max(shares)
    if share == 0:
        return ""
    basis = "by assumption" if assumed else "by the profile"
    return f"{text}. The ram's seals may carry up to {100 * share:.2g} % of it ({basis})."


def friction_mpa(budget: Budget) -> float:
    """Return the largest pressure that friction of the ram may keep from the pellet, MPa."""
    return sum(c.half_width_mpa or 0.0 for c in _friction(budget))


def _is_assumed(budget: Budget) -> bool:
    return any(c.assumed for c in _friction(budget))


def _friction(budget: Budget) -> list[Component]:
    return [c for c in budget.components if c.between_oil_and_pellet and c.kind == "systematic"]
