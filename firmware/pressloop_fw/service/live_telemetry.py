"""Sends the records of the ring: batches as they come, and older ones on request."""

from pressloop_fw.loop.telemetry_ring import begin_event
from pressloop_fw.wire import schema
from pressloop_fw.wire.errors import CommandError

# Bytes of records that fit one telemetry event and one reply to a backfill.
_EVENT_BYTES = schema.TELEMETRY_EVENT_FIELDS[-1][3]
_BACKFILL_BYTES = schema.BACKFILL_REPLY_FIELDS[-1][3]


class LiveTelemetry:
    """Knows what the host has got.

    `host_tick` is the newest device clock that the host has acknowledged. `batch_ticks` is how many
    ticks make a telemetry event, 0 while live telemetry is off.
    """

    def __init__(self, controller, ring):
        self.host_tick = 0
        self.batch_ticks = 0
        self._controller = controller
        self._ring = ring
        self._sent = 0
        self._batch_tick = 0

    def stop(self):
        """Send nothing live until a host asks for it: a new session begins."""
        self.batch_ticks = 0
        self._controller.streaming = False

    def stream(self, values):
        """Begin or end to send live telemetry; return the reply's values."""
        on = values[schema.STREAM_REQUEST_ON]
        self.batch_ticks = values[schema.STREAM_REQUEST_BATCH_TICKS] if on else 0
        self._controller.streaming = on
        self._sent = self._ring.next
        self._batch_tick = self._controller.tick_count
        # A host that starts to listen has acknowledged all ticks up to now.
        self.host_tick = self._controller.tick_count
        return {schema.STREAM_REPLY_NEXT: self._sent}

    def send_due(self, link, tick):
        """Send a batch if one is due and the link has room."""
        if not self.batch_ticks or tick - self._batch_tick < self.batch_ticks:
            return
        place = link.event_buffer()
        if place is None:
            return
        ring = self._ring
        newest = ring.next
        size = ring.record_size
        most = _EVENT_BYTES // size
        if newest - self._sent > 2 * most:
            # The link is slower than the press. What is skipped stays in the ring for a backfill.
            self._sent = newest - most
        count = min(newest - self._sent, most)
        buf, at = place
        at = begin_event(buf, at, self._sent, tick, count * size)
        at = ring.copy(self._sent, count, buf, at)
        self._sent += count
        self._batch_tick = tick
        link.send_event(schema.EVENT_TELEMETRY, at)

    def backfill(self, values):
        """Return records that the ring still holds, as the reply's values. Raises CommandError."""
        first = values[schema.BACKFILL_REQUEST_FIRST]
        ring = self._ring
        oldest = ring.oldest
        if first < oldest or first >= ring.next:
            raise CommandError(schema.ERR_NOT_HELD, schema.BACKFILL_REQUEST_FIRST, oldest)
        size = ring.record_size
        count = min(
            values[schema.BACKFILL_REQUEST_COUNT], ring.next - first, _BACKFILL_BYTES // size
        )
        records = bytearray(count * size)
        ring.copy(first, count, records, 0)
        if first < ring.oldest:
            # The tick overtook the copy: records copied last may be newer than their numbers.
            raise CommandError(schema.ERR_NOT_HELD, schema.BACKFILL_REQUEST_FIRST, ring.oldest)
        return {schema.BACKFILL_REPLY_FIRST: first, schema.BACKFILL_REPLY_RECORDS: records}
