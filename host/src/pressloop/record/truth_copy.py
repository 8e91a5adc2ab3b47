"""Copies the true state of an emulated press into the record while a run lasts.

A run of a week must not leave a week of true states on disk. So for a thinned interval the rows are
summed up, and only those of the kept records go to the record's own truth file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pressloop_sim.plant.truth_format import MAGIC

from pressloop.machine.band import BAND_SLACK_MPA, FIXED_BAND
from pressloop.record.columns import TICK_SPAN
from pressloop.record.interval import TICK, IntervalTruth, Rows
from pressloop.record.model import TruthSums
from pressloop.record.truth_files import ROW, BoardTruthFiles, last_tick

_TRUE_TICK: Final = 0
_TRUE_PRESSURE: Final = 1
_DAMAGE: Final = -1
"""Columns of an unpacked row."""


class TruthCopy:
    """Moves rows from the board's truth files to the record's.

    Args:
        source: First truth file of the board; later ones have a number behind the name.
        target: The record's truth file; rows that it holds already are not taken again.
    """

    def __init__(self, source: Path, target: Path) -> None:
        """Open nothing yet."""
        self._board = BoardTruthFiles(source)
        self._target = target
        self._target_checked = False
        self._damage = 0

    def interval(
        self, rows: Rows, target_mpa: float | None, tolerance_mpa: float | None
    ) -> IntervalTruth:
        """Copy the true state at consecutive records, and at all earlier ticks not copied yet.

        Args:
            rows: The records, unpacked.
            target_mpa: Target of the hold that the records belong to; None outside a hold.
            tolerance_mpa: Tolerance of that hold; None outside a hold.
        """
        ticks = [row[TICK] for row in rows]
        before = b""
        try:
            before = self._take_before(ticks[0])
            data = self._take_before((ticks[-1] + 1) % TICK_SPAN)
        except OSError:
            # The run goes on: its summary states how many true pressures are missing.
            data = b""
        truth = list(ROW.iter_unpack(data))
        row_of = {
            row[_TRUE_TICK]: data[at : at + ROW.size]
            for row, at in zip(truth, range(0, len(data), ROW.size), strict=True)
        }
        values = [row[_TRUE_PRESSURE] for row in truth]
        offsets: Sequence[int] = range(len(ticks))
        if [row[_TRUE_TICK] for row in truth] != ticks:
            true_at = dict(zip((row[_TRUE_TICK] for row in truth), values, strict=True))
            offsets = [offset for offset, tick in enumerate(ticks) if tick in true_at]
            values = [true_at[ticks[offset]] for offset in offsets]
        sums = _sums(values, target_mpa or 0.0, tolerance_mpa)
        if not values:
            return IntervalTruth(sums, (), before, row_of)
        extremes = {values.index(min(values)), values.index(max(values))}
        kept = {offsets[at] for at in extremes} | self._newly_broken_at(truth, ticks)
        return IntervalTruth(sums, tuple(kept), before, row_of)

    def move_before(self, tick: int) -> None:
        """Move all rows with an earlier tick."""
        with suppress(OSError):
            self.append(self._take_before(tick))

    def copy_rest(self) -> None:
        """Copy all rows that the board has written and that were not taken yet."""
        self._check_target()
        while rows := self._board.take_some():
            self.append(rows)

    def append(self, rows: bytes) -> None:
        """Write rows into the record's truth file."""
        if rows:
            new = not self._target.exists()
            with self._target.open("ab") as file:
                file.write(MAGIC + rows if new else rows)
            self._board.known_until = last_tick(rows)

    def close(self) -> None:
        """Close the board's file. Harmless when already closed."""
        self._board.close()

    def _take_before(self, tick: int) -> bytes:
        self._check_target()
        return self._board.take_before(tick)

    def _check_target(self) -> None:
        """Cut a torn row off the record's file, and find out where an earlier host stopped."""
        if self._target_checked:
            return
        self._target_checked = True
        if not self._target.exists():
            return  # append() makes it
        size = self._target.stat().st_size - len(MAGIC)
        whole = size - size % ROW.size
        if whole <= 0:
            self._target.unlink()
        else:
            os.truncate(self._target, len(MAGIC) + whole)
            with self._target.open("rb") as file:
                file.seek(len(MAGIC) + whole - ROW.size)
                self._board.known_until = last_tick(file.read(ROW.size))

    def _newly_broken_at(self, truth: Sequence[tuple[Any, ...]], ticks: Sequence[int]) -> set[int]:
        """Return the offsets of the records at whose ticks something broke."""
        found: set[int] = set()
        for row in truth:
            if row[_DAMAGE] != self._damage:
                self._damage = row[_DAMAGE]
                found.update(at for at, tick in enumerate(ticks) if tick == row[_TRUE_TICK])
        return found


def _sums(values: Sequence[float], target_mpa: float, tolerance_mpa: float | None) -> TruthSums:
    errors = [value - target_mpa for value in values]
    return TruthSums(
        count=len(values),
        error_mpa=sum(errors),
        square_mpa2=sum([error * error for error in errors]),
        in_band=_count_within(errors, tolerance_mpa),
        half_percent=_count_within(errors, FIXED_BAND * target_mpa),
    )


def _count_within(errors: Sequence[float], tolerance_mpa: float | None) -> int:
    """Count the errors within a tolerance, its edge included; 0 without a tolerance."""
    if tolerance_mpa is None:
        return 0
    limit = tolerance_mpa + BAND_SLACK_MPA
    return sum([1 for error in errors if -limit <= error <= limit])
