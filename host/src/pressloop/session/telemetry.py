"""Telemetry on its way to listeners: batches of packed records, and which of them have arrived."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, NamedTuple

from pressloop.wire.schema import (
    NO_DISPLACEMENT,
    RECORD_FORMAT,
    RECORD_SIZE,
    SHORT_RECORD_SIZE,
    FlagBits,
    InputBits,
    State,
)

Source = Literal["live", "backfill"]

_RECORD: Final = struct.Struct(RECORD_FORMAT)
_NO_READING: Final = NO_DISPLACEMENT.to_bytes(2, "little")

NO_STEP: Final = 255
"""Step or stage index that means "none"."""


class TelemetryRecord(NamedTuple):
    """One sample of the press, as the board recorded it."""

    tick: int
    """Device clock, ticks of 10 ms since boot."""
    pressure_kpa: int
    """Filtered reading, kPa on the pellet."""
    setpoint_kpa: int
    """Setpoint, kPa on the pellet."""
    output: int
    """Split range: -32767 release fully open .. 32767 pump fully open."""
    raw: int
    """Transducer counts before filter and scaling."""
    step: int
    """Index of the plan step, `NO_STEP` without."""
    state_code: int
    """What the press is doing, as a `State` number."""
    flag_bits: int
    """`FlagBits`, combined."""
    input_bits: int
    """`InputBits`, combined."""
    displacement_um: int
    """Closing of the platens, um, `NO_DISPLACEMENT` without a reading."""

    @property
    def displacement_mm(self) -> float | None:
        """Closing of the platens from the sensor's zero, mm; None without a reading."""
        return None if self.displacement_um == NO_DISPLACEMENT else self.displacement_um / 1000

    @property
    def pressure_mpa(self) -> float:
        """Filtered reading, MPa on the pellet."""
        return self.pressure_kpa / 1000

    @property
    def setpoint_mpa(self) -> float:
        """Setpoint, MPa on the pellet."""
        return self.setpoint_kpa / 1000

    @property
    def state(self) -> State:
        """What the press is doing."""
        return State(self.state_code)

    @property
    def flags(self) -> FlagBits:
        """In band, dwelling, saturated and so on."""
        return FlagBits(self.flag_bits)

    @property
    def inputs(self) -> InputBits:
        """Emergency stop, guard, button."""
        return InputBits(self.input_bits)


def widened(records: bytes) -> bytes:
    """Return records of a press without a displacement sensor in the layout of one with it."""
    size = SHORT_RECORD_SIZE
    return b"".join(records[at : at + size] + _NO_READING for at in range(0, len(records), size))


@dataclass(frozen=True)
class TelemetryBatch:
    """Consecutive records as they came over the wire; unpacked when first looked at.

    Attributes:
        first: Sequence number of the first record.
        data: The packed records.
        source: `live` as the board sent it, or `backfill` as it was fetched from the ring.
        tick: Device clock when the board sent it; for a backfill, of the newest event before it.
    """

    first: int
    data: bytes
    source: Source
    tick: int

    def __len__(self) -> int:
        """Number of records; a batch can be empty when no record was due."""
        return len(self.data) // RECORD_SIZE

    def __iter__(self) -> Iterator[TelemetryRecord]:
        """Go through the records, oldest first."""
        return iter(self.records)

    @cached_property
    def records(self) -> list[TelemetryRecord]:
        """All records, oldest first."""
        return [TelemetryRecord._make(values) for values in _RECORD.iter_unpack(self.data)]

    @property
    def newest(self) -> TelemetryRecord | None:
        """The last record, without unpacking the others; None in an empty batch."""
        if not self.data:
            return None
        return TelemetryRecord._make(_RECORD.unpack_from(self.data, len(self.data) - RECORD_SIZE))

    def without(self, count: int) -> TelemetryBatch:
        """Return the batch without its first `count` records."""
        rest = self.data[count * RECORD_SIZE :]
        return TelemetryBatch(self.first + count, rest, self.source, self.tick)


class SequenceTracker:
    """Which sequence numbers have arrived, which are known to exist and are still missing.

    Sequence numbers are contiguous on the board, so a jump is a hole. Duplicates and late batches
    are recognised whatever their order. The holes are few and short; they are kept as half-open
    ranges, ascending.
    """

    def __init__(self, first: int) -> None:
        """Expect records from `first` on."""
        self.next = first
        self._holes: list[range] = []

    @property
    def holes(self) -> list[range]:
        """Missing sequence numbers, ascending."""
        return list(self._holes)

    def expect(self, stop: int) -> None:
        """Note that all records below `stop` exist."""
        if stop > self.next:
            self._holes.append(range(self.next, stop))
            self.next = stop

    def want(self, missing: range) -> None:
        """Note records below `next` as missing that were not expected before."""
        overlapping = [hole for hole in self._holes if _overlap(hole, missing)]
        for hole in overlapping:
            self._holes.remove(hole)
            missing = range(min(hole.start, missing.start), max(hole.stop, missing.stop))
        if missing:
            self._holes.append(missing)
            self._holes.sort(key=lambda hole: hole.start)

    def take(self, first: int, count: int) -> list[range]:
        """Note that records arrived.

        Returns:
            Those of them that had not arrived before.
        """
        self.expect(first)
        stop = first + count
        fresh = self._remove(range(first, stop))
        if stop > self.next:
            start = max(self.next, first)
            fresh.append(range(start, stop))
            self.next = stop
        return fresh

    def give_up(self, oldest: int) -> list[range]:
        """Note that the board holds nothing below `oldest` any more.

        Returns:
            The missing records that are lost for good.
        """
        return self._remove(range(oldest))

    def _remove(self, arrived: range) -> list[range]:
        removed = []
        remaining = []
        for hole in self._holes:
            inside = _overlap(hole, arrived)
            if not inside:
                remaining.append(hole)
                continue
            removed.append(inside)
            parts = (range(hole.start, inside.start), range(inside.stop, hole.stop))
            remaining.extend(part for part in parts if part)
        self._holes = remaining
        return removed


def _overlap(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))
