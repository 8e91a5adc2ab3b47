"""Says what a verdict is about: the pellet, or the oil and how far the pellet may be from it."""

from __future__ import annotations

from typing import Final

from pressloop.evaluation.summary import RunSummary, StageResult
from pressloop.machine.uncertainty import (
    LOAD_CELL,
    READING,
    WITH_COMPENSATION,
    Budget,
    Component,
    Quantity,
)

_SENTENCES: Final[dict[Quantity, str]] = {
    LOAD_CELL: "The verdict is about the pellet, by the load cell",
    WITH_COMPENSATION: (
        "The verdict is about the reading with friction compensation: the oil's pressure, less the "
        "friction of the ram as it was learned. At the end of the ram's stroke the pellet gets less"
    ),
    READING: (
        "The verdict is about the reading, which is the oil's pressure: no load cell and no "
        "learned friction shows what the pellet got, which is less at the end of the ram's stroke"
    ),
}


def basis_sentence(summary: RunSummary) -> str:
    """Return a sentence on what the verdicts are about; empty without a judged stage.

    Empty also where the profile says that the ram has no friction: oil and pellet are then one.
    Stages that were judged differently, as when a load cell failed, are named.
    """
    judged = [stage for stage in summary.stages if stage.verdict in ("pass", "fail")]
    groups: dict[Quantity, list[StageResult]] = {}
    for stage in judged:
        groups.setdefault(stage.judged_by or READING, []).append(stage)
    parts = []
    for quantity, stages in groups.items():
        text = _of_reading(stages) if quantity == READING else f"{_SENTENCES[quantity]}."
        if text and len(groups) > 1:
            text = f"{', '.join(stage.label for stage in stages)}: {text}"
        parts.append(text)
    return " ".join(part for part in parts if part)


def calibration_sentence(summary: RunSummary) -> str:
    """Return a sentence on the calibration for a verdict; empty where nothing is known of it."""
    return "" if summary.calibration is None else summary.calibration.sentence


def _of_reading(judged: list[StageResult]) -> str:
    text = _SENTENCES[READING]
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
