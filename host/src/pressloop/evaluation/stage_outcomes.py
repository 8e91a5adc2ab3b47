"""Finds how each stage ended, and whether a reported completion can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pressloop.evaluation.run_data import RunData
from pressloop.record.columns import NO_STEP
from pressloop.record.model import INTERRUPTED, PlannedStage


def stage_outcomes(data: RunData) -> dict[int, str]:
    """Return how each stage ended, by its index; also of the stages that are prompts alone."""
    return {stage.index: _outcome(stage, data) for stage in data.header.stages}


def _outcome(stage: PlannedStage, data: RunData) -> str:
    """Return how a stage ended: by the board's results, else by what the telemetry shows."""
    results = [r.outcome for r in data.end.step_results if r.step in stage.steps]
    if len(results) == len(stage.steps):
        return _outcome_of_steps(results)
    step = data.series.records["step"]
    mine = data.of_stage(stage)
    later = bool(np.any((step > max(stage.steps)) & (step != NO_STEP)))
    if not mine.any():
        return "unknown" if data.gaps or later else "not reached"
    if later or data.end.end_reason == "completed":
        return "done"
    if data.end.end_reason != INTERRUPTED:
        return "cut"
    # Records behind the stage are those of the vent, which follows the last stage and a stop alike.
    return "active" if mine[-1] else "unknown"


def _outcome_of_steps(outcomes: Sequence[str]) -> str:
    if all(outcome == "pending" for outcome in outcomes):
        return "not reached"
    if "active" in outcomes:
        return "active"
    if "cut" in outcomes or "pending" in outcomes:
        return "cut"
    return "advanced" if "advanced" in outcomes else "done"


def contradictions(data: RunData, outcomes: Mapping[int, str]) -> tuple[str, ...]:
    """Return why a reported completion cannot be believed; empty when it can, or without one.

    Args:
        data: Of the run.
        outcomes: How each stage ended, by its index.
    """
    if data.end.end_reason != "completed":
        return ()
    reasons = [
        f"stage {stage.name!r} is {outcomes[stage.index]}"
        for stage in data.header.stages
        if outcomes[stage.index] in ("not reached", "cut", "active")
    ]
    if data.end.fault is not None:
        reasons.append(f"fault {data.end.fault} is latched")
    return tuple(f"the board reported completion, but {reason}" for reason in reasons)
