"""Joins the pressure of a run onto a cycler's table in the Battery Data Format (BDF).

A table in this format needs time, voltage and current of one cell: `Test Time / s`, `Voltage / V`,
`Current / A`. A press measures none of the last two, so a table of the press alone is refused and
never padded. The cycler's own columns are kept as they are written.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pressloop.arguments import path_argument, real_number
from pressloop.errors import BadInputError
from pressloop.evaluation import RunRecord

PRESSURE: Final = "Applied Pressure / Pa"
SIMULATED: Final = "Applied Pressure Simulated / 1"

_REQUIRED: Final = {
    "Test Time / s": "test_time_second",
    "Voltage / V": "voltage_volt",
    "Current / A": "current_ampere",
}
"""Labels that the format requires, each with its machine-readable name."""

_UNIX: Final = ("Unix Time / s", "unix_time_second")
_PRESSURE_NAMES: Final = (PRESSURE, "applied_pressure_pa")
_SEPARATORS: Final = (",", ";", "\t")

_MAX_STEP_S: Final = 60.5
"""Longest time between two records that belong together: of a thinned record, an interval."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class JoinedTable:
    """The outcome of a join.

    Attributes:
        path: Of the new table.
        rows: Rows of the cycler's table.
        with_pressure: Rows that lie within the run, and so have a pressure.
    """

    path: Path
    rows: int
    with_pressure: int


@dataclass(frozen=True)
class _CyclerTable:
    separator: str
    headings: list[str]
    rows: list[list[str]]

    def column(self, *names: str) -> int | None:
        """Return the place of the column with one of these names."""
        return next((self.headings.index(name) for name in names if name in self.headings), None)

    def numbers(self, column: int, name: str) -> Floats:
        """Return a column as numbers.

        Raises:
            BadInputError: `bad-number`.
        """
        found = np.empty(len(self.rows))
        for index, row in enumerate(self.rows):
            text = row[column].strip()
            try:
                found[index] = float(text if self.separator == "," else text.replace(",", "."))
            except ValueError:
                raise BadInputError(
                    f"row {index + 2}: {text!r} in the column {name!r} is not a number",
                    hint="correct the table of the cycler",
                    code="bad-number",
                ) from None
        return found


def join_cycler(
    record: RunRecord,
    cycler: str | Path,
    path: str | Path,
    *,
    start_s: float | None = None,
    allow_simulated: bool = False,
) -> JoinedTable:
    """Write a cycler's table again, with the pressure on the cell as `Applied Pressure / Pa`.

    The pressure is interpolated between the records of the run. Rows before and after the run, and
    in a gap of its record, have none.

    Args:
        record: Of the run under which the cell was cycled.
        cycler: Its table in the Battery Data Format (CSV).
        path: Of the new table.
        start_s: Test time of the cycler at which the run began, s; None: by `Unix Time / s`.
        allow_simulated: Also join the pressure of a simulated press; a column of its own says so.

    Raises:
        BadInputError: `not-bdf`, `no-common-time`, `no-overlap`, `has-pressure`, `bad-number`,
            `simulated-pressure`, or the table cannot be read.
    """
    source, target = path_argument(cycler, "cycler"), path_argument(path, "path")
    table = _read(source)
    _require_form(table, source)
    simulated = record.summary.simulated
    if simulated and not allow_simulated:
        raise BadInputError(
            f"the run in {record.directory} was simulated: no press pressed this cell",
            hint="to try it out all the same: --allow-simulated",
            code="simulated-pressure",
        )
    pressure_pa = _pressure_at(record, _press_times(record, table, start_s))
    inside = np.isfinite(pressure_pa)
    if not inside.any():
        raise BadInputError(
            f"no row of {source} lies within the time of the run",
            hint="compare the clocks of both computers, or give the test time of the cycler at "
            "which the run began with --start",
            code="no-overlap",
        )
    added = [PRESSURE, SIMULATED] if simulated else [PRESSURE]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=table.separator)
        writer.writerow([*table.headings, *added])
        comma = table.separator != "," and any("," in cell for cell in table.rows[0])
        for row, value, known in zip(table.rows, pressure_pa, inside, strict=True):
            text = repr(round(float(value), 3)) if known else ""
            cells = [text.replace(".", ",") if comma else text]
            cells += ["1" if known else ""] if simulated else []
            writer.writerow([*row, *cells])
    return JoinedTable(target, len(table.rows), int(np.count_nonzero(inside)))


