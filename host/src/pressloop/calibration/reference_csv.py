"""Reads the reference from a CSV file: a table of levels, or the log of an instrument.

A table has the columns `series`, `direction` (rising or falling), `level` (1 is the lowest) and
`value`. A log has the columns `time` (seconds since 1970, or 2026-11-28T15:20:00) and `value`; its
mean in the time of a reading counts. Columns are separated by commas, semicolons or tabs; with
semicolons or tabs a decimal comma is read as well. Values may carry their unit.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from pressloop.calibration.readings import LevelReading
from pressloop.calibration.references import AfterReference, reference_kn, refuse_far
from pressloop.errors import BadInputError
from pressloop.extras import DataFrame

TABLE: Final = ("series", "direction", "level", "value")
LOG: Final = ("time", "value")
_SEPARATORS: Final = ("\t", ";", ",")


class CsvReference(AfterReference):
    """A file that another program or a person writes."""

    kind = "csv"

    def __init__(self, path: Path, unit: str, die_um: int) -> None:
        """Keep the path; the file is read after each series, and may be written until then."""
        self._path = path
        self._unit = unit
        self._die_um = die_um

    def read_after(self, readings: Sequence[LevelReading], frame: DataFrame) -> list[float | None]:
        """Return the force of each level, kN; None where the file has none, or does not exist.

        Raises:
            BadInputError: `bad-reference`: the file is no such table.
        """
        if not self._path.exists():
            return [None] * len(readings)
        columns, rows = self._rows()
        found = (
            self._of_table(columns, rows, readings)
            if set(TABLE) <= set(columns)
            else self._of_log(columns, rows, readings)
        )
        for reading, value_kn in zip(readings, found, strict=True):
            if value_kn is not None:
                refuse_far(value_kn, reading.target_kn, f"{self._path}: {reading.name}")
        return found

    def _of_table(
        self, columns: list[str], rows: list[list[str]], readings: Sequence[LevelReading]
    ) -> list[float | None]:
        at = [columns.index(name) for name in TABLE]
        values = {}
        for number, row in enumerate(rows, 2):
            series, direction, level, value = (row[place].strip() for place in at)
            if not value:
                continue
            if direction not in ("rising", "falling") or not (series + level).isdigit():
                raise self._bad(number, f"'{series}, {direction}, {level}' is no level")
            key = (int(series), direction == "rising", int(level))
            values[key] = self._value(number, value)
        return [values.get((r.series, r.rising, r.level)) for r in readings]

    def _of_log(
        self, columns: list[str], rows: list[list[str]], readings: Sequence[LevelReading]
    ) -> list[float | None]:
        at_time, at_value = (columns.index(name) for name in LOG)
        times = np.array([self._time(n, row[at_time]) for n, row in enumerate(rows, 2)])
        values = np.array([self._value(n, row[at_value]) for n, row in enumerate(rows, 2)])
        found: list[float | None] = []
        for reading in readings:
            inside = (times >= reading.from_s) & (times <= reading.to_s)
            found.append(float(values[inside].mean()) if inside.any() else None)
        return found

    def _rows(self) -> tuple[list[str], list[list[str]]]:
        """Return the names of the columns and the rows.

        Raises:
            BadInputError: `bad-reference`.
        """
        try:
            text = self._path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(
                f"{self._path} cannot be read: {error}",
                hint="give a CSV file in UTF-8",
                code="bad-reference",
            ) from error
        head = text.partition("\n")[0]
        self._separator = next((each for each in _SEPARATORS if each in head), ",")
        lines = [row for row in csv.reader(text.splitlines(), delimiter=self._separator) if row]
        columns = [name.strip().lower() for name in lines[0]] if lines else []
        if not (set(TABLE) <= set(columns) or set(LOG) <= set(columns)):
            raise BadInputError(
                f"{self._path}: its first line is {head.strip()!r}",
                hint=f"name the columns {', '.join(TABLE)}; or {', '.join(LOG)} for a log",
                code="bad-reference",
            )
        for number, row in enumerate(lines[1:], 2):
            if len(row) < len(columns):
                raise self._bad(number, f"{len(row)} values for {len(columns)} columns")
        return columns, lines[1:]

    def _value(self, number: int, text: str) -> float:
        if self._separator != ",":
            text = text.replace(",", ".")
        try:
            return reference_kn(text, self._unit, self._die_um)
        except BadInputError as error:
            raise self._bad(number, error.message) from error

    def _time(self, number: int, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            pass
        try:
            return datetime.fromisoformat(text.strip()).timestamp()
        except ValueError:
            raise self._bad(number, f"{text!r} is no time") from None

    def _bad(self, number: int, what: str) -> BadInputError:
        return BadInputError(
            f"{self._path}, line {number}: {what}",
            hint="docs/calibration.md shows both kinds of file",
            code="bad-reference",
        )


def template(readings: Sequence[LevelReading]) -> str:
    """Return a table with all levels and without values, to be filled in."""
    lines = [",".join(TABLE)]
    for reading in readings:
        way = "rising" if reading.rising else "falling"
        lines.append(f"{reading.series},{way},{reading.level},")
    return "\n".join(lines) + "\n"
