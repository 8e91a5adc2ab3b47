"""Keeps how sound runs of a protocol went as a band, step by step, that later runs must stay in.

Each step is cut into windows of equal length. In each the band has the least and the largest mean
pressure, and the least and the largest amount of oil that was pumped since the step began: a leak
and another die hide from the pressure, which is controlled, and show in the oil.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import ValidationError

from pressloop.analysis.metrics import Floats
from pressloop.arguments import path_argument
from pressloop.catalogue.comparison import MIN_RUNS_FOR_FIGURES
from pressloop.catalogue.features import pumped_oil_ml
from pressloop.catalogue.robust import outlier_limit, spread_of
from pressloop.errors import BadInputError
from pressloop.evaluation import RunRecord
from pressloop.record.model import PlannedStep, RecordModel, RunHeader

BAND_SCHEMA: Final = "pressloop.band/1"

_MIN_WINDOW_RECORDS: Final = 50
_MAX_WINDOWS: Final = 400

_RAMP_OIL_SHARE: Final = 0.08
"""Of the oil of a ramp: what the amount of powder may change without being another pellet."""

_HOLD_FLOW_SHARE: Final = 0.0025
"""Of the pump's full flow: what valves repeat in a hold."""

_LATE_S: Final = 0.3
"""By how much the pressure of a ramp may be early or late."""


class StepBand(RecordModel):
    """The band of one step of the plan.

    Attributes:
        step: Index in the plan.
        stage: Name of its stage.
        window_records: Telemetry records in a window.
        pressure_low_mpa: Of each window; likewise the others.
    """

    step: int
    stage: str
    kind: Literal["ramp", "hold", "release"]
    window_records: int
    pressure_low_mpa: tuple[float, ...]
    pressure_high_mpa: tuple[float, ...]
    oil_low_ml: tuple[float, ...]
    oil_high_ml: tuple[float, ...]


class ReferenceBand(RecordModel):
    """The band of a protocol, and the plan that it is for.

    Attributes:
        runs: Ids of the runs that it was made of.
        plan: The steps of their plan.
        simulated: Whether one of them was simulated.
    """

    schema_name: str = BAND_SCHEMA
    protocol_name: str
    runs: tuple[str, ...]
    die_mm: float | None
    record_every: int
    plan: tuple[PlannedStep, ...]
    simulated: bool
    steps: tuple[StepBand, ...]

    def require_plan(self, plan: Sequence[PlannedStep], die_mm: float | None) -> None:
        """Make sure that a run has the plan that this band is for.

        Raises:
            BadInputError: `other-plan`.
        """
        if die_mm != self.die_mm:
            raise _other_plan(f"a die of {self.die_mm:g} mm, this run has one of {die_mm:g} mm")
        if len(plan) != len(self.plan):
            raise _other_plan(f"{len(self.plan)} steps, this run has {len(plan)}")
        for mine, other in zip(self.plan, plan, strict=True):
            for key in ("kind", "target_mpa", "rate_mpa_s", "duration_s", "tolerance_mpa", "mode"):
                if getattr(mine, key) != getattr(other, key):
                    raise _other_plan(
                        f"{key} {getattr(mine, key)} in step {mine.index}, this run has "
                        f"{getattr(other, key)}"
                    )

    def save(self, path: str | Path) -> Path:
        """Write the band to a file, as JSON."""
        target = path_argument(path, "path")
        target.write_text(self.model_dump_json(indent=1) + "\n", "utf-8")
        return target