def _read(path: Path) -> _CyclerTable:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise BadInputError(
            f"cannot read {path}: {why}", hint="give the cycler's table as CSV", code="no-file"
        ) from error
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    headings = [heading.strip() for heading in lines[0]] if lines else []
    rows = [row for row in lines[1:] if any(cell.strip() for cell in row)]
    for number, row in enumerate(rows, 2):
        if len(row) != len(headings):
            raise BadInputError(
                f"{path}: row {number} has {len(row)} cells, the headings are {len(headings)}",
                hint="every row of the format has the columns of the headings",
                code="not-bdf",
            )
    return _CyclerTable(separator, headings, rows)


def _require_form(table: _CyclerTable, path: Path) -> None:
    lacking = [label for label, name in _REQUIRED.items() if table.column(label, name) is None]
    if lacking:
        press_only = "Voltage / V" in lacking and "Current / A" in lacking
        raise BadInputError(
            f"{path} is no table in the Battery Data Format: it lacks "
            f"{', '.join(repr(label) for label in lacking)}"
            + ("; a table of the press alone is not valid in this format" if press_only else ""),
            hint="give the table of the cycler, with the headings of the format",
            code="not-bdf",
        )
    if not table.rows:
        raise BadInputError(f"{path} has no rows", hint="give a table with data", code="not-bdf")
    if table.column(*_PRESSURE_NAMES) is not None:
        raise BadInputError(
            f"{path} already has a column {PRESSURE!r}",
            hint="remove it, or join the run to the cycler's original table",
            code="has-pressure",
        )


def _press_times(record: RunRecord, table: _CyclerTable, start_s: float | None) -> Floats:
    """Return the time since the start of the run of each row, s."""
    if start_s is not None:
        column = table.column("Test Time / s", "test_time_second")
        return table.numbers(column or 0, "Test Time / s") - real_number(start_s, "start_s")
    column = table.column(*_UNIX)
    if column is None:
        raise BadInputError(
            "the cycler's table has no column 'Unix Time / s', so its clock is not known",
            hint="give the test time of the cycler at which the run began, in s, with --start",
            code="no-common-time",
        )
    return table.numbers(column, "Unix Time / s") - record.summary.started_unix_time_second


def _pressure_at(record: RunRecord, times_s: Floats) -> Floats:
    """Return the pressure at times since the start of the run, Pa; NaN where none is recorded."""
    columns: Any = record.table(("seq", "time_s", "pressure_mpa"))
    seq = np.asarray(columns["seq"].to_numpy(), np.int64)
    at_s = np.asarray(columns["time_s"].to_numpy(), np.float64)
    pressure = 1e6 * np.asarray(columns["pressure_mpa"].to_numpy(), np.float64)
    if not at_s.size:
        return np.full(times_s.size, np.nan)
    found = np.interp(times_s, at_s, pressure)
    after = np.clip(np.searchsorted(at_s, times_s, side="left"), 1, max(1, at_s.size - 1))
    apart = np.diff(at_s)[np.minimum(after - 1, max(0, at_s.size - 2))] if at_s.size > 1 else 0
    outside = (times_s < at_s[0]) | (times_s > at_s[-1]) | (apart > _MAX_STEP_S)
    for gap in record.summary.gaps:
        behind = int(np.searchsorted(seq, gap.first_seq))
        low = at_s[behind - 1] if behind else -np.inf
        high = at_s[behind] if behind < seq.size else np.inf
        outside |= (times_s > low) & (times_s < high)
    return np.where(outside, np.nan, found)
