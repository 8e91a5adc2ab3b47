"""Thins a record in long quiet stretches, so that a week of it fits, and loses nothing that counts.

Everything is kept as received around every change: a new step, state or setpoint; a flag, an
input, a hole. Only where nothing changes for long, records are summed up in intervals that grow
with the age of the quiet stretch. An interval keeps its first, lowest, highest and last record
whole, and of all its records the exact sums that the measures need. So no extreme is ever lost,
and mean, rms and share in band are those of every record (docs/decisions/0012-thinning.md).

Nothing is decided before it is old enough that no later change can ask for it: what is undecided
is `pending`, a few minutes at most. Pure: no clock, no file. Standard library only, for recording
needs no more.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pressloop.record.model import IntervalSums, PlannedStep, ThinningRules, TruthSums
from pressloop.wire.schema import RECORD_FORMAT, RECORD_SIZE, FlagBits

_RECORD: Final = struct.Struct(RECORD_FORMAT)

_EVENT_FLAGS: Final = int(
    FlagBits.IN_BAND
    | FlagBits.DWELLING
    | FlagBits.APPROACHING
    | FlagBits.SEALED
    | FlagBits.HOST_LOST
    | FlagBits.TOPPING_UP
)
"""Flags whose change is an event. `saturated` is not: a valve at its stop says nothing new."""

_MIN_RECORDS: Final = 12
"""A shorter interval is kept whole: the summary would save nothing."""

_NEVER: Final = 1 << 62

_HALF_PERCENT: Final = 0.005
_SLACK_KPA: Final = 0.001


@dataclass(frozen=True)
class RawBatch:
    """Consecutive records, kept as received."""

    first: int
    records: bytes


@dataclass(frozen=True)
class Interval:
    """Consecutive records, summed up.

    Attributes:
        first: Sequence number of the first.
        count: How many.
        offsets: Which of them are kept, counted from the first, ascending.
        records: The kept ones, packed.
        sums: What the measures need of all of them.
        truth: The same from the true pressure, on an emulated press.
        truth_rows: Rows for the record's own truth file: of the kept records, and of all records
            since the last interval.
    """

    first: int
    count: int
    offsets: tuple[int, ...]
    records: bytes
    sums: IntervalSums
    truth: TruthSums | None = None
    truth_rows: bytes = b""


@dataclass(frozen=True)
class IntervalTruth:
    """The true pressures of an interval.

    Attributes:
        sums: Over all its records.
        extremes: Offsets of the records with the lowest and the highest.
        before: Packed rows of what came before the interval and was not taken yet.
        row_of: Packed row by tick.
    """

    sums: TruthSums
    extremes: tuple[int, ...]
    before: bytes
    row_of: Mapping[int, bytes]


RecordPiece = RawBatch | Interval
Rows = Sequence[tuple[int, ...]]
"""Unpacked telemetry records."""

TruthOf = Callable[[Rows, float | None, float | None], IntervalTruth]
"""Takes the true pressures of consecutive records, given target and tolerance, MPa."""


class Thinner:
    """Takes records in the order of their arrival, gives back what to keep of them.

    Args:
        steps: Of the plan: they say what a hold's target and tolerance are.
        record_interval_s: Time between two records.
        rules: What is kept.
        truth_of: Sums up the true pressure of an emulated press.
    """

    def __init__(
        self,
        steps: Sequence[PlannedStep],
        record_interval_s: float,
        rules: ThinningRules,
        truth_of: TruthOf | None = None,
    ) -> None:
        """Know of no record."""
        self._steps = {step.index: step for step in steps}
        self._truth_of = truth_of

        def records(seconds: float) -> int:
            return max(1, round(seconds / record_interval_s))

        self._after_change = records(rules.after_change_s)
        self._after_event = records(rules.after_event_s)
        self._before = records(rules.before_s)
        self._intervals = [
            (_NEVER if age is None else records(age), records(length))
            for age, length in rules.intervals
        ]
        self._store = self._most_store = float(records(rules.event_store_s))
        self._share = rules.event_share
        self._pending = bytearray()
        self._start = 0  # sequence number of the first pending record
        self._next: int | None = None
        self._key: tuple[int, ...] = ()
        self._keep: list[tuple[int, int]] = []  # half-open, ascending, disjoint
        self._quiet_since = self._pending_quiet_since = 0

    @property
    def undecided(self) -> range:
        """Sequence numbers that are pending; it starts where the next piece will."""
        return range(self._start, self._start + len(self._pending) // RECORD_SIZE)

    def take(self, first: int, records: bytes) -> list[RecordPiece]:
        """Take consecutive records; return what is decided by them, in order."""
        count = len(records) // RECORD_SIZE
        if self._next is not None and first < self._next:
            return [RawBatch(first, records)]  # fetched late: it belongs to a hole
        pieces: list[RecordPiece] = []
        if first != self._next:
            # An interval never reaches over a hole.
            if self._next is not None:
                self._event(self._next)
                pieces += self._settle(self._next, closed=True)
            self._start = first
        self._next = first + count
        self._store = min(self._most_store, self._store + self._share * count)
        self._look_for_changes(first, records)
        self._pending += records
        return pieces + self._settle(self._next)

    def flush(self) -> list[RecordPiece]:
        """Return all that is pending, whole: the record ends here, or is read now."""
        if not self._pending:
            return []
        stop = self.undecided.stop
        return [RawBatch(self._start, self._cut(stop))]

    # --- what is to be kept whole

    def _look_for_changes(self, first: int, records: bytes) -> None:
        rows = list(_RECORD.iter_unpack(records))
        # Almost always nothing changes, and that is seen at once.
        keys = {(row[2], row[5], row[6], row[7] & _EVENT_FLAGS, row[8]) for row in rows}
        if len(keys) == 1 and self._key in keys:
            return
        for number, row in enumerate(rows, first):
            key = (row[2], row[5], row[6], row[7] & _EVENT_FLAGS, row[8])
            if key[:3] != self._key[:3]:
                self._keep_around(number, self._after_change)
                if self._start >= self._quiet_since:
                    self._pending_quiet_since = self._quiet_since
                self._quiet_since = number
            elif key != self._key:
                self._event(number)
            self._key = key

    def _event(self, number: int) -> None:
        """Keep what surrounds an event, if the store allows."""
        low = max(number - self._before, self._start, self._keep[-1][1] if self._keep else 0)
        cost = number + self._after_event - low
        if cost <= self._store:
            self._store -= max(0, cost)
            self._keep_around(number, self._after_event)

    def _keep_around(self, number: int, after: int) -> None:
        low, high = number - self._before, number + after
        if self._keep and low <= self._keep[-1][1]:
            low, last = self._keep.pop()
            high = max(high, last)
        self._keep.append((low, high))

    # --- what is decided

    def _settle(self, end: int, *, closed: bool = False) -> list[RecordPiece]:
        """Decide on all pending records below `end` that no later change can reach.

        `closed` says that no more records will follow without a hole.
        """
        pieces: list[RecordPiece] = []
        while self._start < end:
            start = self._start
            while self._keep and self._keep[0][1] <= start:
                self._keep.pop(0)
            low, high = self._keep[0] if self._keep else (end + self._before, end)
            if low <= start:
                pieces.append(RawBatch(start, self._cut(min(high, end))))
                continue
            stop = min(start + self._interval_at(start), low)
            if closed:
                stop = min(stop, end)
            elif stop > end or (stop < low and stop > end - self._before):
                break
            if stop - start < _MIN_RECORDS:
                pieces.append(RawBatch(start, self._cut(stop)))
            else:
                pieces.append(self._sum_up(start, self._cut(stop)))
        return pieces

    def _cut(self, stop: int) -> bytes:
        """Take the pending records below `stop`."""
        size = (stop - self._start) * RECORD_SIZE
        records = bytes(self._pending[:size])
        del self._pending[:size]
        self._start = stop
        return records

    def _interval_at(self, start: int) -> int:
        """How long an interval is that starts here, by the age of its quiet stretch."""
        since = self._quiet_since
        if start < since:  # what is pending is from before the change
            since = self._pending_quiet_since
        age = start - since
        for limit, length in self._intervals:
            if age < limit:
                return length
        return self._intervals[-1][1]

    def _sum_up(self, first: int, records: bytes) -> Interval:
        rows: Rows = list(_RECORD.iter_unpack(records))
        step_index, state = rows[0][5:7]
        step = self._steps.get(step_index)
        target = tolerance = None
        if step is not None and step.kind == "hold":
            target, tolerance = step.target_mpa, step.tolerance_mpa
        pressures = [row[1] for row in rows]
        outputs = [row[3] for row in rows]
        lowest, highest = min(pressures), max(pressures)
        aim = round(1000 * target) if target is not None else 0
        errors = [pressure - aim for pressure in pressures] if aim else pressures
        offsets = {0, pressures.index(lowest), pressures.index(highest), len(rows) - 1}
        truth = None
        if self._truth_of is not None:
            truth = self._truth_of(rows, target, tolerance)
            offsets.update(truth.extremes)
        kept = tuple(sorted(offsets))
        dwelling = int(FlagBits.DWELLING)
        sums = IntervalSums(
            step=step_index,
            state=state,
            target_kpa=aim,
            error_kpa=sum(errors),
            square_kpa2=sum([error * error for error in errors]),
            in_band=_within(lowest, highest, errors, aim, tolerance),
            half_percent=_within(lowest, highest, errors, aim, _HALF_PERCENT * aim / 1000),
            dwelling=sum([1 for row in rows if row[7] & dwelling]),
            output=sum(outputs),
            pump_starts=sum([1 for a, b in pairwise(outputs) if b > 0 >= a]),
        )
        packed = b"".join(records[n * RECORD_SIZE : (n + 1) * RECORD_SIZE] for n in kept)
        if truth is None:
            return Interval(first, len(rows), kept, packed, sums)
        true_rows = [truth.before, *(truth.row_of.get(rows[n][0], b"") for n in kept)]
        return Interval(first, len(rows), kept, packed, sums, truth.sums, b"".join(true_rows))


def _within(
    lowest: int, highest: int, errors: Sequence[int], aim: int, tolerance_mpa: float | None
) -> int:
    """How many are in a band around the target; the edge belongs to it."""
    if tolerance_mpa is None:
        return 0
    limit = 1000 * tolerance_mpa + _SLACK_KPA
    if abs(lowest - aim) <= limit and abs(highest - aim) <= limit:
        return len(errors)
    return sum([1 for error in errors if -limit <= error <= limit])
