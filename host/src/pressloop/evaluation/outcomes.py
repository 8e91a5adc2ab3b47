"""How each stage ended, and whether a reported completion can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pressloop.evaluation.run_data import RunData
from pressloop.record.columns import NO_STEP
from pressloop.record.model import INTERRUPTED, PlannedStage


def stage_outcome(stage: PlannedStage, evidence: RunData) -> str:
    """How a stage ended: by the board's results, else by what the telemetry shows."""
    end = evidence.end
    results = [r.outcome for r in end.step_results if r.step in stage.steps]
    if len(results) == len(stage.steps):
        return _by_board(results)
    seen = evidence.series.records["step"]
    mine = evidence.of_stage(stage)
    later = bool(np.any((seen > max(stage.steps)) & (seen != NO_STEP)))
    if not mine.any():
        return "unknown" if evidence.gaps or later else "not reached"
    if later or end.end_reason == "completed":
        return "done"
    if end.end_reason != INTERRUPTED:
        return "cut"
    # The run went on to vent, as it does after its last stage and after a stop alike.
    return "active" if mine[-1] else "unknown"


def _by_board(results: Sequence[str]) -> str:
    if all(outcome == "pending" for outcome in results):
        return "not reached"
    if "active" in results:
        return "active"
    if "cut" in results or "pending" in results:
        return "cut"
    return "advanced" if "advanced" in results else "done"


def contradictions(evidence: RunData, outcomes: Mapping[int, str]) -> tuple[str, ...]:
    """Why a reported completion cannot be believed; `outcomes` by the index of the stage."""
    end = evidence.end
    if end.end_reason != "completed":
        return ()
    reasons = [
        f"stage {stage.name!r} is {outcomes[stage.index]}"
        for stage in evidence.header.stages
        if outcomes[stage.index] in ("not reached", "cut", "active")
    ]
    if end.fault is not None:
        reasons.append(f"fault {end.fault} is latched")
    return tuple(f"the board reported completion, but {reason}" for reason in reasons)
