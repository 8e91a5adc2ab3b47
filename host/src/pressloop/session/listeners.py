"""Who is told what a board sends: listeners, called in order and one at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from pressloop.errors import BoardTimeoutError, LinkClosedError, PressloopError
from pressloop.session.telemetry import TelemetryBatch

_log = logging.getLogger(__name__)


class Listener:
    """What a session tells. Called in the dispatcher thread, one call at a time, in order.

    A listener may make requests and may take its time, but a board in lock-step waits for it.
    """

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        """Take records, or an empty batch when only the device clock moved on."""

    def on_lost_records(self, lost: range) -> None:
        """Learn that the board no longer holds these records, nor does anybody else."""

    def on_settled(self) -> None:
        """Learn that no record is known to be missing at the moment."""

    def on_relink(self, restarted: bool) -> None:
        """Learn that a lost link is back, and whether the board had restarted meanwhile."""

    def on_closed(self, error: PressloopError | None) -> None:
        """Learn that nothing more will come: the session was closed, or the link lost for good."""

    def on_error(self, error: Exception) -> None:
        """Learn that another of these methods raised this."""
        raise error


class Listeners:
    """Those that are told; added and removed from any thread."""

    def __init__(self) -> None:
        """Tell nobody."""
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()

    def add(self, listener: Listener) -> None:
        """Tell this one, too, from the next event on."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def remove(self, listener: Listener) -> None:
        """Tell this one no more. Does nothing when it is not told anyway."""
        with self._lock:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

    def tell(self, call: Callable[[Listener], None]) -> None:
        """Tell every listener, also when one of them fails.

        Raises:
            LinkClosedError, BoardTimeoutError: A listener met the end of the link.
        """
        problem: PressloopError | None = None
        for listener in self._listeners:
            try:
                call(listener)
            except (LinkClosedError, BoardTimeoutError) as error:
                problem = error
            except Exception as error:
                listener.on_error(error)
        if problem is not None:
            raise problem

    def tell_end(self, error: PressloopError | None) -> None:
        """Tell every listener that nothing more will come; what one raises is only logged."""
        for listener in self._listeners:
            try:
                listener.on_closed(error)
            except Exception:
                _log.exception("a listener failed when its session ended")
