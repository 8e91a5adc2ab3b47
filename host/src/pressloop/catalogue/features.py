"""Measures by which runs of one protocol are compared, stage by stage, from what the board saw.

Only the reading and the plan are used: never the true pressure of an emulated press, nor what was
injected into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from pressloop.analysis.metrics import Bools, Floats
from pressloop.evaluation import RunRecord, StageResult
from pressloop.record.model import PlannedStage, judged_steps

Direction = Literal["high", "both"]


@dataclass(frozen=True)
class Feature:
    """One measure of a stage.

    Attributes:
        key: Its name in a comparison.
        name: For the reader.
        unit: Of its values.
        direction: Whether only a large value is odd, or a small one as well.
        cause: What usually makes it odd, as the end of a sentence.
    """

    key: str
    name: str
    unit: str
    direction: Direction
    cause: str


FEATURES: Final = (
    Feature("noise_mpa", "noise of the reading", "MPa", "high",
            "a disturbed or failing transducer"),
    Feature("hold_oil_ml_min", "oil pumped in the hold", "mL/min", "high",
            "a leak of valve, hose or seal, or a powder that creeps more"),
    Feature("ramp_oil_ml", "oil pumped from contact to target", "mL", "both",
            "another die, another amount of powder, or air in the oil"),
    Feature("loss_mpa", "loss of pressure in the sealed dwell", "MPa", "both",
            "a leak, or another powder"),
    Feature("closing_mm", "displacement at the end of the dwell", "mm", "both",
            "another amount of powder, another die, or a shifted sensor"),
    Feature("dwell_s", "dwell in band", "s", "both",
            "another dwell in the protocol, or a hold that was ended early or left its band"),
    Feature("mean_mpa", "mean pressure of the dwell", "MPa", "both",
            "another target, or a pressure that did not settle"),
    Feature("peak_mpa", "peak", "MPa", "both", "an overshoot, or another target"),
    Feature("rms_error_mpa", "rms error of the dwell", "MPa", "high",
            "an unsteady pressure: valve, pump or transducer"),
    Feature("ramp_error_percent", "largest error of the ramp", "%", "high",
            "a pump that cannot follow, or a press that was not tuned"),
    Feature("settle_s", "settling time", "s", "high", "a valve that sticks, or untuned gains"),
)  # fmt: skip
"""In the order in which they explain: the first is named as the cause where several are odd."""


_OF_RESULT: Final = (
    "dwell_s",
    "mean_mpa",
    "peak_mpa",
    "rms_error_mpa",
    "noise_mpa",
    "settle_s",
    "ramp_error_percent",
)
"""Features that the result of a stage has under the same name."""


@dataclass(frozen=True)
class StageFeatures:
    """Features of one stage of one run.

    Attributes:
        stage: Its label; runs are compared stage by stage of the same label.
        result: Its result, by the reading.
        values: By the key of the feature; only what was measured.
        minima: Difference below which a value is never odd, by the key of the feature: what it
            takes to matter, or what the press can tell.
    """

    stage: str
    result: StageResult
    values: dict[str, float]
    minima: dict[str, float]


def features_of(record: RunRecord) -> tuple[StageFeatures, ...]:
    """Return the features of each stage of a run that has begun."""
    planned = {stage.index: stage for stage in record.header.stages}
    telemetry = _StageTelemetry(record)
    return tuple(
        _stage_features(record, telemetry, planned[result.index], result)
        for result in record.summary.stages
        if result.outcome != "not reached"
    )


def pumped_oil_ml(
    output_percent: Floats, interval_s: float, profile: Mapping[str, object]
) -> Floats:
    """Return the oil that the pump delivered in each record, mL, by the profile of its valve.

    Args:
        output_percent: Opening of the valves; positive is the pump's.
        interval_s: Time that a record stands for, s.
        profile: Machine profile of the record.
    """
    full_ml_s = _number(profile.get("pump_flow_ml_s"))
    dead_band = _number(profile.get("pump_dead_band_percent"))
    share = np.clip(output_percent - dead_band, 0, None) / (100 - dead_band)
    oil: Floats = full_ml_s * interval_s * share
    return oil


class _StageTelemetry:
    """The columns that the features need, and the flow of oil by the profile."""

    def __init__(self, record: RunRecord) -> None:
        table: Any = record.table(
            ("step_id", "output_percent", "approaching", "thinned", "displacement_mm", "time_s")
        )
        self.step = _steps(table["step_id"])
        output = np.asarray(table["output_percent"].to_numpy(), np.float64)
        self.displacement = np.asarray(table["displacement_mm"].to_numpy(), np.float64)
        self.time_s = np.asarray(table["time_s"].to_numpy(), np.float64)
        self.loaded = ~np.asarray(table["approaching"].to_numpy(zero_copy_only=False), np.bool_)
        whole = ~np.asarray(table["thinned"].to_numpy(zero_copy_only=False), np.bool_)
        self.profile = record.header.profile
        self.full_ml_s = _number(self.profile.get("pump_flow_ml_s"))
        oil_ml = pumped_oil_ml(output, record.header.record_interval_s, self.profile)
        self.oil_ml = np.where(whole, oil_ml, 0.0)
        self.intervals = self._interval_oil(record)

    def _interval_oil(self, record: RunRecord) -> tuple[Floats, Floats]:
        """Return step and pumped oil, mL, of each thinned interval."""
        table: Any = record.intervals()
        if table is None:
            return np.empty(0), np.empty(0)
        mean = np.asarray(table["mean_output_percent"].to_numpy(), np.float64)
        seconds = np.asarray(table["duration_s"].to_numpy(), np.float64)
        return _steps(table["step_id"]), pumped_oil_ml(mean, 1.0, self.profile) * seconds

    def pumped_ml(self, rows: Bools, steps: list[int]) -> float:
        """Return the oil that was pumped in some rows, and in the intervals of some steps, mL."""
        interval_steps, interval_oil = self.intervals
        inside = interval_oil[np.isin(interval_steps, steps)]
        return float(self.oil_ml[rows].sum() + inside.sum())


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _steps(column: Any) -> Floats:
    steps: Floats = np.nan_to_num(np.asarray(column.to_numpy(), np.float64), nan=-1)
    return steps


def _stage_features(
    record: RunRecord, telemetry: _StageTelemetry, planned: PlannedStage, result: StageResult
) -> StageFeatures:
    holds, moves = judged_steps(planned, record.header)
    values = {
        key: float(value) for key in _OF_RESULT if (value := getattr(result, key)) is not None
    }
    values |= dict(_oil(telemetry, holds, moves))
    relaxation = result.relaxation
    if relaxation is not None and relaxation.unit == "MPa" and relaxation.change is not None:
        values["loss_mpa"] = relaxation.change
    held = telemetry.displacement[np.isin(telemetry.step, holds)]
    if held.size and np.isfinite(held[-1]):
        values["closing_mm"] = float(held[-1])
    return StageFeatures(
        result.label, result, values, dict(_minima(record, telemetry, result, values))
    )


def _oil(
    telemetry: _StageTelemetry, holds: list[int], moves: list[int]
) -> Iterator[tuple[str, float]]:
    if not telemetry.full_ml_s:
        return
    ramp = np.isin(telemetry.step, moves) & telemetry.loaded
    if ramp.any():
        yield "ramp_oil_ml", telemetry.pumped_ml(ramp, [])
    hold = np.isin(telemetry.step, holds)
    if hold.any():
        times = telemetry.time_s[hold]
        minutes = (float(times[-1]) - float(times[0])) / 60
        if minutes > 0:
            yield "hold_oil_ml_min", telemetry.pumped_ml(hold, holds) / minutes


def _minima(
    record: RunRecord, telemetry: _StageTelemetry, stage: StageResult, values: dict[str, float]
) -> Iterator[tuple[str, float]]:
    """Yield the difference below which a value of each feature is never odd."""
    tolerance = stage.tolerance_mpa or 0.01 * stage.target_mpa
    yield "mean_mpa", 0.2 * tolerance
    yield "peak_mpa", 0.5 * tolerance
    yield "rms_error_mpa", 0.2 * tolerance
    yield "noise_mpa", max(0.1 * tolerance, values.get("noise_mpa", 0.0) / 2)
    yield "loss_mpa", tolerance
    yield "ramp_error_percent", 1.0
    yield "settle_s", 0.5
    yield "dwell_s", max(3 * record.header.record_interval_s, 0.01 * values.get("dwell_s", 0.0))
    yield "ramp_oil_ml", 0.08 * values.get("ramp_oil_ml", 0.0)
    # A quarter of a per cent of the full flow: what valves repeat.
    yield "hold_oil_ml_min", 60 * 0.0025 * telemetry.full_ml_s
    yield "closing_mm", 0.05
