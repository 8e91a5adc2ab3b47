"""Decides which records of a run are kept whole and which are summed up in intervals.

Everything is kept as received around every change: a new step, state or setpoint; a flag, an
input, a gap. Only where nothing changes for long, records are summed up in intervals that grow
with the age of the quiet stretch (`interval.py`). So no extreme is ever lost, and mean, rms and
share in band are those of every record (docs/decisions/0013-thinning.md).

A record is decided on when no later change can ask for it to be kept whole. Until then it is
pending, for a few minutes at most. Pure: no clock, no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pressloop.record.interval import (
    FLAGS,
    INPUTS,
    SETPOINT,
    STATE,
    STEP,
    Interval,
    TruthOf,
    sum_up,
    unpack_rows,
)
from pressloop.record.model import PlannedStep, ThinningRules
from pressloop.wire.schema import RECORD_SIZE, FlagBits

_EVENT_FLAGS: Final = int(
    FlagBits.IN_BAND
    | FlagBits.DWELLING
    | FlagBits.APPROACHING
    | FlagBits.SEALED
    | FlagBits.HOST_LOST
    | FlagBits.TOPPING_UP
    | FlagBits.LOAD_CELL
)
"""Flags whose change is an event. Saturation is none: the output shows it."""

_MIN_RECORDS: Final = 12
"""A shorter interval is kept whole: its sums would take as much space."""

_NO_LIMIT: Final = 1 << 62


@dataclass(frozen=True)
class RawBatch:
    """Consecutive records, kept as received."""

    first: int
    records: bytes


RecordPiece = RawBatch | Interval


class Thinner:
    """Takes records in the order of their arrival and returns what to keep of them.

    Args:
        steps: Of the plan: a hold has target and tolerance.
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
        """Start without a record."""
        self._steps = {step.index: step for step in steps}
        self._truth_of = truth_of

        def records(seconds: float) -> int:
            return max(1, round(seconds / record_interval_s))

        self._after_change = records(rules.after_change_s)
        self._after_event = records(rules.after_event_s)
        self._before = records(rules.before_s)
        self._intervals = [
            (_NO_LIMIT if age is None else records(age), records(length))
            for age, length in rules.intervals
        ]
        self._event_store = self._max_event_store = float(records(rules.event_store_s))
        self._event_share = rules.event_share
        self._pending = bytearray()
        self._start = 0  # sequence number of the first pending record
        self._next: int | None = None
        self._newest_key: tuple[int, ...] = ()
        # What has to be kept whole: half-open ranges, ascending, disjoint.
        self._required: list[tuple[int, int]] = []
        # Sequence number of the last change, and of the last one before the pending records.
        self._quiet_since = self._pending_quiet_since = 0

    @property
    def undecided(self) -> range:
        """Sequence numbers of the pending records; the next piece begins with the first of them."""
        return range(self._start, self._start + len(self._pending) // RECORD_SIZE)

    def take(self, first: int, records: bytes) -> list[RecordPiece]:
        """Take consecutive records; return the pieces that are decided on now, in order."""
        count = len(records) // RECORD_SIZE
        if self._next is not None and first < self._next:
            return [RawBatch(first, records)]  # fetched later, to fill a gap
        pieces: list[RecordPiece] = []
        if first != self._next:
            # An interval never contains a gap.
            if self._next is not None:
                self._event(self._next)
                pieces += self._settle(self._next, closed=True)
            self._start = first
        self._next = first + count
        self._event_store = min(
            self._max_event_store, self._event_store + self._event_share * count
        )
        self._look_for_changes(first, records)
        self._pending += records
        return pieces + self._settle(self._next)

    def flush(self) -> list[RecordPiece]:
        """Return all pending records as one batch: the record ends here, or is read now."""
        if not self._pending:
            return []
        stop = self.undecided.stop
        return [RawBatch(self._start, self._cut(stop))]

    # --- what has to be kept whole

    def _look_for_changes(self, first: int, records: bytes) -> None:
        keys = [
            (row[SETPOINT], row[STEP], row[STATE], row[FLAGS] & _EVENT_FLAGS, row[INPUTS])
            for row in unpack_rows(records)
        ]
        if set(keys) == {self._newest_key}:
            return  # nothing changes in almost every batch
        for number, key in enumerate(keys, first):
            if key[:3] != self._newest_key[:3]:
                self._require_around(number, self._after_change)
                if self._start >= self._quiet_since:
                    self._pending_quiet_since = self._quiet_since
                self._quiet_since = number
            elif key != self._newest_key:
                self._event(number)
            self._newest_key = key

    def _event(self, number: int) -> None:
        """Keep the records around an event whole, if the store of records for events allows it."""
        low = max(
            number - self._before, self._start, self._required[-1][1] if self._required else 0
        )
        cost = number + self._after_event - low
        if cost <= self._event_store:
            self._event_store -= max(0, cost)
            self._require_around(number, self._after_event)

    def _require_around(self, number: int, after: int) -> None:
        low, high = number - self._before, number + after
        if self._required and low <= self._required[-1][1]:
            low, last = self._required.pop()
            high = max(high, last)
        self._required.append((low, high))

    # --- what is decided

    def _settle(self, end: int, *, closed: bool = False) -> list[RecordPiece]:
        """Decide on all pending records below `end` that no later change can ask for.

        Args:
            end: Sequence number behind the last pending record.
            closed: A gap follows, so that no later change can ask for any of them.
        """
        pieces: list[RecordPiece] = []
        while self._start < end:
            start = self._start
            while self._required and self._required[0][1] <= start:
                self._required.pop(0)
            low, high = self._required[0] if self._required else (end + self._before, end)
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
                pieces.append(sum_up(start, self._cut(stop), self._steps, self._truth_of))
        return pieces

    def _cut(self, stop: int) -> bytes:
        """Take the pending records below `stop`."""
        size = (stop - self._start) * RECORD_SIZE
        records = bytes(self._pending[:size])
        del self._pending[:size]
        self._start = stop
        return records

    def _interval_at(self, start: int) -> int:
        """Return the length of an interval that starts here, by the age of its quiet stretch."""
        since = self._quiet_since
        if start < since:  # the pending records are from before the change
            since = self._pending_quiet_since
        age = start - since
        for limit, length in self._intervals:
            if age < limit:
                return length
        return self._intervals[-1][1]
