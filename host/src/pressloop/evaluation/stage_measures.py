"""Measures each stage, from the reading or from the true pressure of an emulated press."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pressloop.analysis.metrics import StageMetrics, StageSamples, stage_metrics
from pressloop.evaluation.completeness import missing_s, records_without_truth
from pressloop.evaluation.run_data import RunData
from pressloop.evaluation.thinned_statistics import include_thinned, interval_sums
from pressloop.evaluation.truth import Truth
from pressloop.record.columns import FLAGS
from pressloop.record.model import PlannedStage, judged_steps


@dataclass(frozen=True)
class StageMeasures:
    """What was measured in one stage.

    Attributes:
        metrics: The measures of its pressure.
        duration_s: From its first to its last record; None without records.
        missing_s: Time for which the record has no pressure.
    """

    metrics: StageMetrics
    duration_s: float | None
    missing_s: float

    def fields(self) -> dict[str, Any]:
        """Return all values by the names that they have in `StageResult`."""
        own = {"duration_s": self.duration_s, "missing_s": self.missing_s}
        return own | vars(self.metrics)


def measure_stages(data: RunData, truth: Truth | None = None) -> dict[int, StageMeasures]:
    """Measure every stage that has a target; returns the measures by the stage's index.

    Args:
        data: Of the run.
        truth: Measure the true pressure that it holds; None: measure the reading.
    """
    return {
        stage.index: _measure(data, stage, stage.target_mpa, truth)
        for stage in data.header.stages
        if stage.target_mpa is not None
    }


def _measure(
    data: RunData, stage: PlannedStage, target_mpa: float, truth: Truth | None
) -> StageMeasures:
    header, series = data.header, data.series
    hold_steps, ramp_steps = judged_steps(stage, header)
    pressure_mpa = data.pressure_mpa if truth is None else truth.pressure_mpa
    samples = StageSamples(
        time_s=data.time_s,
        pressure_mpa=pressure_mpa,
        setpoint_mpa=data.setpoint_mpa,
        output_percent=data.output_percent,
        ramp=data.of_steps(ramp_steps),
        hold=data.of_steps(hold_steps),
        running=data.running,
        approaching=series.records["flags"] & FLAGS["approaching"] != 0,
    )
    metrics = stage_metrics(
        samples,
        target_mpa=target_mpa,
        tolerance_mpa=stage.tolerance_mpa,
        direction=stage.direction,
        sample_interval_s=header.record_interval_s,
    )
    metrics = include_thinned(
        metrics,
        samples,
        series,
        interval_sums(series.intervals, hold_steps, of_truth=truth is not None),
        target_mpa=target_mpa,
        tolerance_mpa=stage.tolerance_mpa,
        sample_interval_s=header.record_interval_s,
    )
    if truth is None and metrics.dwell_s is not None:
        # By the board's clock, which goes by a mean of readings.
        counted = int(series.dwelling[samples.hold & samples.running].sum())
        metrics = replace(metrics, dwell_s=round(counted * header.record_interval_s, 6))
    mine = data.of_stage(stage)
    without_value = int(np.count_nonzero(~np.isfinite(pressure_mpa[mine & ~series.thinned])))
    if truth is not None:
        without_value += records_without_truth(series, stage.steps)
    return StageMeasures(
        metrics=metrics,
        duration_s=data.duration_s(mine) if mine.any() else None,
        missing_s=missing_s(data, mine) + without_value * header.record_interval_s,
    )
