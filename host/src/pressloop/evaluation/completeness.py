"""Finds what a record lacks: of a stage in seconds, of the whole record as warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pressloop.analysis.metrics import Bools
from pressloop.evaluation.board_check import compare
from pressloop.evaluation.run_data import RunData
from pressloop.evaluation.series import Series
from pressloop.machine.commissioned import NEVER, commissioned_in
from pressloop.record.columns import NO_STEP
from pressloop.record.model import INTERRUPTED


def missing_s(data: RunData, mine: Bools) -> float:
    """Return the time of the gaps that begin or end among the records of a stage, s."""
    total = 0.0
    for gap in data.gaps:
        after = int(np.searchsorted(data.series.seq, gap.first_seq))
        if mine[max(after - 1, 0) : after + 1].any():
            total += gap.seconds
    return total


def records_without_truth(series: Series, steps: Sequence[int]) -> int:
    """Count the records of thinned intervals for which there is no true pressure."""
    return sum(
        interval.count - (interval.truth.count if interval.truth else 0)
        for interval in series.intervals
        if interval.sums.step in steps
    )


def record_warnings(data: RunData) -> tuple[str, ...]:
    """Return a sentence for each thing that the record lacks, or holds twice with a difference."""
    return tuple(_warnings(data))


def _warnings(data: RunData) -> Iterator[str]:
    series, truth = data.series, data.truth
    for part in data.unreadable:
        yield f"{part.length} bytes of the journal at offset {part.offset} are not readable"
    for first, last in series.conflicts:
        yield (
            f"records {first}..{last} were received twice with different content; "
            "the first was kept"
        )
    if data.end.end_reason == INTERRUPTED:
        yield "the recording stopped before the run ended; what came after is unknown"
    elif not series.seq.size:
        yield "the record holds no telemetry"
    if data.header.continues is not None:
        yield str(data.header.continues)
    if data.header.channels == 1:
        yield "single-channel: one pressure channel watched this run, no second one confirms it"
    if not data.header.simulated and commissioned_in(data.header.profile) == NEVER:
        yield "never commissioned: nothing has proved the wires of this press"
    if data.header.simulated and truth is None:
        yield "the press was emulated, but its true pressure is not in the record"
    if truth is not None:
        in_step = (series.records["step"] != NO_STEP) & ~series.thinned
        missing = int(np.count_nonzero(np.isnan(truth.pressure_mpa[in_step])))
        missing += records_without_truth(series, range(NO_STEP))
        if missing:
            yield f"the true pressure is missing for {missing} records of the stages"
    if not data.gaps:
        yield from compare(data)
