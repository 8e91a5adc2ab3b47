"""Provides telemetry as an iterator, for scripts and notebooks."""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final

from pressloop.errors import BoardTimeoutError, PressloopError
from pressloop.session.acknowledge import AckHold
from pressloop.session.listeners import Listener
from pressloop.session.session import Session
from pressloop.session.telemetry import TelemetryBatch

MAX_WAITING_BATCHES: Final = 3000
"""Queue length for a slow consumer: ten minutes of a real press, about 1.5 MB."""

_log = logging.getLogger(__name__)


class TelemetryIterator(Listener):
    """Iterates over batches in the order of their arrival, until the session or the run ends.

    If the consumer is more than `MAX_WAITING_BATCHES` behind, the oldest batches are dropped: the
    memory of a program must not grow for a week because one loop is slow. `dropped` counts their
    records. The run record has them all.

    While the consumer works on a batch, the acknowledged device clock is held. An emulated board
    thus waits for a quick script, whose reactions fall on the same tick in every run. Leave the
    `with` block when no more batches are needed.

    An iterator can listen before its consumer comes, so that the consumer misses nothing. It then
    holds the clock for one second, in case the consumer comes; after `skip`, not at all.
    """

    def __init__(self, session: Session, *, silence_limit_s: float | None = None) -> None:
        """Use in a `with` block, or call `follow` if the consumer comes later.

        Args:
            session: The board's.
            silence_limit_s: How long to wait for a batch from a board that should stream all the
                time; None: for ever, as a session that ends says so.
        """
        self._session = session
        self._silence_limit_s = silence_limit_s
        self._batches: queue.SimpleQueue[TelemetryBatch | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._hold: AckHold | None = None
        self._follows = False
        self._has_consumer = False
        self._expects_consumer = True
        self._error: PressloopError | None = None
        self.dropped = 0

    def __enter__(self) -> TelemetryIterator:
        """Begin to listen, if it does not yet: the consumer has come."""
        self.follow()
        with self._lock:
            self._has_consumer = True
            if self._hold is not None:
                self._session.renew(self._hold)
            elif not self._batches.empty():
                self._hold = self._session.hold()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self.end()
        self._release()

    def follow(self) -> None:
        """Begin to listen."""
        if not self._follows:
            self._follows = True
            self._session.follow(self)

    def skip(self) -> None:
        """Do not hold the clock until a consumer comes: none is expected."""
        if not self._has_consumer:
            self._expects_consumer = False
            self._release()

    def __iter__(self) -> TelemetryIterator:
        """Return itself: an iterator can be used once."""
        return self

    def __next__(self) -> TelemetryBatch:
        """Wait for the next batch.

        Raises:
            LinkClosedError: The link was lost for good.
            BoardTimeoutError: `no-telemetry`, no batch within the limit.
        """
        self._note_handled()
        try:
            batch = self._batches.get(timeout=self._silence_limit_s)
        except queue.Empty:
            raise BoardTimeoutError(
                f"the board answers but has sent no telemetry for {self._silence_limit_s:g} s",
                code="no-telemetry",
                hint="its control loop may have failed: see `pressloop info` for a latched fault, "
                "switch the controller off and on, and report it if it happens again",
            ) from None
        if batch is None:
            if self._error is not None:
                raise self._error
            raise StopIteration
        return batch

    def end(self) -> None:
        """Stop listening; the consumer still gets the batches that are queued."""
        self._session.unlisten(self)
        self._batches.put(None)

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        """Queue a batch, and hold the acknowledgement until the consumer has caught up."""
        if not len(batch):
            return
        with self._lock:
            if self._hold is None and (self._has_consumer or self._expects_consumer):
                self._hold = self._session.hold(expires=not self._has_consumer)
            if self._batches.qsize() >= MAX_WAITING_BATCHES:
                self._drop_oldest()
            self._batches.put(batch)

    def on_closed(self, error: PressloopError | None) -> None:
        """End with the session."""
        self._error = error
        self.end()

    def _drop_oldest(self) -> None:
        oldest = None
        with suppress(queue.Empty):  # the consumer has just caught up
            oldest = self._batches.get_nowait()
        if oldest is not None:
            if self._has_consumer and not self.dropped:
                _log.warning(
                    "the loop over telemetry is %d batches behind: the oldest are dropped",
                    MAX_WAITING_BATCHES,
                )
            self.dropped += len(oldest)

    def _note_handled(self) -> None:
        """Note that the consumer asks for more: it has reacted to the last batch."""
        self._release(only_if_empty=True)

    def _release(self, *, only_if_empty: bool = False) -> None:
        with self._lock:
            if self._hold is None or (only_if_empty and not self._batches.empty()):
                return
            hold, self._hold = self._hold, None
        self._session.release(hold)
