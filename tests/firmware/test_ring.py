"""The ring: it has the record of what ended a run, and keeps it until a host has read it."""

from pressloop_fw import app
from pressloop_fw.wire import schema
from rig import RefusedError, Rig, hold, ramp

OUTPUT = 3
STATE = 6


def _stream(rig):
    rig.ask(
        schema.CMD_STREAM,
        {schema.STREAM_REQUEST_ON: True, schema.STREAM_REQUEST_BATCH_TICKS: 10},
    )


def _dwelling(**header):
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 60000)], **header)
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    return rig


def _assert_ends_with_the_fault(rig):
    before, last = rig.records(rig.controller.run_first)[-2:]
    assert before[STATE] == schema.STATE_RUNNING
    assert last[STATE] == schema.STATE_FAULT
    assert last[OUTPUT] == -schema.OUTPUT_FULL


def test_the_tick_of_a_fault_is_recorded():
    rig = _dwelling(record_every=100)
    rig.inputs = schema.INPUT_EMERGENCY_STOP
    rig.run(0.1)
    _assert_ends_with_the_fault(rig)


def test_a_tick_that_failed_is_followed_by_a_record_of_the_fault():
    rig = _dwelling(record_every=100)
    rig.app.poll = lambda: None  # keep the traceback off the test's console

    rig.broken = True
    rig.tick()
    rig.broken = False
    rig.run(0.1)
    _assert_ends_with_the_fault(rig)


def test_a_host_that_vanished_during_live_telemetry_finds_its_run_in_the_ring():
    rig = Rig()
    _stream(rig)
    rig.start([ramp(50000, 50000), hold(50000, 500)], host_loss=schema.HOST_LOSS_FINISH)
    rig.hear_host = False
    assert rig.run(30, rig.idle_again)
    rig.run(90)  # longer than the ring
    first = rig.status()[schema.STATUS_REPLY_RUN_FIRST]
    assert rig.app.ring.oldest <= first
    assert rig.records(first)[0][STATE] == schema.STATE_RUNNING
    # When the host is heard again, live telemetry goes on.
    rig.hear_host = True
    before = rig.app.ring.next
    rig.run(1)
    assert rig.app.ring.next == before + 100
    assert not rig.status()[schema.STATUS_REPLY_HOST_LOST]


def test_live_telemetry_before_the_first_plan_has_every_tick():
    rig = Rig()
    _stream(rig)
    rig.tick()
    rig.hear_host = False
    before = rig.app.ring.next
    rig.run(1)
    assert rig.app.ring.next == before + 100


def test_records_overwritten_while_they_are_copied_are_not_passed_off_as_others():
    rig = Rig()
    _stream(rig)
    rig.run(rig.ring_records / schema.TICK_HZ + 1)
    ring = rig.app.ring
    copy = ring.copy

    def slow(first, count, buf, start):
        for _ in range(3):
            rig.controller.tick()
        return copy(first, count, buf, start)

    ring.copy = slow
    try:
        rig.ask(schema.CMD_BACKFILL, {1: ring.oldest, 2: 20})
    except RefusedError as refused:
        assert refused.code == schema.ERR_NOT_HELD
        assert refused.detail == ring.oldest
    else:
        raise AssertionError("records that were overwritten")


def test_backfill_at_the_edges_of_the_ring():
    rig = Rig()
    ring = rig.app.ring

    def backfill(first, count):
        try:
            reply = rig.ask(schema.CMD_BACKFILL, {1: first, 2: count})
        except RefusedError as refused:
            assert refused.code == schema.ERR_NOT_HELD
            return refused.detail, None
        records = reply[schema.BACKFILL_REPLY_RECORDS]
        return reply[schema.BACKFILL_REPLY_FIRST], len(records) // schema.SHORT_RECORD_SIZE

    assert backfill(0, 1) == (0, None)
    _stream(rig)
    rig.run(0.05)
    assert backfill(0, 20) == (0, 5)
    assert backfill(5, 1) == (0, None)
    rig.run(rig.ring_records / schema.TICK_HZ)
    oldest = ring.oldest
    assert ring.next - oldest == ring.capacity - 1
    assert backfill(oldest - 1, 20) == (oldest, None)
    assert backfill(oldest, 20) == (oldest, 20)
    assert backfill(ring.next - 1, 20) == (ring.next - 1, 1)
    assert backfill(0xFFFFFFFF, 20) == (oldest, None)
    # Across the place where the ring wraps: every record still carries its own tick.
    wrap = ring.next // ring.capacity * ring.capacity
    ticks = [record[0] for record in rig.records(wrap - 3)[:5]]
    assert ticks == list(range(ticks[0], ticks[0] + 5))


def test_the_highest_reading_counts_in_a_pause_too():
    rig = _dwelling()
    rig.ask(schema.CMD_PAUSE)
    rig.tick()
    rig.raw = rig.sample() + 400
    rig.run(0.5)
    assert rig.result(1)[schema.STEP_RESULT_REPLY_PEAK_KPA] > 112000


def test_a_new_plan_does_not_show_the_results_of_the_one_before():
    rig = Rig()
    rig.start([ramp(50000, 50000), hold(50000, 500)])
    assert rig.run(30, rig.idle_again)
    assert rig.result(0)[schema.STEP_RESULT_REPLY_OUTCOME] == schema.OUTCOME_DONE
    rig.upload([ramp(80000)])
    assert rig.result(0)[schema.STEP_RESULT_REPLY_OUTCOME] == schema.OUTCOME_PENDING


class _Memory:
    """What `gc` says of a chip with little free memory."""

    def __init__(self, free):
        self.free = free

    def collect(self):
        pass

    def mem_free(self):
        return self.free


def test_a_ring_leaves_memory_for_what_is_built_after_it():
    real, app.gc = app.gc, _Memory(80 * 1024)
    try:
        ring = app._ring(4096, False)
        assert len(ring.buf) == 40 * 1024 // 20 * 20
        assert ring.capacity == 40 * 1024 // 20
        app.gc.free = 1024 * 1024
        assert app._ring(4096, False).capacity == 4096
        # Eleven seconds are kept at least, and a board that has not even those says so itself.
        app.gc.free = 30 * 1024
        assert app._ring(4096, False).capacity == 1100
    finally:
        app.gc = real
