"""Sends what the board has recorded: telemetry as it comes and from the ring, and the journal."""

from pressloop_fw.loop.telemetry_ring import begin_event
from pressloop_fw.service.flash_journal import RECORD_SIZE
from pressloop_fw.service.run_journal import NO_INTERRUPTED_RUN
from pressloop_fw.wire import schema
from pressloop_fw.wire.errors import CommandError

# Bytes of records that fit one telemetry event and one reply to a backfill.
_EVENT_BYTES = schema.TELEMETRY_EVENT_FIELDS[-1][3]
_BACKFILL_BYTES = schema.BACKFILL_REPLY_FIELDS[-1][3]
_MOST_RECORDS = schema.JOURNAL_READ_REPLY_FIELDS[-1][3] // RECORD_SIZE


def stream(server, values):
    """Begin or end to send live telemetry; return where it begins."""
    on = values[schema.STREAM_REQUEST_ON]
    server.batch_ticks = values[schema.STREAM_REQUEST_BATCH_TICKS] if on else 0
    server.controller.streaming = on
    server.next_to_send = server.ring.next
    server.batch_tick = server.controller.tick_count
    # A host that starts to listen has acknowledged all ticks up to now.
    server.host_tick = server.controller.tick_count
    return {schema.STREAM_REPLY_NEXT: server.next_to_send}


def send_batch(server, tick):
    """Send the records since the last batch, if the link has room."""
    place = server.link.event_buffer()
    if place is None:
        return
    ring = server.ring
    newest = ring.next
    size = ring.record_size
    most = _EVENT_BYTES // size
    if newest - server.next_to_send > 2 * most:
        # The link is slower than the press. What is skipped stays in the ring for a backfill.
        server.next_to_send = newest - most
    count = min(newest - server.next_to_send, most)
    buf, at = place
    at = begin_event(buf, at, server.next_to_send, tick, count * size)
    at = ring.copy(server.next_to_send, count, buf, at)
    server.next_to_send += count
    server.batch_tick = tick
    server.link.send_event(schema.EVENT_TELEMETRY, at)


def backfill(server, values):
    """Return records that the ring still holds."""
    first = values[schema.BACKFILL_REQUEST_FIRST]
    ring = server.ring
    oldest = ring.oldest
    if first < oldest or first >= ring.next:
        raise CommandError(schema.ERR_NOT_HELD, schema.BACKFILL_REQUEST_FIRST, oldest)
    size = ring.record_size
    count = min(values[schema.BACKFILL_REQUEST_COUNT], ring.next - first, _BACKFILL_BYTES // size)
    records = bytearray(count * size)
    ring.copy(first, count, records, 0)
    if first < ring.oldest:
        # The tick overtook the copy: records copied last may be newer than their numbers.
        raise CommandError(schema.ERR_NOT_HELD, schema.BACKFILL_REQUEST_FIRST, ring.oldest)
    return {schema.BACKFILL_REPLY_FIRST: first, schema.BACKFILL_REPLY_RECORDS: records}


def journal_read(server, values):
    """Return records of the journal, the newest first."""
    packed = server.run_journal.records(values[schema.JOURNAL_READ_REQUEST_BACK], _MOST_RECORDS)
    return {schema.JOURNAL_READ_REPLY_RECORDS: packed}


def interrupted_run(server, _values):
    """Return what is known of the run that the last reset cut off."""
    cut = server.run_journal.interrupted
    if cut is None:
        cut = NO_INTERRUPTED_RUN
    return {
        schema.INTERRUPTED_RUN_REPLY_RUN_ID: cut.run_id,
        schema.INTERRUPTED_RUN_REPLY_STEP: cut.step,
        schema.INTERRUPTED_RUN_REPLY_DWELL_MS: cut.dwell_ms,
        schema.INTERRUPTED_RUN_REPLY_PRESSURE_KPA: cut.pressure_kpa,
        schema.INTERRUPTED_RUN_REPLY_TICK: cut.tick,
        schema.INTERRUPTED_RUN_REPLY_START_TICK: cut.start_tick,
        schema.INTERRUPTED_RUN_REPLY_FAULT: cut.fault,
        schema.INTERRUPTED_RUN_REPLY_RESET_CAUSE: cut.reset_cause,
        schema.INTERRUPTED_RUN_REPLY_INPUTS: cut.inputs,
    }
