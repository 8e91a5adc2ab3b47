"""Writes telemetry and stages of a run as CSV, with the separator and decimal sign of choice."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pressloop.arguments import path_argument
from pressloop.errors import BadInputError
from pressloop.evaluation import RunRecord
from pressloop.reports.run_values import Scalar, stage_headings, stage_rows
from pressloop.reports.telemetry_rows import telemetry_headings, telemetry_rows


@dataclass(frozen=True)
class CsvForm:
    """How numbers and columns are written.

    Attributes:
        separator: One character between columns. None: a comma, or a semicolon where the comma
            is the decimal sign.
        decimal: The decimal sign, a point or a comma.

    Raises:
        BadInputError: `bad-csv-form`, if a table could not be read back.
    """

    separator: str | None = None
    decimal: str = "."

    def __post_init__(self) -> None:
        if self.decimal not in (".", ","):
            raise _bad_form(f"{self.decimal!r} is no decimal sign", "choose a point or a comma")
        if self.separator is None:
            object.__setattr__(self, "separator", ";" if self.decimal == "," else ",")
        sign = self.separator or ""
        if len(sign) != 1 or sign.isalnum() or sign in "\"'.-+\r\n" or not sign.isascii():
            raise _bad_form(
                f"{self.separator!r} cannot separate columns",
                "choose one character, such as a comma, a semicolon or a tab",
            )
        if sign == self.decimal:
            raise _bad_form(
                "a comma cannot be both separator and decimal sign",
                "choose another separator, such as a semicolon",
            )

    def text(self, value: Scalar) -> str:
        """Return a value with all its digits; None is empty."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float):
            return repr(value).replace(".", self.decimal)
        return str(value)


def export_csv(
    record: RunRecord,
    path: str | Path,
    *,
    separator: str | None = None,
    decimal: str = ".",
    progress: Callable[[int], None] | None = None,
) -> tuple[Path, ...]:
    """Write the telemetry of a run to a file, and its stages to another beside it.

    Headings name the units, such as `pressure / MPa`. Numbers have all their digits. Of a thinned
    record the rows that are kept are written, and its intervals to a third file.

    Args:
        record: Of the run.
        path: Of the telemetry; stages and intervals go to the same name with `-stages` and
            `-intervals`.
        separator: Between columns; None: a comma, or a semicolon with decimal commas.
        decimal: A point or a comma.
        progress: Called now and then with the number of rows written.

    Returns:
        The paths of telemetry, stages, and intervals if there are any.

    Raises:
        BadInputError: `bad-csv-form`.
    """
    form = CsvForm(separator, decimal)
    telemetry = path_argument(path, "path")
    stages, intervals = (
        telemetry.with_name(f"{telemetry.stem}-{part}{telemetry.suffix}")
        for part in ("stages", "intervals")
    )
    table, thinned = record.table(), record.intervals()
    rows = telemetry_rows(record, table)
    _write(telemetry, telemetry_headings(table), rows, form, progress)
    _write(stages, stage_headings(), stage_rows(record.summary), form)
    if thinned is None:
        return telemetry, stages
    _write(intervals, telemetry_headings(thinned), telemetry_rows(record, thinned), form)
    return telemetry, stages, intervals


def _write(
    path: Path,
    headings: Sequence[str],
    rows: Iterable[Sequence[Scalar]],
    form: CsvForm,
    progress: Callable[[int], None] | None = None,
) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=form.separator or ",")
        writer.writerow(headings)
        for number, row in enumerate(rows, 1):
            writer.writerow([form.text(value) for value in row])
            if progress is not None and number % 10_000 == 0:
                progress(number)


def _bad_form(message: str, hint: str) -> BadInputError:
    return BadInputError(message, hint=hint, code="bad-csv-form")
