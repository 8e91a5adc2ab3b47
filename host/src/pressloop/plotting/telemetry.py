"""The telemetry of a run as it is drawn: its columns, its gaps, and the unit of the time axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pressloop.evaluation import Gap, RunRecord
from pressloop.extras import needs_extra
from pressloop.record.model import PlannedStepKind

with needs_extra("plot"):
    import numpy as np
    import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_NONE: Final = -1
"""Value of a column of numbers in a row without step, stage or state."""

_COLUMNS: Final = (
    "seq",
    "time_s",
    "pressure_mpa",
    "setpoint_mpa",
    "output_percent",
    "step_id",
    "stage_id",
    "state",
    "true_pressure_mpa",
    "oil_derived_mpa",
)


@dataclass(frozen=True)
class DrawnTelemetry:
    """Columns of telemetry; time in the unit of the axis.

    The last record before a gap is followed by a row of NaN, which breaks every line there.
    """

    time: Floats
    pressure: Floats
    setpoint: Floats
    output: Floats
    truth: Floats | None
    oil: Floats | None
    step: npt.NDArray[np.int64]
    stage: npt.NDArray[np.int64]
    state: npt.NDArray[np.int8]
    states: list[str]
    gaps: list[tuple[float, float]]
    scale: float
    unit: str

    def is_in(self, state: str) -> Bools:
        """Return which rows were recorded in a state.

        States are kept as codes: the names of a week's rows would need too much memory.
        """
        code = self.states.index(state) if state in self.states else len(self.states)
        inside: Bools = self.state == code
        return inside


def telemetry_of(record: RunRecord) -> DrawnTelemetry:
    """Return the telemetry of a record, on a time axis in s, min, h or d."""
    table = record.table(_COLUMNS)
    duration_s = record.summary.duration_s
    scale, unit = (1.0, "s") if duration_s <= 300 else (60.0, "min")
    if duration_s > 5 * 3600:
        scale, unit = 3600.0, "h"
    if duration_s > 4 * 86_400:
        scale, unit = 86_400.0, "d"

    seq = np.asarray(table["seq"].to_numpy(), np.int64)
    # A missing number alone is no gap: a thinned record leaves numbers out.
    breaks = np.searchsorted(seq, [gap.first_seq for gap in record.summary.gaps])
    breaks = breaks[(breaks > 0) & (breaks < seq.size)]

    def column(name: str) -> Floats:
        return np.insert(np.asarray(table[name].to_numpy(), np.float64), breaks, np.nan)

    def index(name: str) -> npt.NDArray[np.int64]:
        return np.nan_to_num(column(name), nan=_NONE).astype(np.int64)

    states = table["state"].combine_chunks()
    has_truth = "true_pressure_mpa" in table.column_names
    return DrawnTelemetry(
        time=column("time_s") / scale,
        pressure=column("pressure_mpa"),
        setpoint=column("setpoint_mpa"),
        output=column("output_percent"),
        truth=column("true_pressure_mpa") if has_truth else None,
        oil=column("oil_derived_mpa") if "oil_derived_mpa" in table.column_names else None,
        step=index("step_id"),
        stage=index("stage_id"),
        state=np.insert(states.indices.to_numpy(), breaks, _NONE),
        states=states.dictionary.to_pylist(),
        gaps=list(_gap_times(record.summary.gaps, seq, table["time_s"].to_numpy(), scale)),
        scale=scale,
        unit=unit,
    )


def in_steps(
    record: RunRecord, telemetry: DrawnTelemetry, kind: PlannedStepKind, stage: int | None = None
) -> Bools:
    """Return which rows were recorded in steps of a kind, of one stage or of all."""
    steps = [
        step.index
        for step in record.header.steps
        if step.kind == kind and stage in (None, step.stage)
    ]
    inside: Bools = np.isin(telemetry.step, steps)
    return inside


def _gap_times(
    gaps: tuple[Gap, ...], seq: npt.NDArray[np.int64], time_s: Floats, scale: float
) -> Iterator[tuple[float, float]]:
    """Yield the times of the last record before each gap and of the first after it."""
    for gap in gaps:
        behind = int(np.searchsorted(seq, gap.first_seq))
        start = float(time_s[behind - 1]) if behind else 0.0
        stop = float(time_s[behind]) if behind < seq.size else start + gap.seconds
        yield start / scale, stop / scale


def spans(mask: Bools) -> Iterator[tuple[int, int]]:
    """Yield the stretches of True, as half-open index ranges."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2):
        yield int(start), int(stop)
