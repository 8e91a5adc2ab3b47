"""Gives the telemetry of a record row by row, with headings that name the units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pressloop.evaluation import RunRecord
from pressloop.reports.run_values import Scalar
from pressloop.units.keys import heading

_ROWS_AT_ONCE = 65_536


def telemetry_headings(table: Any) -> list[str]:
    """Return the headings of a telemetry table; the last says whether the press was simulated."""
    return [*map(heading, table.column_names), "simulated"]


def telemetry_rows(record: RunRecord, table: Any) -> Iterator[tuple[Scalar, ...]]:
    """Yield the rows of a telemetry table, exactly as recorded; null is None."""
    simulated = record.summary.simulated
    for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
        columns = [column.to_pylist() for column in batch.columns]
        yield from zip(*columns, [simulated] * batch.num_rows, strict=True)
