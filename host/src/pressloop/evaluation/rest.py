"""Finds how long the rest of a stage was, and how much of it was without pressure."""

from __future__ import annotations

from dataclasses import dataclass

from pressloop.evaluation.run_data import RunData
from pressloop.record.model import PlannedStage

_NOT_BEGUN = ("pending", "active")


@dataclass(frozen=True)
class RestResult:
    """The rest of one stage, named as in `StageResult`; all None without one."""

    planned_rest_s: float | None = None
    rest_s: float | None = None
    rest_unloaded_s: float | None = None


def rest_result(data: RunData, stage: PlannedStage) -> RestResult:
    """Return what was planned and what was measured of the rest of a stage, without pauses.

    By the board's own result; without one, by the telemetry, which knows the edges of a step to one
    record.
    """
    rests = [at for at in stage.steps if data.header.steps[at].kind == "rest"]
    if not rests:
        return RestResult()
    header = data.header
    planned_s = header.steps[rests[0]].duration_s
    for result in data.end.step_results:
        if result.step == rests[0] and result.outcome not in _NOT_BEGUN:
            return RestResult(
                planned_s, result.ticks / header.tick_hz, result.dwell_ticks / header.tick_hz
            )
    mine = data.of_steps(rests[:1]) & data.running
    if not mine.any():
        return RestResult(planned_s)
    lasted = int(data.series.stands_for[mine].sum())
    counted = int(data.series.dwelling[mine].sum())
    each_s = header.record_interval_s
    return RestResult(planned_s, round(lasted * each_s, 6), round(counted * each_s, 6))
