"""What a record lacks: of a stage in seconds, of the whole in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pressloop.analysis.metrics import Bools
from pressloop.evaluation.board_check import compare
from pressloop.evaluation.run_data import RunData
from pressloop.evaluation.series import Series
from pressloop.evaluation.truth import Truth
from pressloop.record.columns import NO_STEP
from pressloop.record.journal import JournalContents
from pressloop.record.model import INTERRUPTED


def missing_s(evidence: RunData, mine: Bools) -> float:
    """Time of the gaps that begin or end among the records of a stage, s."""
    total = 0.0
    for gap in evidence.gaps:
        after = int(np.searchsorted(evidence.series.seq, gap.first_seq))
        if mine[max(after - 1, 0) : after + 1].any():
            total += gap.seconds
    return total


def without_truth(series: Series, steps: Sequence[int]) -> int:
    """Records of the thinned intervals for which the emulated press left no true pressure."""
    return sum(
        interval.count - (interval.truth.count if interval.truth else 0)
        for interval in series.intervals
        if interval.sums.step in steps
    )


def warnings(contents: JournalContents, evidence: RunData, truth: Truth | None) -> list[str]:
    """Say what of the run is not known, or known twice."""
    header, series, end = evidence.header, evidence.series, evidence.end
    said = [
        f"{damage.length} bytes of the journal at offset {damage.offset} are not readable"
        for damage in contents.damage
    ]
    said += [
        f"records {first}..{last} came twice with different content; the first was kept"
        for first, last in series.conflicts
    ]
    if end.end_reason == INTERRUPTED:
        said.append("the recording stopped before the run ended; what came after is unknown")
    if end.end_reason != INTERRUPTED and not series.seq.size:
        said.append("the record holds no telemetry")
    if header.simulated and truth is None:
        said.append("the press was emulated, but its true pressure is not in the record")
    if truth is not None:
        in_step = (series.records["step"] != NO_STEP) & ~series.thinned
        missing = int(np.count_nonzero(np.isnan(truth.pressure_mpa[in_step])))
        missing += without_truth(series, range(NO_STEP))
        if missing:
            said.append(f"the true pressure is missing for {missing} records of the stages")
    if not evidence.gaps:
        said += compare(header, series, end.step_results)
    return said
