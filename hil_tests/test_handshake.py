"""Hello identifies the board and opens the session that counts."""

from __future__ import annotations

import pytest
from pressloop.hil.rawlink import RawLink
from pressloop.wire.codec import decode_message
from pressloop.wire.schema import (
    PROTOCOL_MAJOR,
    SCHEMA_HASH,
    CapabilityBits,
    EchoReply,
    EchoRequest,
    ErrorCode,
    FrameKind,
    HelloReply,
    HelloRequest,
    StatusRequest,
)

from hil_tests.protocols import plan_begin, plan_steps


def test_board_says_who_it_is(board: HelloReply) -> None:
    assert board.major == PROTOCOL_MAJOR
    assert board.schema_hash == SCHEMA_HASH, "board and host were built from different schemas"
    assert board.firmware and board.board and board.python
    assert any(board.unique_id)
    assert int(board.build, 16), "the build is not a hash"
    assert CapabilityBits.PERSISTENT_PROFILE in board.capabilities
    assert board.ring_records >= 1000, "a host that is away for ten seconds must lose nothing"


def test_identity_stays_and_boot_stays(wire: RawLink) -> None:
    first, second = wire.hello(), wire.hello()
    assert second.unique_id == first.unique_id
    assert second.boot_id == first.boot_id
    assert second.build == first.build


@pytest.mark.parametrize("nonce", [0, 1, 0x01020304, 0xFFFFFFFF])
def test_reply_carries_the_nonce(wire: RawLink, nonce: int) -> None:
    assert wire.hello(nonce).nonce == nonce


def test_second_hello_replaces_the_session(wire: RawLink) -> None:
    old = wire.hello().session
    new = wire.hello().session
    assert new != old
    late = wire.frame(StatusRequest(), session=old)
    assert wire.refusal(late).code is ErrorCode.BAD_SESSION
    assert wire.ask(StatusRequest()).missed_ticks >= 0


def test_session_is_needed(wire: RawLink) -> None:
    wire.hello()
    assert wire.refusal(wire.frame(StatusRequest(), session=0)).code is ErrorCode.BAD_SESSION


def test_other_major_version_is_refused(wire: RawLink) -> None:
    hello = HelloRequest(nonce=7, major=PROTOCOL_MAJOR + 1, minor=0, host="from the future")
    refusal = wire.refusal(wire.frame(hello, session=0))
    assert refusal.code is ErrorCode.BAD_VERSION
    assert refusal.detail == PROTOCOL_MAJOR
    assert wire.hello().major == PROTOCOL_MAJOR


def test_newer_minor_version_is_accepted(wire: RawLink) -> None:
    hello = HelloRequest(nonce=7, major=PROTOCOL_MAJOR, minor=255, host="a little newer")
    frame = wire.exchange(wire.frame(hello, session=0))
    assert decode_message(HelloReply, frame.payload).nonce == 7


def test_repeated_request_is_carried_out_once(wire: RawLink) -> None:
    """A second copy of a step would be refused as out of order; it gets the first one's reply."""
    wire.hello()
    wire.ask(plan_begin())
    step = wire.frame(plan_steps()[0])
    first = wire.exchange(step)
    assert first.kind == FrameKind.REPLY
    assert wire.exchange(step) == first


def test_repeated_request_gets_the_same_reply(wire: RawLink) -> None:
    wire.hello()
    request = wire.frame(EchoRequest(b"once"))
    first = wire.exchange(request)
    again = wire.exchange(request)
    assert again == first
    assert first.kind == FrameKind.REPLY
    assert decode_message(EchoReply, first.payload).data == b"once"
