"""Reads the curve of a run that is still going on from its journal."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from pressloop.record.entries import intervals_of, start_of, telemetry_batches
from pressloop.record.journal import JOURNAL_NAME
from pressloop.record.pending import read_record
from pressloop.wire.schema import RECORD_FORMAT

_RECORD: Final = struct.Struct(RECORD_FORMAT)


def recorded_points(record: Path) -> tuple[int, list[tuple[int, float, float]]]:
    """Return the start of a run and its points: tick, pressure and setpoint in MPa, by tick.

    Of a thinned stretch the records that the journal keeps are there, its extremes among them.
    """
    contents = read_record(record / JOURNAL_NAME)
    start = start_of(contents)
    chunks = [batch.records for batch in telemetry_batches(contents)]
    chunks += [interval.records for interval in intervals_of(contents)]
    points = sorted(
        (values[0], values[1] / 1000, values[2] / 1000)
        for chunk in chunks
        for values in _RECORD.iter_unpack(chunk)
    )
    first = points[0][0] if points else 0
    return (first if start is None else start.start_tick), points
