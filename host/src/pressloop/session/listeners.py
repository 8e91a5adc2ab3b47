"""Passes what a board sends to listeners, in order and one call at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from pressloop.errors import BoardTimeoutError, LinkClosedError, PressloopError
from pressloop.session.telemetry import TelemetryBatch

_log = logging.getLogger(__name__)


class Listener:
    """Receives telemetry and the state of the link; a subclass overrides what it needs.

    All methods are called in the dispatcher thread, one at a time and in order. They may make
    requests and may take their time, but a board in lock-step waits for them.
    """

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        """Receive records, or an empty batch when only the device clock moved on."""

    def on_lost_records(self, lost: range) -> None:
        """Note that these records are lost for good: the board no longer holds them."""

    def on_settled(self) -> None:
        """Note that no record is known to be missing at the moment."""

    def on_reconnect(self, restarted: bool) -> None:
        """Note that a lost link is back, and whether the board restarted meanwhile."""

    def on_closed(self, error: PressloopError | None) -> None:
        """Note that nothing more comes: the session was closed, or the link was lost for good."""

    def on_error(self, error: BaseException) -> None:
        """Handle what another of these methods raised; a listener that raises here is removed."""
        raise error


class Listeners:
    """Holds the listeners of a session; added and removed from any thread."""

    def __init__(self) -> None:
        """Start without listeners."""
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()

    def add(self, listener: Listener) -> None:
        """Notify this listener from the next event on."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def remove(self, listener: Listener) -> None:
        """Stop notifying this listener; does nothing if it is not one."""
        with self._lock:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

    def notify(self, call: Callable[[Listener], None]) -> None:
        """Call every listener, even if one of them fails.

        Raises:
            LinkClosedError, BoardTimeoutError: The link ended while a listener used it.
        """
        problem: PressloopError | None = None
        for listener in self._listeners:
            try:
                call(listener)
            except (LinkClosedError, BoardTimeoutError) as error:
                problem = error
            except BaseException as error:  # SystemExit must not end this thread either
                self._handle_error(listener, error)
        if problem is not None:
            raise problem

    def notify_end(self, error: PressloopError | None) -> None:
        """Notify every listener that nothing more comes; what one raises is only logged."""
        for listener in self._listeners:
            _close(listener, error)

    def _handle_error(self, listener: Listener, error: BaseException) -> None:
        """Let a listener handle its error; remove it if it cannot, so that the others go on."""
        try:
            listener.on_error(error)
        except BaseException as unhandled:
            _log.error("a listener failed and gets no more telemetry", exc_info=unhandled)
            self.remove(listener)
            cause = LinkClosedError(
                f"a listener gets no more telemetry because of its own error: {unhandled!r}",
                hint="correct the listener, then open the press again",
                code="listener-failed",
            )
            _close(listener, cause)


def _close(listener: Listener, error: PressloopError | None) -> None:
    try:
        listener.on_closed(error)
    except BaseException:
        _log.exception("a listener failed when its session ended")
