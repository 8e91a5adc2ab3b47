"""Orders batches of packed records into one series, and finds what is missing in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from pressloop.evaluation.summary import Gap
from pressloop.record.columns import FLAGS, TICK_SPAN
from pressloop.record.entries import Batch
from pressloop.record.interval import Interval
from pressloop.record.sequence_ranges import SequenceRanges
from pressloop.wire.schema import RECORD_FIELDS, RECORD_FORMAT, RECORD_SIZE

Ints = npt.NDArray[np.int64]

RECORD_DTYPE: Final = np.dtype(
    [(name, f"<{code}") for name, code in zip(RECORD_FIELDS, RECORD_FORMAT[1:], strict=True)]
)
"""Layout of one packed telemetry record."""


@dataclass(frozen=True)
class Series:
    """The telemetry of one run, ascending by sequence number.

    Attributes:
        seq: Sequence numbers, each once; shape (n,).
        records: The records, fields as in the schema (`RECORD_DTYPE`); shape (n,).
        missing: Sequence numbers of the run that are not held, as inclusive ranges.
        conflicts: Sequence numbers received more than once with different content, as inclusive
            ranges; what came first was kept.
        intervals: Thinned intervals, ascending.
        interval_index: Which of them a record belongs to, -1 for none; shape (n,).
    """

    seq: Ints
    records: npt.NDArray[np.void]
    missing: list[tuple[int, int]]
    conflicts: list[tuple[int, int]]
    intervals: tuple[Interval, ...] = ()
    interval_index: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def thinned(self) -> npt.NDArray[np.bool_]:
        """Which records belong to a thinned interval."""
        return self.interval_index >= 0

    @cached_property
    def stands_for(self) -> Ints:
        """Number of records that each stands for; the first of an interval for those left out."""
        numbers = np.ones(self.seq.size, np.int64)
        starts = self._interval_starts()
        kept = np.bincount(self.interval_index[self.thinned], minlength=len(self.intervals))
        numbers[starts] += np.array([i.count for i in self.intervals], np.int64) - kept
        return numbers

    @cached_property
    def dwelling(self) -> Ints:
        """Number of the records that each one stands for in which the dwell clock ran."""
        numbers: Ints = (self.records["flags"] & FLAGS["dwelling"] != 0).astype(np.int64)
        numbers[self.thinned] = 0
        numbers[self._interval_starts()] = [i.sums.dwelling for i in self.intervals]
        return numbers

    def _interval_starts(self) -> Ints:
        """Return the index of the first record of each interval."""
        firsts = np.array([interval.first for interval in self.intervals], np.int64)
        starts: Ints = np.searchsorted(self.seq, firsts)
        return starts

    def ticks_since(self, start_tick: int) -> Ints:
        """Return the device clock relative to a tick, right across the clock's overflow."""
        return signed_ticks(self.records["tick"], start_tick)


