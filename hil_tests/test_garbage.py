"""Noise on the wire damages the frames that it hits and nothing else.

The noise has no Ctrl-C and no Ctrl-D: between frames they are keys of MicroPython's console.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from pressloop.hil.rawlink import RawLink
from pressloop.wire.codec import decode_message, encode_message
from pressloop.wire.frame import END, ESCAPE, START, Frame, encode_frame
from pressloop.wire.message import Request
from pressloop.wire.schema import (
    MAX_PAYLOAD,
    EchoReply,
    EchoRequest,
    ErrorCode,
    FrameKind,
    StatusReply,
    StatusRequest,
    StreamRequest,
)

CONSOLE_KEYS = b"\x03\x04"
TEXT = bytes(byte for byte in range(256) if byte not in CONSOLE_KEYS + START + END)


@pytest.fixture
def wire(wire: RawLink) -> RawLink:
    """Open a session and return its link."""
    wire.hello()
    return wire


def errors(wire: RawLink) -> int:
    """Return how many frames the board has dropped."""
    return wire.ask(StatusRequest()).frame_errors


def test_text_between_frames_is_no_error(wire: RawLink) -> None:
    before = errors(wire)
    request = wire.frame(EchoRequest(b"between"))
    wire.send(TEXT + encode_frame(request) + TEXT)
    assert decode_message(EchoReply, wire.answer(request.sequence).payload).data == b"between"
    assert errors(wire) == before


def test_each_bad_frame_is_counted_once(wire: RawLink) -> None:
    before = errors(wire)
    whole = encode_frame(wire.frame(EchoRequest(b"0123456789")))
    flipped = whole[:12] + bytes([whole[12] ^ 0x40]) + whole[13:]
    bad = [
        START + END,  # empty
        START + b"abc" + END,  # too short for header and CRC
        flipped,  # wrong CRC
        whole[:-4] + END,  # cut short
        START + b"a" * (4 * MAX_PAYLOAD) + END,  # longer than any frame
        START + b"ab" + ESCAPE + b"Zab" + END,  # an escape of a byte that needs none
        whole[:9],  # cut off; the next start byte ends it
    ]
    wire.send(b"".join(bad))
    assert errors(wire) == before + len(bad)


def test_one_flipped_bit_anywhere_is_noticed(wire: RawLink) -> None:
    request = wire.frame(EchoRequest(b"bits"))
    data = encode_frame(request)
    before = errors(wire)
    spoiled = 0
    for at in range(1, len(data) - 1):
        for bit in range(8):
            byte = data[at] ^ 1 << bit
            if bytes([byte]) in (START, END) or byte in CONSOLE_KEYS:
                continue
            wire.send(data[:at] + bytes([byte]) + data[at + 1 :])
            spoiled += 1
    # No damaged frame was answered: the next answer is that to the status request.
    assert errors(wire) == before + spoiled


def test_random_bytes_do_not_deafen_the_board(wire: RawLink) -> None:
    noise = random.Random(1)
    letters = bytes(byte for byte in range(256) if byte not in CONSOLE_KEYS)
    for _ in range(50):
        wire.send(bytes(noise.choices(letters, k=noise.randrange(300))))
        request = wire.frame(StatusRequest())
        wire.send(encode_frame(request))
        answer = wire.answer(request.sequence)
        assert decode_message(StatusReply, answer.payload).missed_ticks >= 0


def test_frame_in_single_bytes(wire: RawLink) -> None:
    request = wire.frame(EchoRequest(b"slow"))
    for byte in encode_frame(request):
        wire.send(bytes([byte]))
    assert decode_message(EchoReply, wire.answer(request.sequence).payload).data == b"slow"


def test_frames_that_are_not_requests_are_not_answered(wire: RawLink) -> None:
    before = errors(wire)
    echo = wire.frame(EchoRequest(b"echo"))
    for kind in (0, FrameKind.REPLY, FrameKind.ERROR, FrameKind.NOTICE, FrameKind.EVENT, 99):
        wire.send(encode_frame(echo._replace(kind=kind)))
    assert errors(wire) == before


PAYLOADS: list[tuple[str, Request[Any], bytes, ErrorCode, int | None]] = [
    ("nothing", EchoRequest(b""), b"", ErrorCode.MALFORMED, None),
    ("not a map", EchoRequest(b""), b"\x01", ErrorCode.MALFORMED, None),
    ("text, not CBOR", EchoRequest(b""), b"hello", ErrorCode.MALFORMED, None),
    ("indefinite map", EchoRequest(b""), b"\xbf\x01\x40\xff", ErrorCode.MALFORMED, None),
    ("trailing byte", EchoRequest(b""), b"\xa1\x01\x40\x00", ErrorCode.MALFORMED, None),
    ("key twice", EchoRequest(b""), b"\xa2\x01\x40\x01\x40", ErrorCode.MALFORMED, None),
    ("cut short", EchoRequest(b""), b"\xa1\x01\x45ab", ErrorCode.MALFORMED, 1),
    ("key absent", EchoRequest(b""), b"\xa0", ErrorCode.MISSING_FIELD, 1),
    ("key unknown", EchoRequest(b""), b"\xa2\x01\x40\x09\x00", ErrorCode.UNKNOWN_FIELD, 9),
    ("text for bytes", EchoRequest(b""), b"\xa1\x01\x61a", ErrorCode.BAD_TYPE, 1),
    ("batch of zero", StreamRequest(True, 1), b"\xa2\x01\xf5\x02\x00", ErrorCode.OUT_OF_RANGE, 2),
]


@pytest.mark.parametrize(
    ("request_", "payload", "code", "field"),
    [payload[1:] for payload in PAYLOADS],
    ids=[payload[0] for payload in PAYLOADS],
)
def test_bad_payload_is_refused_with_its_reason(
    wire: RawLink, request_: Request[Any], payload: bytes, code: ErrorCode, field: int | None
) -> None:
    refusal = wire.refusal(wire.frame(request_, payload=payload))
    assert (refusal.code, refusal.field) == (code, field)
    assert wire.ask(StatusRequest()).missed_ticks >= 0


def test_unknown_command_is_refused(wire: RawLink) -> None:
    frame = Frame(FrameKind.REQUEST, 200, 77, wire.session, encode_message(StatusRequest()))
    assert wire.refusal(frame).code is ErrorCode.UNKNOWN_COMMAND
