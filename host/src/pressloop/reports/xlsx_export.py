"""Writes a run as an Excel workbook: sheets for the run, its stages and its telemetry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from pressloop.arguments import path_argument
from pressloop.errors import BadInputError
from pressloop.evaluation import RunRecord
from pressloop.reports.run_values import Scalar, run_values, stage_headings, stage_rows
from pressloop.reports.telemetry_rows import telemetry_headings, telemetry_rows
from pressloop.reports.workbook import MAX_ROWS, Sheet, write_workbook

_WIDTH: Final = 16


def export_xlsx(record: RunRecord, path: str | Path) -> Path:
    """Write a run as an Excel workbook.

    The sheet `run` has every value of `run.json` with its place and unit, `stages` a row per stage,
    `telemetry` a row per record that is kept; a thinned record has a sheet `intervals`, too.
    Numbers have all their digits.

    Args:
        record: Of the run.
        path: Of the workbook.

    Returns:
        The path.

    Raises:
        BadInputError: `too-many-rows`, if the telemetry does not fit into a sheet.
    """
    table = record.table()
    if table.num_rows >= MAX_ROWS:
        raise BadInputError(
            f"the telemetry has {table.num_rows} rows, a sheet takes {MAX_ROWS - 1}",
            hint="export it as CSV",
            code="too-many-rows",
        )
    thinned = record.intervals()
    values = ((v.place, v.value, v.unit) for v in run_values(record.summary))
    sheets = [
        Sheet("run", ["value", "content", "unit"], values, (52, 44, 10)),
        _sheet("stages", stage_headings(), stage_rows(record.summary)),
        _sheet("telemetry", telemetry_headings(table), telemetry_rows(record, table)),
    ]
    if thinned is not None:
        rows = telemetry_rows(record, thinned)
        sheets.append(_sheet("intervals", telemetry_headings(thinned), rows))
    target = path_argument(path, "path")
    write_workbook(target, sheets)
    return target


def _sheet(name: str, headings: list[str], rows: Iterable[Sequence[Scalar]]) -> Sheet:
    return Sheet(name, headings, rows, [_WIDTH] * len(headings))
