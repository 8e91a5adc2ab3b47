"""Requests, retries and sessions over bytes, as a host would send them."""

from line import Line
from pressloop_fw.wire import cbor, frame, schema
from rig import Rig, encoded, hold, ramp


class Host(Line):
    """The other end of a rig's link, which reads what the board sends, too."""

    def __init__(self, rig):
        """Wire the rig's board interface to this end."""
        super().__init__(rig)
        self.replies = []
        self.events = []
        self.room = None
        self.decoder = frame.Decoder(schema.MAX_PAYLOAD, self._on_frame, lambda byte: None)
        rig.send = self._send

    def _send(self, view):
        n = len(view) if self.room is None else min(len(view), self.room)
        if self.room is not None:
            self.room -= n
        if n:
            self.decoder.feed(view, n)
        return n

    def _on_frame(self, kind, code, seq, session, buf, start, end):
        fields = schema.ERROR_REPLY_FIELDS
        if kind == schema.KIND_REPLY:
            fields = schema.COMMANDS[code][1]
        elif kind == schema.KIND_EVENT:
            fields = schema.TELEMETRY_EVENT_FIELDS
        values = cbor.decode_map(fields, buf, start, end)
        (self.events if kind == schema.KIND_EVENT else self.replies).append(
            (kind, code, seq, session, values)
        )

    def frame(self, command, seq, session, values=None):
        """Return the bytes of a request."""
        payload = encoded(schema.COMMANDS[command][0], values or {})
        return self.request(command, payload, session, seq)

    def send(self, *frames):
        """Send bytes and let the board's foreground run; return the replies that came."""
        self.replies = []
        self.to_board += b"".join(frames)
        for _ in range(4):
            self.rig.app.poll()
        return self.replies


def _hello(nonce=7):
    return {
        schema.HELLO_REQUEST_NONCE: nonce,
        schema.HELLO_REQUEST_MAJOR: schema.PROTOCOL_MAJOR,
        schema.HELLO_REQUEST_MINOR: schema.PROTOCOL_MINOR,
        schema.HELLO_REQUEST_HOST: "test",
    }


def _open(rig):
    host = Host(rig)
    reply = host.send(host.frame(schema.CMD_HELLO, 1, 0, _hello()))[0]
    assert reply[4][schema.HELLO_REPLY_NONCE] == 7
    return host, reply[4][schema.HELLO_REPLY_SESSION]


def _pressing(rig):
    rig.start([ramp(100000, 20000), hold(100000, 60000)])
    return lambda: rig.sequencer.state


def test_a_request_is_answered_once():
    host, session = _open(Rig())
    data = {schema.ECHO_REQUEST_DATA: bytes(range(256))}
    replies = host.send(host.frame(schema.CMD_ECHO, 2, session, data))
    assert len(replies) == 1
    assert replies[0][:4] == (schema.KIND_REPLY, schema.CMD_ECHO, 2, session)
    assert replies[0][4] == data


def test_requests_that_arrive_together_are_each_answered():
    rig = Rig()
    host, session = _open(rig)
    # As after a slow start: hello was repeated, and the host has acted on its first reply.
    again = host.frame(schema.CMD_HELLO, 1, 0, _hello())
    replies = host.send(again, host.frame(schema.CMD_STATUS, 2, session))
    assert [reply[1] for reply in replies] == [schema.CMD_HELLO, schema.CMD_STATUS]
    assert replies[0][4][schema.HELLO_REPLY_SESSION] == session + 1
    assert replies[1][4][schema.ERROR_REPLY_CODE] == schema.ERR_BAD_SESSION


def test_a_request_behind_a_reply_that_has_no_room_waits_to_be_repeated():
    rig = Rig()
    host, session = _open(rig)
    host.room = 0
    status = host.frame(schema.CMD_STATUS, 2, session)
    echo = host.frame(schema.CMD_ECHO, 3, session, {schema.ECHO_REQUEST_DATA: b"ab"})
    assert host.send(status, echo) == []
    host.room = None
    assert [reply[1] for reply in host.send()] == [schema.CMD_STATUS]
    assert [reply[1] for reply in host.send(echo)] == [schema.CMD_ECHO]