def signed_ticks(ticks: npt.NDArray[np.uint32], start_tick: int) -> Ints:
    """Return `ticks - start_tick` on a clock of 32 bits, from -2**31 on."""
    difference = (ticks.astype(np.int64) - start_tick) % TICK_SPAN
    return np.where(difference >= TICK_SPAN // 2, difference - TICK_SPAN, difference)


def assemble(
    batches: Sequence[Batch],
    run_first: int | None,
    last_seq: int | None,
    intervals: Iterable[Interval] = (),
) -> Series:
    """Order the records of all batches and keep those that belong to the run.

    Args:
        batches: In the order in which they were received.
        intervals: Thinned intervals. A batch may repeat records that one of them has summed up.
        run_first: First sequence number of the run; None takes the first that is held.
        last_seq: Last sequence number of the run; None takes the last that is held.
    """
    thinned = tuple(sorted(intervals, key=lambda interval: interval.first))
    seq = np.concatenate(
        (
            _consecutive([(b.first, len(b.records) // RECORD_SIZE) for b in batches]),
            _kept_of(thinned),
        )
    )
    packed = [batch.records for batch in batches] + [interval.records for interval in thinned]
    records = np.frombuffer(b"".join(packed), RECORD_DTYPE)
    belongs = np.ones(seq.size, np.bool_)
    if run_first is not None:
        belongs &= seq >= run_first
    if last_seq is not None:
        belongs &= seq <= last_seq
    seq, records = seq[belongs], records[belongs]

    # A stable order: of records that came twice, the first is kept.
    order = np.argsort(seq, kind="stable")
    seq, records = seq[order], records[order]
    repeated = seq[1:] == seq[:-1]
    differs = repeated & (records[1:] != records[:-1])
    conflicts = SequenceRanges()
    for number in np.unique(seq[1:][differs]):
        conflicts.add(int(number), 1)
    keep = np.append(np.ones(min(seq.size, 1), np.bool_), ~repeated)
    interval = _interval_of(seq, thinned)
    keep &= (interval < 0) | np.isin(seq, _kept_of(thinned))
    seq, records, interval = seq[keep], records[keep], interval[keep]

    missing = _missing(seq, thinned, run_first, last_seq)
    return Series(seq, records, missing, conflicts.ranges(), thinned, interval)


def _missing(
    seq: Ints, intervals: tuple[Interval, ...], run_first: int | None, last_seq: int | None
) -> list[tuple[int, int]]:
    """Return which numbers of the run are neither held nor summed up, as inclusive ranges."""
    if run_first is None and seq.size:
        run_first = int(seq[0])
    if last_seq is None and seq.size:
        last_seq = int(seq[-1])
    if run_first is None or last_seq is None:
        return []
    held = SequenceRanges()
    for first, count in _runs(seq):
        held.add(first, count)
    for one in intervals:
        held.add(one.first, one.count)
    return held.gaps(run_first, last_seq + 1)


def _consecutive(runs: Sequence[tuple[int, int]]) -> Ints:
    """Return all numbers of runs that are given as (first, count), in the order of the runs."""
    firsts, counts = np.array(runs, np.int64).reshape(-1, 2).T
    ends = np.cumsum(counts)
    total = int(ends[-1]) if ends.size else 0
    return np.repeat(firsts - (ends - counts), counts) + np.arange(total)


def _kept_of(intervals: tuple[Interval, ...]) -> Ints:
    return np.array([one.first + at for one in intervals for at in one.offsets], np.int64)


def _interval_of(seq: Ints, intervals: tuple[Interval, ...]) -> Ints:
    """Return the index of the interval that each number lies in, -1 for none."""
    if not intervals:
        return np.full(seq.size, -1)
    firsts = np.array([one.first for one in intervals])
    lasts = firsts + np.array([one.count for one in intervals]) - 1
    index = np.searchsorted(firsts, seq, side="right") - 1
    return np.where((index >= 0) & (seq <= lasts[index]), index, -1)


def telemetry_gaps(series: Series, record_every: int, tick_hz: int) -> tuple[Gap, ...]:
    """Return the missing ranges of a series with their device clock and duration."""
    gaps = []
    for first, last in series.missing:
        before = int(np.searchsorted(series.seq, first)) - 1
        first_tick = None
        if before >= 0:
            first_tick = (int(series.records["tick"][before]) + record_every) % TICK_SPAN
        count = last - first + 1
        gaps.append(
            Gap(
                first_seq=first,
                last_seq=last,
                first_tick=first_tick,
                records=count,
                seconds=count * record_every / tick_hz,
            )
        )
    return tuple(gaps)


def _runs(seq: Ints) -> list[tuple[int, int]]:
    """Return the runs of consecutive numbers in an ascending array, as (first, count)."""
    if not seq.size:
        return []
    starts = np.flatnonzero(np.diff(seq, prepend=seq[0] - 2) != 1)
    counts = np.diff(np.append(starts, seq.size))
    return [(int(seq[s]), int(n)) for s, n in zip(starts, counts, strict=True)]
