"""Keeps the curve of the run in progress in bounded memory, for pages that open or reload.

Two pieces: the whole run as smallest and largest pressure of equal stretches of time, whose length
doubles whenever there are too many of them; and the last two minutes with every record.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from pressloop.session.telemetry import TelemetryRecord
from pressloop.wire.schema import TICK_HZ

MAX_STRETCHES: Final = 2048
RECENT_S: Final = 120
FINE_S: Final = 20
"""Newest seconds of which a page that opens gets every record."""

FINEST_TICKS: Final = 10
"""Length of the shortest stretch: 0.1 s."""


class Stretches:
    """Smallest and largest pressure of equal stretches of time, in bounded memory.

    Ticks must not run backwards by more than a stretch; an older record is ignored.
    """

    def __init__(self, most: int = MAX_STRETCHES) -> None:
        """Start empty, with the finest stretches."""
        self._most = most
        self.ticks = FINEST_TICKS
        self._rows: list[list[float]] = []

    def add(self, tick: int, pressure_mpa: float, setpoint_mpa: float) -> None:
        """Add a record."""
        number = tick // self.ticks
        rows = self._rows
        if rows and number < rows[-1][0]:
            return
        if not rows or number > rows[-1][0]:
            rows.append([number, pressure_mpa, pressure_mpa, setpoint_mpa])
            if len(rows) > self._most:
                self._merge()
            return
        row = rows[-1]
        row[1] = min(row[1], pressure_mpa)
        row[2] = max(row[2], pressure_mpa)
        row[3] = setpoint_mpa

    def rows(self) -> list[tuple[float, float, float, float]]:
        """Return for each stretch its first tick, smallest and largest pressure, and setpoint."""
        return [(row[0] * self.ticks, row[1], row[2], row[3]) for row in self._rows]

    def _merge(self) -> None:
        """Double the length of the stretches."""
        self.ticks *= 2
        merged: list[list[float]] = []
        for number, low, high, setpoint in self._rows:
            half = number // 2
            if merged and merged[-1][0] == half:
                last = merged[-1]
                last[1], last[2], last[3] = min(last[1], low), max(last[2], high), setpoint
            else:
                merged.append([half, low, high, setpoint])
        self._rows = merged


class LiveCurve:
    """Takes telemetry of one board; all methods may be called from any thread."""

    def __init__(self) -> None:
        """Start without a record and without a run."""
        self._lock = threading.Lock()
        self._recent: deque[tuple[int, float, float]] = deque(maxlen=RECENT_S * TICK_HZ)
        self._run = Stretches()
        self._start_tick: int | None = None
        self._end_tick: int | None = None
        self._epoch = 0

    @property
    def epoch(self) -> int:
        """Number that changes when earlier points are no longer valid."""
        return self._epoch

    def restart(self) -> None:
        """Forget everything: another board, or a board whose clock begins anew."""
        with self._lock:
            self._recent.clear()
            self._run = Stretches()
            self._start_tick = self._end_tick = None
            self._epoch += 1

    def begin_run(self, start_tick: int) -> None:
        """Begin the curve of a run; what was recorded since its start is taken over."""
        with self._lock:
            self._run = Stretches()
            self._start_tick, self._end_tick = start_tick, None
            self._epoch += 1
            for record in self._recent:
                if record[0] >= start_tick:
                    self._run.add(*record)

    def refill(self, start_tick: int, records: Iterable[tuple[int, float, float]]) -> None:
        """Fill the curve of a run from its record: tick, pressure and setpoint in MPa."""
        stretches = Stretches()
        for record in records:
            stretches.add(*record)
        with self._lock:
            for record in self._recent:
                stretches.add(*record)
            self._run, self._start_tick, self._end_tick = stretches, start_tick, None
            self._epoch += 1

    def end_run(self, tick: int) -> None:
        """Let the curve of the run stand as it is."""
        with self._lock:
            self._end_tick = tick

    def add(self, records: Iterable[TelemetryRecord]) -> list[tuple[int, float, float]]:
        """Add records as they come; return those that are newer than all before."""
        fresh = []
        with self._lock:
            newest = self._recent[-1][0] if self._recent else -1
            running = self._start_tick is not None and self._end_tick is None
            for record in records:
                if record.tick <= newest:
                    continue
                newest = record.tick
                point = (record.tick, record.pressure_kpa / 1000, record.setpoint_kpa / 1000)
                fresh.append(point)
                self._recent.append(point)
                if running and record.tick >= (self._start_tick or 0):
                    self._run.add(*point)
        return fresh

    def snapshot(self) -> dict[str, Any]:
        """Return both pieces for a page; times in s of the board's clock."""
        with self._lock:
            rows = self._run.rows()
            recent = list(self._recent)
            start, end = self._start_tick, self._end_tick
            epoch, length = self._epoch, self._run.ticks
        newest = recent[-1][0] if recent else 0
        older = Stretches()
        for point in recent:
            if point[0] < newest - FINE_S * TICK_HZ:
                older.add(*point)
        fine = [point for point in recent if point[0] >= newest - FINE_S * TICK_HZ]
        return {
            "epoch": epoch,
            "start_s": None if start is None else start / TICK_HZ,
            "end_s": None if end is None else end / TICK_HZ,
            "stretch_s": length / TICK_HZ,
            "run": _columns(rows),
            "recent": _columns([*older.rows(), *((tick, p, p, s) for tick, p, s in fine)]),
        }


def _columns(rows: list[tuple[float, float, float, float]]) -> dict[str, list[float]]:
    return {
        "t": [row[0] / TICK_HZ for row in rows],
        "lo": [row[1] for row in rows],
        "hi": [row[2] for row in rows],
        "s": [row[3] for row in rows],
    }
