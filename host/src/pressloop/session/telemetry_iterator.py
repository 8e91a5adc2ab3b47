"""Telemetry as an iterator, for scripts and notebooks."""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final

from pressloop.errors import PressloopError
from pressloop.session.acknowledge import Hold
from pressloop.session.listeners import Listener
from pressloop.session.session import Session
from pressloop.session.telemetry import TelemetryBatch

MAX_WAITING: Final = 3000
"""Batches that wait for a slow consumer: ten minutes of a real press, about 1.5 MB."""

_log = logging.getLogger(__name__)


class TelemetryFeed(Listener):
    """Batches in the order of their arrival until the session or the feed ends.

    A consumer that falls behind by more than `MAX_WAITING` batches skips the oldest of them: a
    program may not grow for a week because one loop is slow. `skipped` counts their records; the
    run record has them all.

    While a batch is with the consumer, the acknowledged device clock is held: an emulated board
    waits for a quick script, so that the script's reactions land on the same tick in every run.
    Leave the `with` block when no longer interested.

    A feed can begin before its consumer, which then misses nothing. It holds the clock for a
    second in case somebody comes, and for nobody who has said `pass_over`.
    """

    def __init__(self, session: Session) -> None:
        """Use within a `with` block, or call `follow` for a consumer who is still to come."""
        self._session = session
        self._batches: queue.SimpleQueue[TelemetryBatch | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._hold: Hold | None = None
        self._follows = False
        # A consumer has come; nobody is expected to.
        self._attended = False
        self._passed_over = False
        self._error: PressloopError | None = None
        self.skipped = 0

    def __enter__(self) -> TelemetryFeed:
        """Begin to listen, if it does not already, for a consumer who is here."""
        self.follow()
        with self._lock:
            self._attended = True
            if self._hold is not None:
                self._session.keep(self._hold)
            elif not self._batches.empty():
                self._hold = self._session.hold()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no more."""
        self.end()
        self._release()

    def follow(self) -> None:
        """Begin to listen."""
        if not self._follows:
            self._follows = True
            self._session.follow(self)

    def pass_over(self) -> None:
        """Hold the clock for nobody until a consumer comes."""
        if not self._attended:
            self._passed_over = True
            self._release()

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
        """Listen no more; let the consumer finish what is queued, then stop."""
        self._session.unlisten(self)
        self._batches.put(None)

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        """Queue a batch, and hold the acknowledgement until the consumer has caught up."""
        if not len(batch):
            return
        with self._lock:
            if self._hold is None and (self._attended or not self._passed_over):
                self._hold = self._session.hold(expires=not self._attended)
            if self._batches.qsize() >= MAX_WAITING:
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
            if self._attended and not self.skipped:
                _log.warning("a telemetry consumer is %d batches behind: skipping", MAX_WAITING)
            self.skipped += len(oldest)

    def _done_with_last(self) -> None:
        """Note that the consumer came back for more: it has reacted to what it got."""
        self._release(only_if_empty=True)

    def _release(self, *, only_if_empty: bool = False) -> None:
        with self._lock:
            if self._hold is None or (only_if_empty and not self._batches.empty()):
                return
            hold, self._hold = self._hold, None
        self._session.release(hold)