def test_a_repeated_request_is_answered_again_but_carried_out_once():
    rig = Rig()
    state = _pressing(rig)
    host, session = _open(rig)
    pause = host.frame(schema.CMD_PAUSE, 9, session)
    assert host.send(pause)[0][0] == schema.KIND_REPLY
    rig.tick()
    assert state() == schema.STATE_PAUSED
    # If it were carried out twice, the second pause would be refused.
    assert host.send(pause)[0][0] == schema.KIND_REPLY
    assert host.send(pause, pause)[-1][0] == schema.KIND_REPLY


def test_a_late_copy_of_an_older_request_does_nothing():
    rig = Rig()
    state = _pressing(rig)
    host, session = _open(rig)
    pause = host.frame(schema.CMD_PAUSE, 9, session)
    host.send(pause)
    rig.tick()
    host.send(host.frame(schema.CMD_RESUME, 10, session))
    rig.tick()
    assert state() == schema.STATE_RUNNING
    assert host.send(pause) == []
    rig.tick()
    assert state() == schema.STATE_RUNNING
    # Sequence numbers wrap around; a newer one is newer across the wrap.
    for seq in (30000, 60000, 5):
        assert len(host.send(host.frame(schema.CMD_STATUS, seq, session))) == 1


def test_a_new_session_ends_the_one_before():
    rig = Rig()
    state = _pressing(rig)
    host, old = _open(rig)
    host, new = _open(rig)
    assert new != old
    replies = host.send(host.frame(schema.CMD_ABORT, 50, old))
    assert replies[0][0] == schema.KIND_ERROR
    assert replies[0][4] == {schema.ERROR_REPLY_CODE: schema.ERR_BAD_SESSION}
    rig.tick()
    assert state() == schema.STATE_RUNNING
    assert host.send(host.frame(schema.CMD_ABORT, 51, new))[0][0] == schema.KIND_REPLY


def test_refusals_name_field_and_limit():
    host, session = _open(Rig())
    replies = host.send(host.frame(schema.CMD_BACKFILL, 3, session, {1: 5, 2: 1}))
    kind, _, _, _, values = replies[0]
    assert kind == schema.KIND_ERROR
    assert values[schema.ERROR_REPLY_CODE] == schema.ERR_NOT_HELD
    assert values[schema.ERROR_REPLY_FIELD] == schema.BACKFILL_REQUEST_FIRST
    assert values[schema.ERROR_REPLY_DETAIL] == 0


def test_another_major_version_is_refused():
    host = Host(Rig())
    values = _hello()
    values[schema.HELLO_REQUEST_MAJOR] = schema.PROTOCOL_MAJOR + 1
    reply = host.send(host.frame(schema.CMD_HELLO, 1, 0, values))[0]
    assert reply[0] == schema.KIND_ERROR
    assert reply[4][schema.ERROR_REPLY_CODE] == schema.ERR_BAD_VERSION
    assert reply[4][schema.ERROR_REPLY_DETAIL] == schema.PROTOCOL_MAJOR


def test_a_host_that_does_not_read_costs_records_not_ticks():
    rig = Rig()
    host, session = _open(rig)
    _pressing(rig)
    host.send(
        host.frame(
            schema.CMD_STREAM,
            4,
            session,
            {schema.STREAM_REQUEST_ON: True, schema.STREAM_REQUEST_BATCH_TICKS: 10},
        )
    )
    rig.run(1)
    assert len(host.events) >= 9
    host.room = 0
    ticks = rig.controller.tick_count
    rig.run(3)
    assert rig.controller.tick_count == ticks + 300
    host.room = None
    host.events.clear()
    rig.run(1)
    # What was skipped is still in the ring, and the jump in the numbers says that it was.
    numbers = [event[4][schema.TELEMETRY_EVENT_FIRST] for event in host.events]
    assert numbers == sorted(numbers)
    first = numbers[1]
    assert rig.app.ring.oldest <= first - 200
    replies = host.send(host.frame(schema.CMD_BACKFILL, 8, session, {1: first - 200, 2: 20}))
    assert len(replies[0][4][schema.BACKFILL_REPLY_RECORDS]) == 20 * schema.SHORT_RECORD_SIZE