def load_band(path: str | Path) -> ReferenceBand:
    """Read a band from its file.

    Raises:
        BadInputError: `no-band`, if it cannot be read or is none.
    """
    source = path_argument(path, "path")
    try:
        band = ReferenceBand.model_validate_json(source.read_bytes())
    except (OSError, ValidationError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no reference band"
        raise _no_band(source, str(why)) from error
    if band.schema_name != BAND_SCHEMA:
        raise _no_band(source, f"it has the format {band.schema_name!r}")
    return band


def make_band(records: Sequence[RunRecord]) -> ReferenceBand:
    """Return the band of some sound runs of one plan.

    Long quiet holds that were summed up in intervals are covered as far as every record is kept.

    Args:
        records: Leave out the odd ones, which `compare_runs` names.

    Raises:
        BadInputError: `too-few-runs`, or `other-plan` if the runs have different plans.
    """
    if len(records) < MIN_RUNS_FOR_FIGURES:
        raise BadInputError(
            f"{len(records)} sound runs are too few for a reference band",
            hint=f"press more of them: {MIN_RUNS_FOR_FIGURES} are needed, twenty are good",
            code="too-few-runs",
        )
    header = records[0].header
    band = ReferenceBand(
        protocol_name=header.protocol_name,
        runs=tuple(record.summary.run_id for record in records),
        die_mm=header.die_mm,
        record_every=header.record_every,
        plan=header.steps,
        simulated=any(record.summary.simulated for record in records),
        steps=(),
    )
    for record in records[1:]:
        band.require_plan(record.header.steps, record.header.die_mm)
    courses = [_Courses(record) for record in records]
    steps = []
    for step in header.steps:
        found = _step_band(step, header, courses)
        if found is not None:
            steps.append(found)
    return band.model_copy(update={"steps": tuple(steps)})


class _Courses:
    """Pressure and pumped oil of each step of a run, by records in which its clock ran."""

    def __init__(self, record: RunRecord) -> None:
        table: Any = record.table(
            ("seq", "step_id", "pressure_mpa", "output_percent", "approaching", "thinned", "state")
        )
        header = record.header
        self._step = np.nan_to_num(np.asarray(table["step_id"].to_numpy(), np.float64), nan=-1)
        self._seq = np.asarray(table["seq"].to_numpy(), np.int64)
        self._pressure = np.asarray(table["pressure_mpa"].to_numpy(), np.float64)
        output = np.asarray(table["output_percent"].to_numpy(), np.float64)
        self._oil = pumped_oil_ml(output, header.record_interval_s, header.profile)
        approaching = np.asarray(table["approaching"].to_numpy(zero_copy_only=False), np.bool_)
        running = np.asarray(table["state"].cast("string").to_pylist()) == "running"
        self._counts = running & ~approaching
        self._thinned = np.asarray(table["thinned"].to_numpy(zero_copy_only=False), np.bool_)

    def of_step(self, index: int) -> tuple[Floats, Floats]:
        """Return pressure and cumulative oil, up to the first record that is missing."""
        mine = np.flatnonzero((self._step == index) & self._counts)
        if not mine.size:
            return np.empty(0), np.empty(0)
        torn = self._thinned[mine] | (np.diff(self._seq[mine], prepend=self._seq[mine[0]] - 1) > 1)
        whole = mine[: int(torn.argmax())] if torn.any() else mine
        return self._pressure[whole], np.cumsum(self._oil[whole])


def _step_band(
    step: PlannedStep, header: RunHeader, courses: Sequence[_Courses]
) -> StepBand | None:
    if step.kind == "prompt" or step.kind == "rest" or step.target_mpa is None:
        return None
    found = [one.of_step(step.index) for one in courses]
    length = min(pressure.size for pressure, _ in found)
    size = max(_MIN_WINDOW_RECORDS, math.ceil(length / _MAX_WINDOWS))
    count = length // size
    if not count:
        return None
    pressures = np.array([p[: count * size].reshape(count, size).mean(axis=1) for p, _ in found])
    oils = np.array([oil[size - 1 : count * size : size] for _, oil in found])
    times_s = (np.arange(1, count + 1) * size * header.record_interval_s).astype(np.float64)
    limit = outlier_limit(len(found), 2 * count)
    pressure = _limits(pressures, limit, np.full(count, _least_pressure(step, header)))
    usual = np.median(oils, axis=0).astype(np.float64)
    oil = _limits(oils, limit, _least_oil(step, header, usual, times_s))
    stage = header.stage_of_step(step.index)
    return StepBand(
        step=step.index,
        stage="" if stage is None else stage.name,
        kind=step.kind,
        window_records=size,
        pressure_low_mpa=tuple(pressure[0].tolist()),
        pressure_high_mpa=tuple(pressure[1].tolist()),
        oil_low_ml=tuple(oil[0].tolist()),
        oil_high_ml=tuple(oil[1].tolist()),
    )


def _limits(values: Floats, limit: float, least: Floats) -> tuple[Floats, Floats]:
    """Return lower and upper limit of each column."""
    spreads = [spread_of(column.tolist()) for column in values.T]
    middle = np.array([spread.median for spread in spreads])
    width = np.maximum(limit * np.array([spread.sigma for spread in spreads]), least)
    return middle - width, middle + width


def _least_pressure(step: PlannedStep, header: RunHeader) -> float:
    stage = header.stage_of_step(step.index)
    tolerance = None if stage is None else stage.tolerance_mpa
    band = tolerance or 0.01 * (step.target_mpa or 0.0)
    if step.kind == "hold":
        return max(0.5 * band, 0.1)
    return max(band, _LATE_S * (step.rate_mpa_s or 0.0), 0.5)


def _least_oil(step: PlannedStep, header: RunHeader, usual: Floats, times_s: Floats) -> Floats:
    full = header.profile.get("pump_flow_ml_s")
    full_ml_s = float(full) if isinstance(full, int | float) else 0.0
    least = 0.01 * full_ml_s + 1e-6
    if step.kind == "hold":
        return least + _HOLD_FLOW_SHARE * full_ml_s * times_s
    # A jump at the beginning of a ramp is as early or late as the pressure is.
    return least + _RAMP_OIL_SHARE * usual + _LATE_S * full_ml_s * np.exp(-times_s)


def _other_plan(said: str) -> BadInputError:
    return BadInputError(
        f"the reference band is for another plan: it has {said}",
        hint="make a band from runs of this protocol: pressloop compare RUN... --save-band FILE",
        code="other-plan",
    )


def _no_band(path: Path, why: str) -> BadInputError:
    return BadInputError(
        f"cannot use {path} as a reference band: {why}",
        hint="make one: pressloop compare RUN... --save-band FILE",
        code="no-band",
    )
