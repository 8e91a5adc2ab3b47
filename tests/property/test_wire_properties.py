"""Board and host agree on any bytes: round trips, differential decoding, hostile streams."""

from __future__ import annotations

import binascii
import struct
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pressloop.wire import schema
from pressloop.wire.codec import (
    DecodeError,
    EncodeError,
    decode_message,
    decode_telemetry,
    encode_message,
)
from pressloop.wire.frame import Frame, FrameDecoder, encode_frame
from pressloop.wire.message import Field, FieldKind, Message
from pressloop_fw.wire import cbor
from pressloop_fw.wire import frame as board_frame
from pressloop_fw.wire import schema as board_schema

from tests.property.wire_messages import MESSAGES

MAX = 64


def board_fields(cls: type[Message]) -> Any:
    name = "".join("_" + c if c.isupper() else c for c in cls.__name__).lstrip("_").upper()
    return getattr(board_schema, f"{name}_FIELDS")


def values(field: Field) -> st.SearchStrategy[Any]:
    low, high = field.low, field.high
    if field.kind is FieldKind.BOOL:
        return st.booleans()
    if field.kind is FieldKind.BYTES:
        return st.binary(min_size=low, max_size=high)
    if field.kind is FieldKind.TEXT:
        text = st.text(st.characters(codec="utf-8"), min_size=low, max_size=high)
        return text.filter(lambda text: len(text.encode()) <= high)
    if field.kind is FieldKind.INTS:
        element = st.integers(field.element_low, field.element_high)
        return st.lists(element, min_size=low, max_size=high).map(tuple)
    integers = st.integers(low, high)
    return integers if field.enum is None else integers.map(field.enum)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    cls = draw(st.sampled_from(MESSAGES))
    chosen = {
        field.name: draw(values(field) if field.required else st.none() | values(field))
        for field in cls.FIELDS
    }
    return cls(**chosen)


def to_board(message: Message) -> dict[int, Any]:
    found = {}
    for field in message.FIELDS:
        value = getattr(message, field.name)
        if value is not None:
            found[field.key] = int(value) if field.kind is FieldKind.INT else value
    return found


@given(messages())
def test_what_one_side_encodes_the_other_decodes(message: Message) -> None:
    payload = encode_message(message)
    fields = board_fields(type(message))
    decoded = cbor.decode_map(fields, payload, 0, len(payload))
    assert {k: tuple(v) if isinstance(v, list) else v for k, v in decoded.items()} == to_board(
        message
    )
    buf = bytearray(1024)
    end = cbor.encode_map(fields, decoded, buf, 0)
    assert buf[:end] == payload
    assert decode_message(type(message), payload) == message


def accepted_by_board(cls: type[Message], payload: bytes) -> bool:
    try:
        cbor.decode_map(board_fields(cls), payload, 0, len(payload))
    except cbor.CodecError:
        return False
    return True


def accepted_by_host(cls: type[Message], payload: bytes) -> bool:
    try:
        decode_message(cls, payload)
    except DecodeError:
        return False
    return True


@st.composite
def damaged(draw: st.DrawFn) -> tuple[type[Message], bytes]:
    """Draw a valid message with a few bytes replaced, inserted or removed."""
    message = draw(messages())
    data = bytearray(encode_message(message))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return type(message), bytes(data)


@settings(max_examples=500)
@given(damaged())
def test_both_sides_accept_the_same_damaged_messages(case: tuple[type[Message], bytes]) -> None:
    cls, payload = case
    assert accepted_by_board(cls, payload) == accepted_by_host(cls, payload)


@settings(max_examples=300)
@given(st.sampled_from(MESSAGES), st.binary(max_size=40))
@example(schema.AliveNotice, b"\xa1\x01\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01")
@example(schema.AliveNotice, b"\xa1\x01\xc5\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01")
@example(schema.AliveNotice, b"\xa1\x01\xc0\x61\x30")
@example(schema.AliveNotice, b"\xa1\x01\xd8\x23\x61\x28")
@example(schema.AliveNotice, b"\x81" * 400)
@example(schema.AliveNotice, b"\xa1\x80\x01")
def test_both_sides_accept_the_same_bytes(cls: type[Message], payload: bytes) -> None:
    assert accepted_by_board(cls, payload) == accepted_by_host(cls, payload)


@given(messages(), st.data())
def test_encode_refuses_what_decode_would(message: Message, data: st.DataObject) -> None:
    cls = type(message)
    if not cls.FIELDS:
        return
    field = data.draw(st.sampled_from(cls.FIELDS))
    wrong: Any = data.draw(
        st.one_of(st.integers(), st.text(max_size=200), st.binary(max_size=600), st.booleans())
    )
    given_values = {f.name: getattr(message, f.name) for f in cls.FIELDS} | {field.name: wrong}
    try:
        payload = encode_message(cls(**given_values))
    except EncodeError as error:
        assert error.field == field.name
    else:
        assert accepted_by_host(cls, payload)
        assert accepted_by_board(cls, payload)


class Board:
    """The board's decoder with the interface of the host's."""

    def __init__(self) -> None:
        self.heard: list[Frame | bytes] = []
        self.decoder = board_frame.Decoder(MAX, self._frame, self._console)

    def _frame(
        self, kind: int, code: int, seq: int, session: int, buf: Any, a: int, b: int
    ) -> None:
        self.heard.append(Frame(kind, code, seq, session, bytes(buf[a:b])))

    def _console(self, byte: int) -> None:
        if self.heard and isinstance(self.heard[-1], bytes):
            self.heard[-1] += bytes([byte])
        else:
            self.heard.append(bytes([byte]))


