"""The measures of each stage, from the reading or from the true pressure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

import numpy as np

from pressloop.analysis.metrics import Floats, StageSamples, stage_metrics
from pressloop.evaluation.completeness import missing_s, without_truth
from pressloop.evaluation.run_data import RunData
from pressloop.evaluation.summary import StageResult
from pressloop.evaluation.thinned_statistics import sums_of, with_intervals
from pressloop.record.columns import FLAGS
from pressloop.record.model import PlannedStage, judged_steps
from pressloop.wire.schema import OUTPUT_FULL, State


def stage_results(
    evidence: RunData, outcomes: Mapping[int, str], pressure_mpa: Floats, *, of_truth: bool
) -> Iterator[StageResult]:
    """Measure every stage that has a target.

    Args:
        evidence: Of the run.
        outcomes: How each stage ended, by its index.
        pressure_mpa: Pressure on the pellet, MPa, one per record; NaN where unknown.
        of_truth: Whether it is the true pressure of an emulated press, or the reading.
    """
    for stage in evidence.header.stages:
        if stage.target_mpa is not None:
            yield _stage_result(
                stage, stage.target_mpa, evidence, outcomes[stage.index], pressure_mpa, of_truth
            )


def _stage_result(
    stage: PlannedStage,
    target_mpa: float,
    evidence: RunData,
    outcome: str,
    pressure_mpa: Floats,
    of_truth: bool,
) -> StageResult:
    header, series = evidence.header, evidence.series
    mine = evidence.of_stage(stage)
    hold_steps, ramp_steps = judged_steps(stage, header)
    records = series.records
    samples = StageSamples(
        time_s=series.ticks_since(evidence.start_tick) / header.tick_hz,
        pressure_mpa=pressure_mpa,
        setpoint_mpa=records["setpoint_kpa"] / 1000,
        output_percent=100 * (records["output"] / OUTPUT_FULL),
        ramp=np.isin(records["step"], ramp_steps),
        hold=np.isin(records["step"], hold_steps),
        running=records["state"] == State.RUNNING,
        approaching=records["flags"] & FLAGS["approaching"] != 0,
    )
    metrics = stage_metrics(
        samples,
        target_mpa=target_mpa,
        tolerance_mpa=stage.tolerance_mpa,
        direction=stage.direction,
        sample_interval_s=header.record_interval_s,
    )
    sums = sums_of(series.intervals, hold_steps, of_truth=of_truth)
    metrics = with_intervals(
        metrics,
        samples,
        series.interval,
        series.intervals,
        sums,
        target_mpa=target_mpa,
        tolerance_mpa=stage.tolerance_mpa,
        sample_interval_s=header.record_interval_s,
    )
    planned = [header.steps[index].duration_s for index in hold_steps]
    dwell_ends = {result.step: result.dwell_end for result in evidence.end.step_results}
    without_value = int(np.count_nonzero(~np.isfinite(pressure_mpa[mine & ~series.thinned])))
    if of_truth:
        without_value += without_truth(series, stage.steps)
    return StageResult(
        index=stage.index,
        name=stage.name,
        path=stage.path,
        iteration=stage.iteration,
        outcome=outcome,
        direction=stage.direction,
        target_mpa=target_mpa,
        tolerance_mpa=stage.tolerance_mpa,
        ramp_rate_mpa_s=stage.rate_mpa_s,
        planned_dwell_s=planned[0] if planned else None,
        dwell_end=next((dwell_ends.get(step) for step in hold_steps), None),
        duration_s=evidence.duration_s(mine) if mine.any() else None,
        missing_s=missing_s(evidence, mine) + without_value * header.record_interval_s,
        **asdict(metrics),
    )
