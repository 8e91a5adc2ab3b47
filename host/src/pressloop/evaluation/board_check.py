"""Compares the telemetry with what the board measured itself, step by step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pressloop.evaluation.run_data import RunData
from pressloop.record.columns import FLAGS
from pressloop.wire.schema import State


def compare(data: RunData) -> Iterator[str]:
    """Yield a sentence per disagreement. Only meaningful when no telemetry is missing.

    A record stands for the ticks since the one before, so a step's edges are known to one record:
    ticks and dwell may differ by that much, and the extremes may lie in the record next to the
    step. With several ticks per record the board may also have seen extremes between records.
    The ticks of a pause count on neither side; the board's extremes include it.
    """
    header, series = data.header, data.series
    steps = series.records["step"]
    pressure = series.records["pressure_kpa"]
    flagged = series.records["flags"] & FLAGS["dwelling"] != 0
    dwelling, stands_for = series.dwelling, series.stands_for
    counted = series.records["state"] != State.PAUSED
    slack = header.record_every
    sparse = header.record_every > 1
    for result in data.end.step_results:
        name = f"step {result.step}"
        at = np.flatnonzero((steps == result.step) & counted)
        if result.outcome == "pending":
            if at.size:
                yield f"{name}: the board has no result, the telemetry has {at.size} records"
            continue
        if not at.size:
            if result.ticks > slack:
                yield f"{name}: the board counts {result.ticks} ticks, the telemetry none"
            continue
        ticks = int(stands_for[at].sum()) * slack
        if result.outcome != "active" and abs(ticks - result.ticks) > slack:
            yield f"{name}: the board counts {result.ticks} ticks, the telemetry {ticks}"
        dwell = int(dwelling[at].sum()) * slack
        edges = int(np.count_nonzero(np.diff(flagged[at]))) if sparse else 0
        if result.outcome != "active" and abs(dwell - result.dwell_ticks) > slack * (1 + edges):
            yield (
                f"{name}: the board counts {result.dwell_ticks} ticks of dwell, "
                f"the telemetry {dwell}"
            )
        # A run whose host was lost can end in a pause, and so can a step.
        whole = np.flatnonzero(steps == result.step)
        inner = pressure[whole[1:-1]] if whole.size > 2 else pressure[:0]
        outer = pressure[max(whole[0] - 1, 0) : whole[-1] + 2]
        for extreme, sign, value in (
            ("peak", 1, result.peak_kpa),
            ("lowest", -1, result.lowest_kpa),
        ):
            least = int((sign * inner).max()) if inner.size else sign * value
            most = sign * value if sparse else int((sign * outer).max())
            if result.outcome != "active" and not least <= sign * value <= most:
                seen = int((sign * pressure[whole]).max()) * sign
                yield (
                    f"{name}: the board's {extreme} reading is {value} kPa, "
                    f"the telemetry's {seen} kPa"
                )
