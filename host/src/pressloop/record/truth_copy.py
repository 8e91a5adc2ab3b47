"""Takes over the true pressure of an emulated press while a run lasts.

The emulated board writes a row per tick, into a new file whenever one is full. Long runs may not
leave a week of it on disk, so for a thinned interval the rows are summed up, those of the kept
records go to the record's own truth file, and files that were read to their end are deleted.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pressloop_sim.plant.truth_format import MAGIC, RECORD

from pressloop.record.interval import IntervalTruth, Rows
from pressloop.record.model import TruthSums

_ROW: Final = struct.Struct(RECORD)
_DAMAGE: Final = 5  # column
_CHUNK: Final = 1 << 16
_TICK_SPAN: Final = 1 << 32
_HALF_PERCENT: Final = 0.005
_SLACK_MPA: Final = 1e-6


class TruthCopy:
    """Moves rows from the board's truth files to the record's.

    Args:
        source: First truth file of the board; the later ones have a number behind the name.
        target: The record's truth file; what it holds already is not taken again.
    """

    def __init__(self, source: Path, target: Path) -> None:
        """Touch nothing yet."""
        self._source = source
        self._target = target
        self._segment: int | None = None
        self._file: int | None = None
        self._ahead = b""
        self._newest: int | None = None  # tick of the last row taken
        self._opened = False
        self._damage = 0

    def interval(
        self, rows: Rows, target_mpa: float | None, tolerance_mpa: float | None
    ) -> IntervalTruth:
        """Take the truth of consecutive records, and all that came before them."""
        ticks = [row[0] for row in rows]
        before = b""
        try:
            before = self._take_before(ticks[0])
            data = self._take_before((ticks[-1] + 1) % _TICK_SPAN)
        except OSError:
            # Not worth a run: the result says how much of the truth is missing.
            data = b""
        truth = list(_ROW.iter_unpack(data))
        row_of = {
            row[0]: data[at : at + _ROW.size]
            for row, at in zip(truth, range(0, len(data), _ROW.size), strict=True)
        }
        values = [row[1] for row in truth]
        offsets: Sequence[int] = range(len(ticks))
        if [row[0] for row in truth] != ticks:
            true_at = dict(zip((row[0] for row in truth), values, strict=True))
            offsets = [offset for offset, tick in enumerate(ticks) if tick in true_at]
            values = [true_at[ticks[offset]] for offset in offsets]
        aim = target_mpa or 0.0
        errors = [value - aim for value in values]
        sums = TruthSums(
            count=len(values),
            error_mpa=sum(errors),
            square_mpa2=sum([error * error for error in errors]),
            in_band=_within(errors, tolerance_mpa),
            half_percent=_within(errors, _HALF_PERCENT * aim),
        )
        if not values:
            return IntervalTruth(sums, (), before, row_of)
        extremes = {values.index(min(values)), values.index(max(values))}
        kept = {offsets[at] for at in extremes} | self._broken_at(truth, ticks)
        return IntervalTruth(sums, tuple(kept), before, row_of)

    def _broken_at(self, truth: Sequence[tuple[Any, ...]], ticks: Sequence[int]) -> set[int]:
        """Offsets of the records behind which something had newly given way."""
        found: set[int] = set()
        for row in truth:
            if row[_DAMAGE] != self._damage:
                self._damage = row[_DAMAGE]
                found.update(at for at, tick in enumerate(ticks) if tick == row[0])
        return found

    def move_before(self, tick: int) -> None:
        """Move all rows with an earlier tick."""
        with suppress(OSError):
            self.append(self._take_before(tick))

    def copy_rest(self) -> None:
        """Copy all rows that the board has written and that were not taken yet."""
        while True:
            if not self._ahead and not self._read():
                return
            ahead, self._ahead = self._ahead, b""
            self.append(ahead)

    def close(self) -> None:
        """Let go of the board's file. Harmless when already closed."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _take_before(self, tick: int) -> bytes:
        """All rows with an earlier tick."""
        taken = []
        while self._ahead or self._read():
            last = _tick_at(self._ahead, len(self._ahead) - _ROW.size)
            if _later(tick, last):
                taken.append(self._ahead)
                self._ahead = b""
                continue
            low, high = 0, len(self._ahead) // _ROW.size
            while low < high:
                middle = (low + high) // 2
                if _later(tick, _tick_at(self._ahead, middle * _ROW.size)):
                    low = middle + 1
                else:
                    high = middle
            taken.append(self._ahead[: low * _ROW.size])
            self._ahead = self._ahead[low * _ROW.size :]
            break
        return b"".join(taken)

    def _read(self) -> bool:
        """Read on; False when the board has written nothing more."""
        if not self._opened:
            self._open_target()
        while True:
            if self._file is None and not self._open_next():
                return False
            assert self._file is not None
            at = os.lseek(self._file, 0, os.SEEK_CUR)
            data = os.read(self._file, _CHUNK)
            whole = len(data) - len(data) % _ROW.size
            os.lseek(self._file, at + whole, os.SEEK_SET)
            if whole:
                self._ahead = self._without_known(data[:whole])
                if self._ahead:
                    return True
            elif not self._open_next():
                return False

    def _open_next(self) -> bool:
        """Open the oldest file behind the one that was read, and delete that one."""
        known = -1 if self._segment is None else self._segment
        found = sorted(number for number in self._segments() if number > known)
        if not found:
            return False
        if self._file is not None and self._segment is not None:
            self.close()
            self._path(self._segment).unlink(missing_ok=True)
        self._segment = found[0]
        self._file = os.open(self._path(found[0]), os.O_RDONLY | getattr(os, "O_BINARY", 0))
        os.lseek(self._file, len(MAGIC), os.SEEK_SET)
        return True

    def _segments(self) -> list[int]:
        numbers = [0] if self._source.exists() else []
        for path in self._source.parent.glob(self._source.name + ".*"):
            if path.suffix[1:].isdecimal():
                numbers.append(int(path.suffix[1:]))
        return numbers

    def _path(self, segment: int) -> Path:
        return self._source if not segment else Path(f"{self._source}.{segment}")

    def _open_target(self) -> None:
        """Cut a torn row, and find out where an earlier program stopped."""
        self._opened = True
        if not self._target.exists():
            return  # append() makes it
        size = self._target.stat().st_size - len(MAGIC)
        whole = size - size % _ROW.size
        if whole <= 0:
            self._target.unlink()
        else:
            os.truncate(self._target, len(MAGIC) + whole)
            with self._target.open("rb") as file:
                file.seek(len(MAGIC) + whole - _ROW.size)
                self._newest = _tick_at(file.read(_ROW.size), 0)

    def _without_known(self, rows: bytes) -> bytes:
        if self._newest is None:
            return rows
        newest = self._newest
        first = 0
        while first < len(rows) and not _later(_tick_at(rows, first), newest):
            first += _ROW.size
        return rows[first:]

    def append(self, rows: bytes) -> None:
        """Write rows into the record's truth file."""
        if rows:
            new = not self._target.exists()
            with self._target.open("ab") as file:
                file.write(MAGIC + rows if new else rows)
            self._newest = _tick_at(rows, len(rows) - _ROW.size)


def _tick_at(rows: bytes, at: int) -> int:
    return int.from_bytes(rows[at : at + 4], "little")


def _later(one: int, other: int) -> bool:
    """Whether a tick is later than another, right across the clock's overflow."""
    return 0 < (one - other) % _TICK_SPAN < _TICK_SPAN // 2


def _within(errors: Sequence[float], tolerance_mpa: float | None) -> int:
    if tolerance_mpa is None:
        return 0
    limit = tolerance_mpa + _SLACK_MPA
    return sum([1 for error in errors if -limit <= error <= limit])
