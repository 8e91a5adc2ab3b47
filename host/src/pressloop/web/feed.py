"""Listens to the telemetry of the board and passes it on to the pages."""

from __future__ import annotations

from collections.abc import Callable

from pressloop.errors import PressloopError
from pressloop.session.listeners import Listener
from pressloop.session.telemetry import TelemetryBatch
from pressloop.web.hub import CURVE, FRAME, Hub
from pressloop.web.live_curve import LiveCurve
from pressloop.wire.schema import OUTPUT_FULL, TICK_HZ, FlagBits


class Feed(Listener):
    """Turns each batch of records into a frame. It must never slow the press, so it only queues."""

    def __init__(self, hub: Hub, curve: LiveCurve, on_closed: Callable[[], None]) -> None:
        """Pass frames to a hub; `on_closed` is called when the session has ended."""
        self._hub = hub
        self._curve = curve
        self._on_closed = on_closed

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        """Pass a batch on."""
        points = self._curve.add(batch.records)
        newest = batch.newest
        frame: dict[str, object] = {
            "epoch": self._curve.epoch,
            "tick": batch.tick,
            "t": [tick / TICK_HZ for tick, _, _ in points],
            "p": [pressure for _, pressure, _ in points],
            "s": [setpoint for _, _, setpoint in points],
        }
        if newest is not None and points:
            frame["out"] = round(100 * newest.output / OUTPUT_FULL, 1)
            frame["in_band"] = bool(newest.flags & FlagBits.IN_BAND)
            frame["sealed"] = bool(newest.flags & FlagBits.SEALED)
        self._hub.publish(FRAME, frame)

    def on_reconnect(self, restarted: bool) -> None:
        """Begin a new curve when the board has restarted: its clock has begun anew."""
        if restarted:
            self._curve.restart()
            self._hub.publish(CURVE, self._curve.snapshot(), keep=False)

    def on_closed(self, error: PressloopError | None) -> None:
        """Note that the session has ended."""
        self._on_closed()

    def on_error(self, error: BaseException) -> None:
        """Leave an error of the page to the log: the run must go on."""
        raise error
