"""Telemetry as an iterator, for scripts and notebooks."""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final

from pressloop.errors import PressloopError
from pressloop.heartbeat import Hold
from pressloop.session import Listener, Session
from pressloop.telemetry import TelemetryBatch

MOST_WAITING: Final = 3000
"""Batches that wait for a slow consumer: ten minutes of a real press, about 1.5 MB."""

_log = logging.getLogger(__name__)


class TelemetryFeed(Listener):
    """Batches in the order of their arrival, from now on, until the session or the feed ends.

    A consumer that falls behind by more than `MOST_WAITING` batches skips the oldest of them: a
    program may not grow for a week because one loop is slow. `skipped` counts their records; the
    run record has them all.

    While a batch is with the consumer, the acknowledged device clock is held: an emulated board
    waits for a quick script, so that the script's reactions land on the same tick in every run.
    Leave the `with` block when no longer interested.
    """

    def __init__(self, session: Session) -> None:
        """Use within a `with` block, or call `close`."""
        self._session = session
        self._batches: queue.SimpleQueue[TelemetryBatch | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._hold: Hold | None = None
        self._error: PressloopError | None = None
        self.skipped = 0

    def __enter__(self) -> TelemetryFeed:
        """Begin to listen."""
        self._session.follow(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no more."""
        self._session.unlisten(self)
        self.end()
        with self._lock:
            hold, self._hold = self._hold, None
        if hold is not None:
            self._session.release(hold)

    def __iter__(self) -> TelemetryFeed:
        """Return itself: a feed can be gone through once."""
        return self

    def __next__(self) -> TelemetryBatch:
        """Wait for the next batch.

        Raises:
            LinkClosedError: The link was lost for good.
        """
        self._done_with_last()
        batch = self._batches.get()
        if batch is None:
            if self._error is not None:
                raise self._error
            raise StopIteration
        return batch

    def end(self) -> None:
        """Let the consumer finish what is queued, then stop."""
        self._batches.put(None)

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        """Queue a batch, and hold the acknowledgement until the consumer has caught up."""
        if not len(batch):
            return
        with self._lock:
            if self._hold is None:
                self._hold = self._session.hold()
        if self._batches.qsize() >= MOST_WAITING:
            self._skip_oldest()
        self._batches.put(batch)

    def on_closed(self, error: PressloopError | None) -> None:
        """End with the session."""
        self._error = error
        self.end()

    def _skip_oldest(self) -> None:
        oldest = None
        with suppress(queue.Empty):  # the consumer has just caught up
            oldest = self._batches.get_nowait()
        if oldest is not None:
            if not self.skipped:
                _log.warning("a telemetry consumer is %d batches behind: skipping", MOST_WAITING)
            self.skipped += len(oldest)

    def _done_with_last(self) -> None:
        """Note that the consumer came back for more: it has reacted to what it got."""
        with self._lock:
            if self._hold is None or not self._batches.empty():
                return
            hold, self._hold = self._hold, None
        self._session.release(hold)
