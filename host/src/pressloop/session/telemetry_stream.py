"""Provides live telemetry without gaps: missing records are fetched from the board's ring.

Not thread-safe: only the session's dispatcher thread calls it.
"""

from __future__ import annotations

import time
from typing import Final

from pressloop.errors import CommandRefusedError
from pressloop.session.acknowledge import HostProgress
from pressloop.session.connection import Link
from pressloop.session.listeners import Listeners
from pressloop.session.sequence_tracker import SequenceTracker
from pressloop.session.telemetry import Source, TelemetryBatch, widened
from pressloop.wire.schema import (
    RECORD_SIZE,
    BackfillRequest,
    CapabilityBits,
    StatusRequest,
    StreamRequest,
    TelemetryEvent,
)

BATCH_TICKS: Final = 20
"""Ticks per telemetry event unless more are asked for: five events per second are fast enough for
reactions and for a line of text, and 20 records fill a frame."""

QUIET_S: Final = 0.5
"""Time without telemetry after which the board is asked for its status: an event may have been
lost, or the link to the board."""

_MAX_BACKFILL_RECORDS: Final = 20
"""Maximum number of records in one backfill reply."""

_BACKFILL_LEAD_RECORDS: Final = 20
"""Records that are skipped when the ring overwrote the oldest one twice before the request for it
arrived."""


class TelemetryStream:
    """Delivers the telemetry of one board to listeners, also across a lost link.

    Args:
        ack: Gets the device clock up to which telemetry was handled.
        listeners: Get each record once, and the numbers of those that are lost.
    """

    def __init__(self, ack: HostProgress, listeners: Listeners) -> None:
        """Start without a stream; `start` turns it on."""
        self._ack = ack
        self._listeners = listeners
        self._on = False
        self._batch_ticks = BATCH_TICKS
        self._tracker: SequenceTracker | None = None
        # Consecutive backfill requests for records that the ring had overwritten before.
        self._refusals = 0
        self._last_telemetry_s = time.monotonic()

    @property
    def is_on(self) -> bool:
        """Whether live telemetry is turned on."""
        return self._on

    @property
    def is_quiet(self) -> bool:
        """Whether telemetry is overdue."""
        return self._on and time.monotonic() - self._last_telemetry_s >= QUIET_S

    @property
    def has_missing(self) -> bool:
        """Whether records are known to be missing."""
        return self._tracker is not None and bool(self._tracker.missing)

    def start(self, link: Link) -> int:
        """Turn live telemetry on, if it is off.

        Returns:
            Sequence number of the next record.
        """
        if not self._on:
            self._request_stream(link)
        return self._require_tracker().next

    def set_batch_ticks(self, link: Link, ticks: int) -> None:
        """Let an event have so many ticks from now on; no record is lost by the change."""
        if ticks != self._batch_ticks:
            self._batch_ticks = ticks
            if self._on:
                self._request_stream(link)
                self.fetch_missing(link)

    def resume(self, link: Link, *, restarted: bool) -> None:
        """Continue over a new link; the records of a board that restarted are lost."""
        if restarted and self._tracker is not None:
            self._mark_lost(self._tracker, self._tracker.next)
            self._tracker = None
        if self._on:
            self._request_stream(link)

    def request(self, missing: range) -> None:
        """Fetch records that the board may still hold and that were not expected until now."""
        self._require_tracker().request(missing)

    def expect(self, stop: int) -> None:
        """Note that all records below `stop` exist; those that have not come are fetched."""
        self._require_tracker().expect(stop)

    def process_event(self, link: Link, event: TelemetryEvent) -> None:
        """Deliver new records, fetch some of those that are missing, then acknowledge."""
        tracker = self._tracker
        if tracker is None:
            return
        self._last_telemetry_s = time.monotonic()
        self._deliver(link, tracker, event.first, event.records, "live", event.tick)
        self.fetch_missing(link)
        self._ack.handled(event.tick)
        link.send_alive()

    def poll_status(self, link: Link) -> None:
        """Ask for the status when telemetry is overdue, and fetch what is missing."""
        status = link.request(StatusRequest())
        self._last_telemetry_s = time.monotonic()
        self._require_tracker().expect(status.next)
        self.fetch_missing(link)
        self._ack.handled(status.tick)
        link.send_alive()

    def fetch_missing(self, link: Link) -> None:
        """Fetch as many missing records as fit a frame; live telemetry is served in between."""
        tracker = self._tracker
        if tracker is None:
            return
        if tracker.missing:
            gap = tracker.missing[0]
            # The ring overwrites records faster than requests arrive: ask for later ones.
            is_overtaken = self._refusals > 1 and len(gap) > _BACKFILL_LEAD_RECORDS
            lead = _BACKFILL_LEAD_RECORDS if is_overtaken else 0
            first = gap.start + lead
            count = min(gap.stop - first, _MAX_BACKFILL_RECORDS)
            try:
                reply = link.request(BackfillRequest(first, count))
                self._refusals = 0
            except CommandRefusedError as refusal:
                if refusal.code != "not-held":
                    raise
                self._refusals += 1
                oldest = gap.stop if refusal.detail is None else refusal.detail
                self._mark_lost(tracker, max(oldest, gap.start + 1))
            else:
                self._mark_lost(tracker, reply.first if reply.records else gap.stop)
                tick = self._ack.tick()
                self._deliver(link, tracker, reply.first, reply.records, "backfill", tick)
        if not tracker.missing:
            self._listeners.notify(lambda listener: listener.on_settled())

    def _require_tracker(self) -> SequenceTracker:
        if self._tracker is None:
            raise RuntimeError("telemetry was not turned on: call start_stream() first")
        return self._tracker

    def _request_stream(self, link: Link) -> None:
        reply = link.request(StreamRequest(on=True, batch_ticks=self._batch_ticks))
        if self._tracker is None:
            self._tracker = SequenceTracker(reply.next)
        self._tracker.expect(reply.next)
        self._on = True
        self._last_telemetry_s = time.monotonic()

    def _deliver(
        self,
        link: Link,
        tracker: SequenceTracker,
        first: int,
        records: bytes,
        source: Source,
        tick: int,
    ) -> None:
        if not link.hello.capabilities & CapabilityBits.DISPLACEMENT:
            records = widened(records)
        fresh = tracker.mark_received(first, len(records) // RECORD_SIZE) or [range(first, first)]
        for part in fresh:
            start, stop = (RECORD_SIZE * (number - first) for number in (part.start, part.stop))
            self._notify_batch(TelemetryBatch(part.start, records[start:stop], source, tick))

    def _mark_lost(self, tracker: SequenceTracker, oldest: int) -> None:
        """Mark missing records below `oldest` as lost and notify the listeners."""
        for lost in tracker.mark_lost(oldest):
            self._notify_lost(lost)

    def _notify_batch(self, batch: TelemetryBatch) -> None:
        self._listeners.notify(lambda listener: listener.on_telemetry(batch))

    def _notify_lost(self, lost: range) -> None:
        self._listeners.notify(lambda listener: listener.on_lost_records(lost))
