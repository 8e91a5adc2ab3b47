"""Models telemetry: records of the board, and batches of them."""

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
    """Holds one sample of the press, as the board recorded it."""

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
    """Index of the plan step; `NO_STEP` without one."""
    state_code: int
    """State of the press, as a `State` number."""
    flag_bits: int
    """`FlagBits`, combined."""
    input_bits: int
    """`InputBits`, combined."""
    displacement_um: int
    """Closing of the platens, um; `NO_DISPLACEMENT` without a reading."""

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
        """State of the press."""
        return State(self.state_code)

    @property
    def flags(self) -> FlagBits:
        """Flags such as in band, dwelling, saturated."""
        return FlagBits(self.flag_bits)

    @property
    def inputs(self) -> InputBits:
        """States of emergency stop, guard and button."""
        return InputBits(self.input_bits)


def widened(records: bytes) -> bytes:
    """Convert records of a press without displacement sensor to the layout of one with it."""
    size = SHORT_RECORD_SIZE
    return b"".join(records[at : at + size] + _NO_READING for at in range(0, len(records), size))


@dataclass(frozen=True)
class TelemetryBatch:
    """Holds consecutive records as they came over the wire; unpacked on first use.

    Attributes:
        first: Sequence number of the first record.
        data: The packed records.
        source: `live` if the board sent it unasked, `backfill` if it was fetched from its ring.
        tick: Device clock when the board sent it; for a backfill, that of the newest event before.
    """

    first: int
    data: bytes
    source: Source
    tick: int

    def __len__(self) -> int:
        """Return the number of records, 0 if none was due."""
        return len(self.data) // RECORD_SIZE

    def __iter__(self) -> Iterator[TelemetryRecord]:
        """Iterate over the records, oldest first."""
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
