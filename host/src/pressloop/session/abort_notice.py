"""Aborts a run beside the program that owns its board, without a session."""

from __future__ import annotations

import struct
import time
from typing import Final

from pressloop.transport.transport import Transport
from pressloop.wire.codec import WireError, decode_telemetry, encode_message
from pressloop.wire.frame import Frame, FrameDecoder, encode_frame
from pressloop.wire.schema import (
    RECORD_FIELDS,
    RECORD_FORMAT,
    AbortNotice,
    Event,
    FrameKind,
    State,
    TelemetryEvent,
)

MAX_CONFIRM_S: Final = 2.0
"""How long to look for the release in what the board sends."""

_RESEND_S: Final = 0.2
_NO_SESSION: Final = 0
_STATE: Final = RECORD_FIELDS.index("state")
_OVER: Final = (State.VENTING, State.IDLE, State.FAULT)
_MAX_LATE_TICKS: Final = 100


def send_abort(transport: Transport, max_confirm_s: float = MAX_CONFIRM_S) -> bool:
    """Send the abort that needs no session, and look whether the board releases.

    It is sent again and again, because it has no reply; a repetition changes nothing. What the
    board sends is read meanwhile, or a board whose owner does not read could not go on.

    Returns:
        Whether the board's telemetry showed the release or the press at rest. False proves nothing:
        the program that owns the board may have read it.

    Raises:
        LinkClosedError: The port does not take it.
    """
    frame = Frame(FrameKind.NOTICE, AbortNotice.CODE, 0, _NO_SESSION, encode_message(AbortNotice()))
    wire = encode_frame(frame)
    decoder = FrameDecoder()
    deadline = time.monotonic() + max_confirm_s
    due = 0.0
    while (now := time.monotonic()) < deadline:
        if now >= due:
            transport.write(wire)
            due = now + _RESEND_S
        for received in decoder.feed(transport.read()):
            if isinstance(received, Frame) and _shows_release(received):
                return True
    return False


def _shows_release(frame: Frame) -> bool:
    """Return whether a frame has telemetry in which the run is over or is being released."""
    if frame.kind != FrameKind.EVENT or frame.code != Event.TELEMETRY:
        return False
    try:
        return _newest_state(decode_telemetry(frame.payload)) in _OVER
    except WireError:
        return False


def _newest_state(event: TelemetryEvent) -> int | None:
    """Return the state in the last record of an event; None if it has none.

    Without a session it is not known whether the records have their last column: the layout is the
    one in which the clock of the last record fits that of the event.
    """
    for layout in (RECORD_FORMAT, RECORD_FORMAT[:-1]):
        size = struct.calcsize(layout)
        if event.records and len(event.records) % size == 0:
            record = struct.unpack_from(layout, event.records, len(event.records) - size)
            if 0 <= event.tick - record[0] <= _MAX_LATE_TICKS:
                return int(record[_STATE])
    return None
