"""Finds out why a run is paused, so that the person who must resume it learns the reason."""

from __future__ import annotations

from pressloop.session.telemetry import TelemetryBatch
from pressloop.wire.schema import TICK_HZ, FlagBits, State


class PauseReason:
    """Remembers who paused a run, or for how long the board heard nothing from its host.

    Attributes:
        by: Who asked for the pause that is in effect; empty if no one did, or it is not known.
    """

    def __init__(self, host_timeout_s: float | None) -> None:
        """Know of no pause yet.

        Args:
            host_timeout_s: Silence after which the board gives its host up; None if not known.
        """
        self.by = ""
        self._host_timeout_s = host_timeout_s or 0.0
        self._lost_ticks: tuple[int, int] | None = None
        self._known_ticks: tuple[int, int] | None = None
        self._over_tick = -1

    @property
    def silent_s(self) -> float | None:
        """Time for which the board heard nothing from its host, s.

        None if that was not why, or if it is not known yet because records are missing.
        """
        if self.by or self._known_ticks is None:
            return None
        first, last = self._known_ticks
        return (last + 1 - first) / TICK_HZ + self._host_timeout_s

    def look(self, batch: TelemetryBatch) -> None:
        """Look at new records of a pause, or at older ones that were missing."""
        newest = batch.newest
        if newest is None or newest.state_code != State.PAUSED:
            return
        ticks = [
            record.tick
            for record in batch
            if record.flag_bits & FlagBits.HOST_LOST
            and record.state_code == State.PAUSED
            and record.tick > self._over_tick
        ]
        if ticks:
            known = self._lost_ticks or (ticks[0], ticks[-1])
            self._lost_ticks = (min(known[0], ticks[0]), max(known[1], ticks[-1]))

    def settle(self) -> None:
        """Note that no record is missing now."""
        self._known_ticks = self._lost_ticks

    def end(self, tick: int) -> None:
        """Forget the pause: the run goes on since this device clock."""
        self.by = ""
        self._lost_ticks = self._known_ticks = None
        self._over_tick = tick