def joined(items: list[Frame | bytes]) -> list[Frame | bytes]:
    """Join neighbouring pieces of console text."""
    out: list[Frame | bytes] = []
    for item in items:
        if out and isinstance(item, bytes) and isinstance(out[-1], bytes):
            out[-1] += item
        else:
            out.append(item)
    return out


u16 = st.integers(0, 65535)
frames = st.builds(
    Frame, st.integers(0, 255), st.integers(0, 255), u16, u16, st.binary(max_size=MAX)
)
special = st.sampled_from([b"\x01", b"\x02", b"\x03", b"\x04", b"\x10", b"\x21", b"x" * 100])
streams = st.lists(
    frames.map(encode_frame)
    | frames.map(lambda frame: encode_frame(frame)[:-3])
    | special
    | st.binary(max_size=30),
    max_size=12,
).map(b"".join)


@given(frames)
def test_both_sides_write_the_same_frame(frame: Frame) -> None:
    encoder = board_frame.Encoder(MAX)
    end = encoder.START + len(frame.payload)
    encoder.payload[encoder.START : end] = frame.payload
    n = encoder.finish(frame.kind, frame.code, frame.sequence, frame.session, end)
    assert encoder.wire[:n] == encode_frame(frame)
    assert not set(encoder.wire[1 : n - 1]) & {1, 2, 3, 4}


@settings(max_examples=500)
@given(streams, st.lists(st.integers(1, 50), max_size=20))
def test_both_sides_hear_the_same_in_any_stream(stream: bytes, cuts: list[int]) -> None:
    board, decoder = Board(), FrameDecoder(MAX)
    heard: list[Frame | bytes] = []
    at = 0
    for size in [*cuts, len(stream)]:
        piece = stream[at : at + size]
        at += size
        board.decoder.feed(piece, len(piece))
        heard += decoder.feed(piece)
    assert joined(heard) == board.heard
    # An open frame is not yet an error on the host, a broken one already is on the board.
    board.decoder.feed(b"\x01", 1)
    decoder.feed(b"\x01")
    assert board.decoder.errors == decoder.errors


@given(streams)
def test_no_frame_is_delivered_that_its_crc_does_not_cover(stream: bytes) -> None:
    for item in FrameDecoder(MAX).feed(stream):
        if isinstance(item, Frame):
            # The stream has the delivered frame exactly as it is encoded.
            assert encode_frame(item) in stream


@given(st.lists(frames, min_size=1, max_size=4), st.binary(max_size=40))
def test_frames_behind_any_noise_are_heard(sent: list[Frame], noise: bytes) -> None:
    found = FrameDecoder(MAX).feed(noise + b"".join(encode_frame(frame) for frame in sent))
    assert [item for item in found if isinstance(item, Frame)][-len(sent) :] == sent


@given(frames, st.data())
def test_a_burst_of_damage_is_never_delivered(frame: Frame, data: st.DataObject) -> None:
    """CRC-32 detects every burst error of up to 32 bits."""
    body = struct.pack("<BBHH", *frame[:4]) + frame.payload
    body += struct.pack("<I", binascii.crc32(body))
    at = data.draw(st.integers(0, len(body) - 4))
    flips = data.draw(st.binary(min_size=4, max_size=4).filter(any))
    bad = bytearray(body)
    for i, flip in enumerate(flips):
        bad[at + i] ^= flip
    stuffed = b"".join(
        bytes([0x10, b ^ 0x20]) if b in (1, 2, 3, 4, 16) else bytes([b]) for b in bad
    )
    assert FrameDecoder(MAX).feed(b"\x01" + stuffed + b"\x02") == []
    board = Board()
    board.decoder.feed(b"\x01" + stuffed + b"\x02", len(stuffed) + 2)
    assert board.heard == []


def test_a_payload_that_is_too_long_is_not_framed() -> None:
    with pytest.raises(ValueError, match="512 bytes"):
        encode_frame(Frame(1, 1, 1, 1, bytes(513)))


def test_an_endless_frame_takes_no_memory() -> None:
    decoder = FrameDecoder(MAX)
    for _ in range(1000):
        assert decoder.feed(b"x" * 99 if decoder._inside else b"\x01") == []
        assert len(decoder._pending) <= 2 * (MAX + 10) + 1


U32 = st.integers(0, 2**32 - 1)


@given(U32, U32, st.binary(max_size=480), st.data())
def test_the_quick_way_to_decode_telemetry_accepts_no_more(
    first: int, tick: int, records: bytes, data: st.DataObject
) -> None:
    payload = encode_message(schema.TelemetryEvent(first, tick, records))
    assert decode_telemetry(payload) == schema.TelemetryEvent(first, tick, records)
    damaged = bytearray(payload)
    at = data.draw(st.integers(0, min(20, len(payload) - 1)))
    cut = data.draw(st.integers(0, 3))
    damaged[at : at + cut] = data.draw(st.binary(max_size=4))
    outcomes: list[object] = []
    for decode in (decode_telemetry, lambda p: decode_message(schema.TelemetryEvent, p)):
        try:
            outcomes.append(decode(bytes(damaged)))
        except DecodeError as error:
            outcomes.append((error.reason, error.field))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "payload",
    [
        "a3010102020340" + "00",  # a byte behind the map
        "a301180102020340",  # an integer longer than needed
        "bf010102020340ff",  # an indefinite map
        "a30101020203" + "5f40ff",  # an indefinite string
        "a3020201010340",  # keys out of order
        "a401010101020203" + "40",  # a key twice
        "a301f502020340",  # true for one
        "a3010102020360",  # text for bytes
    ],
)
def test_telemetry_written_otherwise_is_refused(payload: str) -> None:
    with pytest.raises(DecodeError):
        decode_telemetry(bytes.fromhex(payload))
