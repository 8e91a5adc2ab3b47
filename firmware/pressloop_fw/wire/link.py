"""Connects frames with the bytes of the board; keeps the session and the last reply.

A host repeats a request when its reply is late. The repeated request has the same sequence number:
it gets the same reply again and is not carried out again.
"""

from pressloop_fw.wire import cbor, frame, schema
from pressloop_fw.wire.errors import CommandError

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const


_CHUNK = const(256)
# Chunks that one poll takes in: a host that never stops sending must not stop the foreground.
_MAX_CHUNKS = const(8)
_NONE = const(-1)


class Link:
    """Serves one host at a time.

    `handler.handle(code, values, payload)` returns the values of the reply or raises CommandError.
    `handler.abort()` ends the run; it is called for any host, also one without a session.
    There are two outgoing frames: the last reply, which the host may ask for again, and the event,
    which is not made while the one before is still going out.
    """

    def __init__(self, board, handler, on_console):
        self.session = 0
        self._board = board
        self._handler = handler
        self._rx = bytearray(_CHUNK)
        self._decoder = frame.Decoder(schema.MAX_PAYLOAD, self._on_frame, on_console)
        self._reply = frame.Encoder(schema.MAX_PAYLOAD)
        self._reply_size = 0
        # Newest sequence number of the session, and the one whose reply is still in the buffer.
        self._last_seq = _NONE
        self._kept_seq = _NONE
        self._event = frame.Encoder(schema.MAX_PAYLOAD)
        self._event_seq = 0
        # Frame that is being sent, and how much of it has been sent.
        self._out = None
        self._out_at = 0
        self._out_is_reply = False
        self._reply_due = False
        self._event_due = False
        self._event_size = 0

    def errors(self):
        """Return how many frames were dropped since boot."""
        return self._decoder.errors

    def poll(self):
        """Process what has arrived; send what there is room for."""
        rx = self._rx
        for _ in range(_MAX_CHUNKS):
            if self._reply_due or self._event_due:
                self._send()
                if self._reply_due:
                    # The host has not taken the reply yet: its next request can wait.
                    return
            n = self._board.receive_into(rx)
            if n == 0:
                return
            self._decoder.feed(rx, n)
        self._send()

    def event_buffer(self):
        """Return (buffer, start) to encode an event into, or None while one is still going out."""
        if self._event_due:
            return None
        return self._event.payload, self._event.START

    def send_event(self, code, end):
        """Send the event that was encoded up to `end`."""
        self._event_seq = (self._event_seq + 1) & 0xFFFF
        self._event_size = self._event.finish(
            schema.KIND_EVENT, code, self._event_seq, self.session, end
        )
        self._event_due = True
        self._send()

    def open_session(self):
        """Start a session and return its number; frames of the one before are refused."""
        self.session = self.session % 0xFFFF + 1
        return self.session

    def _send(self):
        while True:
            if self._out is None:
                if self._reply_due:
                    self._out = memoryview(self._reply.wire)[: self._reply_size]
                elif self._event_due:
                    self._out = memoryview(self._event.wire)[: self._event_size]
                else:
                    return
                self._out_at = 0
                self._out_is_reply = self._reply_due
            while self._out_at < len(self._out):
                n = self._board.send(self._out[self._out_at :])
                if n == 0:
                    return
                self._out_at += n
            if self._out_is_reply:
                self._reply_due = False
            else:
                self._event_due = False
            self._out = None

    def _on_frame(self, kind, code, seq, session, buf, start, end):
        hello = kind == schema.KIND_REQUEST and code == schema.CMD_HELLO and session == 0
        if kind == schema.KIND_NOTICE:
            if code == schema.NOTICE_ABORT:
                # From any program that reaches the port, whose host may hang.
                self._handler.abort()
            elif session == self.session and session:
                self._handler.heard()
                self._notice(code, buf, start, end)
            return
        if kind != schema.KIND_REQUEST:
            return
        if self._reply_due:
            # Two requests in one chunk, but there is one buffer for replies. The first reply goes
            # out before the second request is read; if it cannot, the host has to repeat the
            # second.
            self._send()
            if self._reply_due:
                return
        if hello:
            self._last_seq = _NONE
        elif session != self.session or session == 0:
            self._refuse(code, seq, session, schema.ERR_BAD_SESSION)
            self._kept_seq = _NONE
            return
        else:
            self._handler.heard()
            if seq == self._kept_seq:
                self._reply_due = True
                return
            if self._last_seq != _NONE and (self._last_seq - seq) & 0xFFFF < 0x8000:
                # A late copy of a request that was carried out already, without its reply any more.
                # It must not be carried out again: an old pause would stop a run that was resumed.
                return
            self._last_seq = seq
        self._kept_seq = _NONE
        self._request(code, seq, session, buf, start, end)
        if not hello:
            self._kept_seq = seq

    def _request(self, code, seq, session, buf, start, end):
        tables = schema.COMMANDS.get(code)
        if tables is None:
            self._refuse(code, seq, session, schema.ERR_UNKNOWN_COMMAND)
            return
        try:
            values = cbor.decode_map(tables[0], buf, start, end)
        except cbor.CodecError as error:
            self._refuse(code, seq, session, error.code, field=error.field)
            return
        try:
            reply = self._handler.handle(code, values, memoryview(buf)[start:end])
        except CommandError as refusal:
            self._refuse(
                code, seq, session, refusal.code, refusal.step, refusal.field, refusal.detail
            )
            return
        if code == schema.CMD_HELLO:
            session = self.session
        encoder = self._reply
        end = cbor.encode_map(tables[1], reply, encoder.payload, encoder.START)
        self._queue(schema.KIND_REPLY, code, seq, session, end)

    def _notice(self, code, buf, start, end):
        if code == schema.NOTICE_ALIVE:
            try:
                values = cbor.decode_map(schema.ALIVE_NOTICE_FIELDS, buf, start, end)
            except cbor.CodecError:
                return
            self._handler.alive(values[schema.ALIVE_NOTICE_TICK])

    def _refuse(self, code, seq, session, error, step=-1, field=0, detail=-1):
        values = {schema.ERROR_REPLY_CODE: error}
        if step >= 0:
            values[schema.ERROR_REPLY_STEP] = step
        if field:
            values[schema.ERROR_REPLY_FIELD] = field
        if detail >= 0:
            values[schema.ERROR_REPLY_DETAIL] = detail
        encoder = self._reply
        end = cbor.encode_map(schema.ERROR_REPLY_FIELDS, values, encoder.payload, encoder.START)
        self._queue(schema.KIND_ERROR, code, seq, session, end)

    def _queue(self, kind, code, seq, session, end):
        self._reply_size = self._reply.finish(kind, code, seq, session, end)
        self._reply_due = True