def test_noise_before_a_frame_is_no_obstacle():
    host, session = _open(Rig())
    status = host.frame(schema.CMD_STATUS, 5, session)
    assert len(host.send(b"\x03\x00garbage\x01\x05\x02" + status)) == 1
    assert len(host.send(status[:7])) == 0
    assert len(host.send(host.frame(schema.CMD_STATUS, 6, session))) == 1


def test_an_abort_whose_reply_is_gone_is_not_carried_out_twice():
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 60000)], vent_rate_kpa_s=10000)
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    host, old = _open(rig)
    host, session = _open(rig)
    abort = host.frame(schema.CMD_ABORT, 9, session)
    host.send(abort)
    rig.tick()
    # A frame from before the reconnect is refused, and the refusal takes the reply's place.
    host.send(host.frame(schema.CMD_STATUS, 3, old))
    host.send(abort)
    rig.run(1)
    assert rig.release < schema.OUTPUT_FULL // 2
    assert rig.plant.pellet_mpa > 70


def test_a_host_that_never_stops_talking_does_not_stop_the_foreground():
    rig = Rig()
    chunks = [0]

    def endless(buf):
        chunks[0] += 1
        if chunks[0] > 1000:
            return 0
        for i in range(len(buf)):
            buf[i] = 0x55
        return len(buf)

    rig.receive_into = endless
    rig.tick()
    assert chunks[0] <= 16


def test_a_request_that_failed_is_not_answered_with_the_reply_before():
    rig = Rig()
    host, session = _open(rig)
    host.send(host.frame(schema.CMD_STATUS, 2, session))

    def broken(code, values, payload):
        raise OSError(5)

    rig.app.server.handle = broken
    link = rig.app.link
    echo = host.frame(schema.CMD_ECHO, 3, session, {schema.ECHO_REQUEST_DATA: b"x"})
    host.to_board = echo
    try:
        link.poll()
    except OSError:
        assert host.send(echo) == []
    else:
        raise AssertionError("the failure was swallowed")


def _abort_notice(host, session, payload=b"\xa0"):
    encoder = host.encoder
    encoder.payload[encoder.START : encoder.START + len(payload)] = payload
    end = encoder.START + len(payload)
    n = encoder.finish(schema.KIND_NOTICE, schema.NOTICE_ABORT, 0, session, end)
    return bytes(encoder.wire[:n])


def test_any_program_aborts_and_the_session_of_the_host_goes_on():
    for session_of_notice in (0, 1, 9999):
        rig = Rig()
        rig.start([ramp(100000, 20000), hold(100000, 60000)], vent_rate_kpa_s=10000)
        assert rig.run(30, lambda rig=rig: rig.sequencer.hold.dwelling)
        host, session = _open(rig)
        status = host.frame(schema.CMD_STATUS, 2, session)
        kept = host.send(status)
        assert host.send(_abort_notice(host, session_of_notice)) == []
        # The reply that the host may ask for again is still there.
        assert host.send(status) == kept
        rig.tick()
        assert rig.sequencer.state == schema.STATE_VENTING
        # A repetition, also of the command, neither dumps nor fails.
        host.send(_abort_notice(host, session_of_notice))
        assert host.send(host.frame(schema.CMD_ABORT, 3, session))[0][0] == schema.KIND_REPLY
        rig.tick()
        assert not rig.sequencer.dumping
        assert host.send(host.frame(schema.CMD_DUMP, 4, session))[0][0] == schema.KIND_REPLY
        rig.tick()
        assert rig.sequencer.dumping
        assert host.send(host.frame(schema.CMD_STATUS, 5, session))[0][0] == schema.KIND_REPLY
        assert rig.run(30, lambda rig=rig: not rig.sequencer.active())
        assert rig.sequencer.end_reason == schema.END_ABORTED


def test_an_abort_notice_without_a_run_changes_nothing():
    rig = Rig()
    host, _ = _open(rig)
    host.send(_abort_notice(host, 0))
    rig.run(1)
    assert rig.sequencer.state == schema.STATE_IDLE
