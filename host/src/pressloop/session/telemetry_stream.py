"""Live telemetry without holes: what a board sends unasked, and from its ring what did not come.

Nothing here is for several threads; the session's dispatcher is the only one that calls.
"""

from __future__ import annotations

import time
from typing import Final

from pressloop.errors import CommandRefusedError
from pressloop.session.acknowledge import HostProgress
from pressloop.session.connection import Link
from pressloop.session.listeners import Listeners
from pressloop.session.telemetry import SequenceTracker, Source, TelemetryBatch, widened
from pressloop.wire.schema import (
    RECORD_SIZE,
    BackfillRequest,
    CapabilityBits,
    StatusRequest,
    StreamRequest,
    TelemetryEvent,
)

BATCH_TICKS: Final = 20
"""Ticks per telemetry event: five events per second are quick enough for an eye and an answer, and
with a record per tick they fill a frame."""

QUIET_S: Final = 0.5
"""Without telemetry for this long the board is asked: an event may have been lost, or the board."""

_BACKFILL_RECORDS: Final = 20
"""Most records of one backfill reply."""

_BACKFILL_LEAD: Final = 20
"""Records left behind when the oldest was gone twice before the request for it arrived."""


class Stream:
    """The telemetry of one board over one link after another.

    Args:
        ack: Is told how far the telemetry was handled.
        listeners: Are told the records, each once, and which are lost.
    """

    def __init__(self, ack: HostProgress, listeners: Listeners) -> None:
        """Nothing is streamed until `start`."""
        self._ack = ack
        self._listeners = listeners
        self._on = False
        self._intake: SequenceTracker | None = None
        # Backfill requests in a row for records that were gone when they arrived.
        self._refusals = 0
        self._quiet_since_s = time.monotonic()

    @property
    def is_on(self) -> bool:
        """Whether live telemetry was asked for."""
        return self._on

    @property
    def is_quiet(self) -> bool:
        """Whether telemetry is overdue."""
        return self._on and time.monotonic() - self._quiet_since_s >= QUIET_S

    @property
    def has_holes(self) -> bool:
        """Whether records are known to be missing."""
        return self._intake is not None and bool(self._intake.holes)

    def start(self, link: Link) -> int:
        """Turn live telemetry on, if it is not.

        Returns:
            Sequence number of the next record.
        """
        if not self._on:
            self._ask_for_stream(link)
        assert self._intake is not None
        return self._intake.next

    def resume(self, link: Link, *, restarted: bool) -> None:
        """Go on over a new link; what a board held before it restarted is gone."""
        if restarted and self._intake is not None:
            self._give_up(self._intake, self._intake.next)
            self._intake = None
        if self._on:
            self._ask_for_stream(link)

    def want(self, missing: range) -> None:
        """Fetch records that the board may still hold and that were not expected before."""
        assert self._intake is not None, "fetch needs a stream"
        self._intake.want(missing)

    def expect(self, stop: int) -> None:
        """Note that all records below `stop` exist; those that have not come are fetched."""
        assert self._intake is not None, "expect needs a stream"
        self._intake.expect(stop)

    def take(self, link: Link, event: TelemetryEvent) -> None:
        """Hand on what is new, fetch a piece of what is missing, then acknowledge."""
        intake = self._intake
        if intake is None:
            return
        self._quiet_since_s = time.monotonic()
        self._hand_on(link, intake, event.first, event.records, "live", event.tick)
        self.fetch_piece(link)
        self._ack.handled(event.tick)
        link.send_alive()

    def ask(self, link: Link) -> None:
        """Ask for what the telemetry should have told."""
        assert self._intake is not None
        status = link.request(StatusRequest())
        self._quiet_since_s = time.monotonic()
        self._intake.expect(status.next)
        self.fetch_piece(link)
        self._ack.handled(status.tick)
        link.send_alive()

    def fetch_piece(self, link: Link) -> None:
        """Fetch one frame's worth of missing records; live data gets its turn in between."""
        intake = self._intake
        if intake is None:
            return
        if intake.holes:
            hole = intake.holes[0]
            # A ring that is overwritten faster than requests travel is met further on.
            lead = _BACKFILL_LEAD if self._refusals > 1 and len(hole) > _BACKFILL_LEAD else 0
            first = hole.start + lead
            count = min(hole.stop - first, _BACKFILL_RECORDS)
            try:
                reply = link.request(BackfillRequest(first, count))
                self._refusals = 0
            except CommandRefusedError as refusal:
                if refusal.code != "not-held":
                    raise
                self._refusals += 1
                oldest = hole.stop if refusal.detail is None else refusal.detail
                self._give_up(intake, max(oldest, hole.start + 1))
            else:
                self._give_up(intake, reply.first if reply.records else hole.stop)
                tick = self._ack.tick()
                self._hand_on(link, intake, reply.first, reply.records, "backfill", tick)
        if not intake.holes:
            self._listeners.tell(lambda listener: listener.on_settled())

    def _ask_for_stream(self, link: Link) -> None:
        reply = link.request(StreamRequest(on=True, batch_ticks=BATCH_TICKS))
        if self._intake is None:
            self._intake = SequenceTracker(reply.next)
        self._intake.expect(reply.next)
        self._on = True
        self._quiet_since_s = time.monotonic()

    def _hand_on(
        self,
        link: Link,
        intake: SequenceTracker,
        first: int,
        records: bytes,
        source: Source,
        tick: int,
    ) -> None:
        if not link.hello.capabilities & CapabilityBits.DISPLACEMENT:
            records = widened(records)
        fresh = intake.take(first, len(records) // RECORD_SIZE) or [range(first, first)]
        for part in fresh:
            start, stop = (RECORD_SIZE * (number - first) for number in (part.start, part.stop))
            self._tell_batch(TelemetryBatch(part.start, records[start:stop], source, tick))

    def _give_up(self, intake: SequenceTracker, oldest: int) -> None:
        """Tell which missing records below `oldest` are gone."""
        for lost in intake.give_up(oldest):
            self._tell_lost(lost)

    def _tell_batch(self, batch: TelemetryBatch) -> None:
        self._listeners.tell(lambda listener: listener.on_telemetry(batch))

    def _tell_lost(self, lost: range) -> None:
        self._listeners.tell(lambda listener: listener.on_lost_records(lost))
