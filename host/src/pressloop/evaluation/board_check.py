"""Compares the telemetry with what the board measured itself, step by step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pressloop.evaluation.run_data import RunData
from pressloop.evaluation.series import Ints
from pressloop.record.columns import FLAGS
from pressloop.record.model import BoardStepResult
from pressloop.wire.schema import State


def compare(data: RunData) -> Iterator[str]:
    """Yield a sentence per disagreement. Only meaningful when no telemetry is missing.

    A record stands for the ticks since the one before, so a step's edges are known to one record:
    ticks and dwell may differ by that much, and the extremes may lie in the record next to the
    step. With several ticks per record the board may also have seen extremes between records.
    The ticks of a pause count on neither side; the board's extremes include it.
    """
    counted = data.series.records["state"] != State.PAUSED
    for result in data.end.step_results:
        in_step = data.of_steps([result.step])
        at = np.flatnonzero(in_step & counted)
        if result.outcome == "pending":
            if at.size:
                yield (
                    f"step {result.step}: the board has no result, "
                    f"the telemetry has {at.size} records"
                )
        elif not at.size:
            if result.ticks > data.header.record_every:
                yield (
                    f"step {result.step}: the board counts {result.ticks} ticks, the telemetry none"
                )
        elif result.outcome != "active":
            yield from _compare_ticks(data, result, at)
            yield from _compare_extremes(data, result, np.flatnonzero(in_step))


def _compare_ticks(data: RunData, result: BoardStepResult, at: Ints) -> Iterator[str]:
    """Compare ticks and dwell of a step; `at` are its records without pauses."""
    series, every = data.series, data.header.record_every
    ticks = int(series.stands_for[at].sum()) * every
    if abs(ticks - result.ticks) > every:
        yield f"step {result.step}: the board counts {result.ticks} ticks, the telemetry {ticks}"
    dwell = int(series.dwelling[at].sum()) * every
    dwelling = series.records["flags"][at] & FLAGS["dwelling"] != 0
    edges = int(np.count_nonzero(np.diff(dwelling))) if every > 1 else 0
    if abs(dwell - result.dwell_ticks) > every * (1 + edges):
        yield (
            f"step {result.step}: the board counts {result.dwell_ticks} ticks of dwell, "
            f"the telemetry {dwell}"
        )


def _compare_extremes(data: RunData, result: BoardStepResult, at: Ints) -> Iterator[str]:
    """Compare the extreme readings of a step; `at` are its records, pauses included.

    A run whose host was lost can end in a pause, and so can a step.
    """
    pressure = data.series.records["pressure_kpa"]
    inner = pressure[at[1:-1]] if at.size > 2 else pressure[:0]
    outer = pressure[max(at[0] - 1, 0) : at[-1] + 2]
    for extreme, sign, value in (
        ("peak", 1, result.peak_kpa),
        ("lowest", -1, result.lowest_kpa),
    ):
        least = int((sign * inner).max()) if inner.size else sign * value
        most = sign * value if data.header.record_every > 1 else int((sign * outer).max())
        if not least <= sign * value <= most:
            seen = int((sign * pressure[at]).max()) * sign
            yield (
                f"step {result.step}: the board's {extreme} reading is {value} kPa, "
                f"the telemetry's {seen} kPa"
            )
