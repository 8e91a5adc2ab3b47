"""Shows the curve of a long run in few points, and loses no peak: smallest and largest values.

Level 0 is the telemetry as it is recorded; each level above it has one row for four of the level
below. A window is shown by the finest level that has not too many rows in it. A week of thinned
telemetry has half a million rows, one with every record sixty million: level 0 is kept in memory
only up to `MAX_HELD_ROWS`, and is read from the file again where a window needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from pressloop.evaluation import RunRecord
from pressloop.record.columns import TELEMETRY_NAME

Floats = npt.NDArray[np.float64]

FACTOR: Final = 4
MAX_HELD_ROWS: Final = 1_000_000
_BATCH_ROWS: Final = 1 << 16
_COLUMNS: Final = ["time_s", "pressure_mpa", "setpoint_mpa"]


@dataclass(frozen=True)
class Level:
    """Rows of one level: time of the first record of each, extremes, and the last setpoint."""

    time_s: Floats
    low_mpa: Floats
    high_mpa: Floats
    setpoint_mpa: Floats

    def above(self) -> Level:
        """Return the level above: one row for four."""
        at = np.arange(0, self.time_s.size, FACTOR)
        last = np.minimum(at + FACTOR, self.time_s.size) - 1
        return Level(
            self.time_s[at],
            np.minimum.reduceat(self.low_mpa, at),
            np.maximum.reduceat(self.high_mpa, at),
            self.setpoint_mpa[last],
        )

    def rows(self, rows: slice) -> Level:
        """Return some of the rows."""
        return Level(
            self.time_s[rows], self.low_mpa[rows], self.high_mpa[rows], self.setpoint_mpa[rows]
        )

    def within(self, start_s: float, stop_s: float) -> slice:
        """Return the rows of a window, with one more on each side, so that lines go on there."""
        first = int(np.searchsorted(self.time_s, start_s, "right")) - 2
        last = int(np.searchsorted(self.time_s, stop_s, "right")) + 1
        return slice(max(0, first), min(self.time_s.size, last))


class CurveLevels:
    """The levels of one record. Building them reads three columns once."""

    def __init__(self, levels: list[Level], first: int, path: Path | None) -> None:
        """Use `of_file` or `of_record`.

        Args:
            levels: The levels that are held, the finest first.
            first: Number of the finest that is held; above 0 for a very long record.
            path: The file, from which finer rows are read; None if all are held.
        """
        self._levels = levels
        self._first = first
        self._path = path

    @classmethod
    def of_record(cls, record: RunRecord) -> CurveLevels:
        """Build the levels of a record, completed or not."""
        path = record.directory / TELEMETRY_NAME
        if path.exists():
            return cls.of_file(path)
        table = record.table(_COLUMNS)
        columns = [np.asarray(table[name].to_numpy(), np.float64) for name in _COLUMNS]
        return cls(_all_above(_level_0(*columns)), 0, None)

    @classmethod
    def of_file(cls, path: Path) -> CurveLevels:
        """Build the levels of a telemetry file, in bounded memory."""
        rows = pq.ParquetFile(path).metadata.num_rows
        first = 0
        while rows // FACTOR**first > MAX_HELD_ROWS:
            first += 1
        chunks = []
        for piece in _pieces(path):
            level = piece
            for _ in range(first):
                level = level.above()
            chunks.append(level)
        finest = _joined(chunks)
        return cls(_all_above(finest), first, path if first else None)

    @property
    def end_s(self) -> float:
        """Time of the last row of the finest level that is held, s."""
        finest = self._levels[0]
        return float(finest.time_s[-1]) if finest.time_s.size else 0.0

    def curve(self, start_s: float, stop_s: float, points: int) -> dict[str, Any]:
        """Return a window in at most about `points` rows, from the finest level that fits.

        Returns:
            Times in s; smallest, largest and set pressure in MPa; number of the level.
        """
        chosen, number = self._levels[-1], self._first + len(self._levels) - 1
        for above, level in enumerate(self._levels):
            rows = level.within(start_s, stop_s)
            if rows.stop - rows.start <= points:
                chosen, number = level, self._first + above
                break
        if number == self._first and self._path is not None:
            chosen, number = self._finer(start_s, stop_s, points, chosen)
        rows = chosen.within(start_s, stop_s)
        return {
            "level": number,
            "t": np.round(chosen.time_s[rows], 3).tolist(),
            "lo": np.round(chosen.low_mpa[rows], 3).tolist(),
            "hi": np.round(chosen.high_mpa[rows], 3).tolist(),
            "s": np.round(chosen.setpoint_mpa[rows], 3).tolist(),
        }

    def _finer(self, start_s: float, stop_s: float, points: int, held: Level) -> tuple[Level, int]:
        """Read a window from the file, if the finest held level has far fewer rows than wanted."""
        rows = held.within(start_s, stop_s)
        if self._path is None or rows.stop - rows.start > points // 2:
            return held, self._first
        read = _joined(list(_pieces(self._path, start_s, stop_s)))
        level = read.rows(read.within(start_s, stop_s))
        number = 0
        while level.time_s.size > points and number < self._first:
            level, number = level.above(), number + 1
        return level, number


def _pieces(path: Path, start_s: float = -np.inf, stop_s: float = np.inf) -> Iterator[Level]:
    """Yield the rows of a file piece by piece; only the row groups that reach into a window."""
    file = pq.ParquetFile(path)
    place = file.schema_arrow.names.index("time_s")
    groups = []
    for number in range(file.num_row_groups):
        bounds = file.metadata.row_group(number).column(place).statistics
        if bounds is None or (bounds.max >= start_s and bounds.min <= stop_s):
            groups.append(number)
    for batch in file.iter_batches(_BATCH_ROWS, row_groups=groups, columns=_COLUMNS):
        columns = [np.asarray(batch.column(name), np.float64) for name in _COLUMNS]
        yield _level_0(*columns)


def _level_0(time_s: Floats, pressure_mpa: Floats, setpoint_mpa: Floats) -> Level:
    return Level(time_s, pressure_mpa, pressure_mpa, setpoint_mpa)


def _joined(pieces: list[Level]) -> Level:
    if not pieces:
        nothing = np.zeros(0)
        return Level(nothing, nothing, nothing, nothing)
    return Level(
        np.concatenate([piece.time_s for piece in pieces]),
        np.concatenate([piece.low_mpa for piece in pieces]),
        np.concatenate([piece.high_mpa for piece in pieces]),
        np.concatenate([piece.setpoint_mpa for piece in pieces]),
    )


def _all_above(finest: Level) -> list[Level]:
    levels = [finest]
    while levels[-1].time_s.size > FACTOR:
        levels.append(levels[-1].above())
    return levels
