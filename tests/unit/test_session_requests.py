"""Requests: retried without being carried out twice, never answered by the wrong reply."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, cast

import cbor2
import pytest
from pressloop import Press, errors
from pressloop.session.board_journal import read_board_journal
from pressloop.session.connection import ATTEMPT_WAITS_S, SessionLostError
from pressloop.session.refusals import explain_refusal
from pressloop.session.session import Session
from pressloop.wire.codec import encode_message
from pressloop.wire.frame import Frame, encode_frame
from pressloop.wire.schema import (
    PROTOCOL_MAJOR,
    PROTOCOL_MINOR,
    SCHEMA_HASH,
    AdvanceRequest,
    Command,
    EchoReply,
    EchoRequest,
    ErrorCode,
    ErrorReply,
    FrameKind,
    JournalReadReply,
)

from tests.unit.fake_board import WAITS_S, FakeBoard, RefusalError

Opener = Callable[..., Session]

SHORT_WAITS_S = (0.05, 0.05)
"""For requests that should time out."""


def echo(session: Session, data: bytes) -> bytes:
    return session.request(EchoRequest(data)).data


def is_echo(frame: Frame) -> bool:
    return frame.code == Command.ECHO and frame.kind != FrameKind.EVENT


def only_first(
    times: int, change: Callable[[bytes], Iterable[bytes]]
) -> Callable[[Frame, bytes], Iterable[bytes]]:
    """Change the first replies to an echo, leave everything else alone."""
    left = [times]

    def outgoing(frame: Frame, data: bytes) -> Iterable[bytes]:
        if is_echo(frame) and left[0]:
            left[0] -= 1
            return change(data)
        return [data]

    return outgoing


def test_hello_identifies_the_board(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    assert session.hello.unique_id == board.unique_id
    assert session.hello.session == board.session


def test_a_lost_request_is_sent_again(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    seen: list[Frame] = []

    def drop_two(frame: Frame) -> list[Frame]:
        if not is_echo(frame):
            return [frame]
        seen.append(frame)
        return [frame] if len(seen) > 2 else []

    board.incoming = drop_two
    assert echo(session, b"again") == b"again"
    assert len({frame.sequence for frame in seen}) == 1
    assert len(board.executed("echo")) == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: [], id="lost"),
        pytest.param(lambda data: [data[:-5]], id="cut short"),
        pytest.param(lambda data: [data[:9] + bytes([data[9] ^ 0x40]) + data[10:]], id="corrupt"),
    ],
)
def test_after_a_spoilt_reply_the_request_is_carried_out_once(
    board: FakeBoard, open_session: Opener, change: Callable[[bytes], Iterable[bytes]]
) -> None:
    session = open_session()
    board.outgoing = only_first(2, change)
    assert echo(session, b"once") == b"once"
    assert len(board.executed("echo")) == 1


def test_duplicated_frames_are_harmless(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    board.incoming = lambda frame: [frame, frame]
    board.outgoing = lambda frame, data: [data, data]
    for number in range(50):
        assert echo(session, bytes([number])) == bytes([number])
    assert len(board.executed("echo")) == 50


def test_a_late_reply_never_answers_a_newer_request(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()
    kept: list[bytes] = []

    def keep_first(frame: Frame, data: bytes) -> Iterable[bytes]:
        if not is_echo(frame):
            return [data]
        if len(kept) < len(WAITS_S):
            kept.append(data)
            return []
        # The replies to the request that timed out come first, then the right one.
        return [*kept, data]

    board.outgoing = keep_first
    with pytest.raises(errors.BoardTimeoutError):
        echo(session, b"old")
    assert echo(session, b"new") == b"new"


def test_a_reply_of_another_session_is_ignored(board: FakeBoard, open_session: Opener) -> None:
    session = open_session()

    def stranger_first(frame: Frame, data: bytes) -> Iterable[bytes]:
        if is_echo(frame):
            board.send_raw(
                frame._replace(
                    session=frame.session + 1, payload=encode_message(EchoReply(b"stranger"))
                )
            )
        return [data]

    board.outgoing = stranger_first
    assert echo(session, b"mine") == b"mine"


def test_a_hello_that_was_answered_twice_still_gives_a_session(
    board: FakeBoard, open_session: Opener
) -> None:
    """The board numbers a new session for each hello, and a lost reply makes the host say two."""
    lost: list[bytes] = []

    def lose_first(frame: Frame, data: bytes) -> Iterable[bytes]:
        if frame.code == Command.HELLO and not lost:
            lost.append(data)
            return []
        return [data]

    board.outgoing = lose_first
    session = open_session()
    assert len(board.executed("hello")) == 2
    assert echo(session, b"x") == b"x"


def test_a_late_second_session_replaces_the_first(board: FakeBoard, open_session: Opener) -> None:
    """Both hellos are carried out; the second reply arrives after the first was accepted."""
    second: list[bytes] = []

    def twice(frame: Frame) -> list[Frame]:
        return [frame, frame] if frame.code == Command.HELLO else [frame]

    def delay_second(frame: Frame, data: bytes) -> Iterable[bytes]:
        if frame.code == Command.HELLO and frame.kind == FrameKind.REPLY:
            if len(board.executed("hello")) == 2:
                second.append(data)
                return []
            return [data]
        if second:
            return [second.pop(), data]
        return [data]

    board.incoming = twice
    board.outgoing = delay_second
    session = open_session()
    assert echo(session, b"x") == b"x"


def test_an_old_hello_reply_does_not_match(board: FakeBoard, open_session: Opener) -> None:
    """Stale bytes after a reconnect: same command, wrong nonce."""
    stale: list[bytes] = []

    def repeat_stale(frame: Frame, data: bytes) -> Iterable[bytes]:
        if frame.code != Command.HELLO:
            return [data]
        before = stale.copy()
        stale.append(data)
        return [*before, data, *before]

    board.outgoing = repeat_stale
    open_session().close()
    session = open_session()
    assert echo(session, b"x") == b"x"
    assert session.hello.session == board.session == 2


def test_requests_from_many_threads_each_get_their_own_reply(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    wrong: list[bytes] = []

    def ask(name: int) -> None:
        for number in range(25):
            data = bytes([name, number])
            if echo(session, data) != data:
                wrong.append(data)

    threads = [threading.Thread(target=ask, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert wrong == []
    assert len(board.executed("echo")) == 150


def test_a_refusal_names_command_step_field_and_limit(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()

    def do_advance(_: object) -> None:
        raise RefusalError(ErrorCode.OVER_CEILING, step=3, field=1, detail=520_000)

    board.do_advance = do_advance  # type: ignore[method-assign, assignment]
    with pytest.raises(errors.CommandRefusedError) as caught:
        session.request(AdvanceRequest(3))
    error = caught.value
    assert (error.command, error.code, error.step, error.field, error.detail) == (
        "advance",
        "over-ceiling",
        3,
        "step",
        520_000,
    )
    assert "520 MPa" in str(error)
    assert "hint:" in str(error)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_refusal_has_a_meaning_and_a_next_step(code: ErrorCode) -> None:
    error = explain_refusal("start", ErrorReply(code, detail=7), None)
    assert error.message
    assert error.hint
    assert "{" not in str(error)


# --- timeouts and losses say what to do


def test_a_silent_port_says_to_check_port_and_power(board: FakeBoard, open_session: Opener) -> None:
    board.incoming = lambda frame: []
    with pytest.raises(errors.BoardTimeoutError) as caught:
        open_session(waits_s=SHORT_WAITS_S)
    text = str(caught.value)
    assert board.url in text
    assert "did not answer hello" in text
    assert "`pressloop ports`" in text
    assert "power" in text


def test_a_micropython_prompt_is_recognised(board: FakeBoard, open_session: Opener) -> None:
    def at_prompt(frame: Frame) -> list[Frame]:
        board.say(b"\r\n>>> ")
        return []

    board.incoming = at_prompt
    with pytest.raises(errors.BoardTimeoutError, match="flash Pressloop's image"):
        open_session(waits_s=SHORT_WAITS_S)


def test_a_traceback_of_the_firmware_is_in_the_error(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()

    def die(frame: Frame) -> list[Frame]:
        if is_echo(frame):
            board.say(b"Traceback (most recent call last):\r\nMemoryError: no\r\n")
            return []
        return [frame]

    board.incoming = die
    with pytest.raises(errors.BoardTimeoutError) as caught:
        echo(session, b"x")
    assert "MemoryError: no" in str(caught.value)
    assert "MemoryError: no" in session.console


def test_a_cut_link_ends_the_request_in_flight_at_once(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session(waits_s=ATTEMPT_WAITS_S)

    def cut(frame: Frame) -> list[Frame]:
        if is_echo(frame):
            board.say(b"last words\n")
            board.unplug()
            return []
        return [frame]

    board.incoming = cut
    with pytest.raises(errors.LinkClosedError) as caught:
        echo(session, b"x")
    assert "last words" in str(caught.value)


def test_after_a_cut_link_the_session_connects_again(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    board.unplug()
    board.wait_for(lambda: len(board.executed("hello")) == 2)
    assert echo(session, b"back") == b"back"


def test_a_session_that_another_program_opened_is_not_reopened(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    with board.lock:
        board.session += 1
    with pytest.raises(SessionLostError):
        echo(session, b"x")
    with pytest.raises(SessionLostError, match="another program"):
        echo(session, b"x")


def test_another_board_in_its_place_is_not_mistaken_for_it(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    board.unique_id = b"fake-two"
    board.unplug()
    board.wait_for(lambda: len(board.executed("hello")) == 2)

    def ask_until_lost() -> None:
        for _ in range(3):  # the first ones may still meet the end of the old link
            echo(session, b"x")

    with pytest.raises(errors.LinkClosedError, match="another board") as caught:
        ask_until_lost()
    assert caught.value.code == "other-board"


def hello_of_another_layout(frame: Frame, data: bytes) -> list[bytes]:
    """Return a reply to hello with a key more and a key less, as another schema may have."""
    if frame.code != Command.HELLO or frame.kind != FrameKind.REPLY:
        return [data]
    values = cbor2.loads(frame.payload)
    del values[14]
    return [encode_frame(frame._replace(payload=cbor2.dumps({**values, 99: "new"})))]


def of_another_major(board: FakeBoard) -> None:
    board.major = 9


def of_another_schema(board: FakeBoard) -> None:
    board.schema_hash = bytes(8)


def of_another_layout(board: FakeBoard) -> None:
    board.schema_hash = bytes(8)
    board.outgoing = hello_of_another_layout


def that_refuses_hello(board: FakeBoard) -> None:
    def refuse(_: object) -> Any:
        raise RefusalError(ErrorCode.BAD_VERSION, detail=9)

    board.do_hello = refuse  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize(
    "stale", [of_another_major, of_another_schema, of_another_layout, that_refuses_hello]
)
def test_a_board_of_another_schema_is_refused_at_its_first_answer(
    stale: Callable[[FakeBoard], None], board: FakeBoard
) -> None:
    """One hello is enough: no repetition, no telemetry that cannot be read."""
    stale(board)
    with pytest.raises(errors.VersionMismatchError) as caught:
        Press.open(board.url)
    error = caught.value
    assert error.code == "version-mismatch" and "pressloop flash" in error.hint
    assert f"{PROTOCOL_MAJOR}.{PROTOCOL_MINOR}" in error.message
    assert SCHEMA_HASH.hex() in error.message
    if stale in (of_another_major, that_refuses_hello):
        assert "version 9" in error.message
    else:
        assert bytes(8).hex() in error.message and "build fake" in error.message
    assert sum(entry[0] == "hello" for entry in board.log) == 1


def test_a_board_that_got_other_firmware_during_a_session_is_refused(
    board: FakeBoard, open_session: Opener
) -> None:
    session = open_session()
    board.schema_hash = bytes(8)
    board.unplug()
    board.wait_for(lambda: len(board.executed("hello")) == 2)

    def ask_until_lost() -> None:
        for _ in range(3):  # the first ones may still meet the end of the old link
            with suppress(errors.LinkClosedError):
                echo(session, b"x")
        echo(session, b"x")

    with pytest.raises(errors.VersionMismatchError):
        ask_until_lost()


def test_a_newer_minor_version_is_accepted(board: FakeBoard, open_session: Opener) -> None:
    board.minor = 255
    assert open_session().hello.minor == 255


def test_a_closed_session_says_so(open_session: Opener) -> None:
    session = open_session()
    session.close()
    session.close()
    with pytest.raises(errors.LinkClosedError):
        echo(session, b"x")
    with pytest.raises(errors.LinkClosedError):
        session.start_stream()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGALRM")
def test_an_interrupted_wait_leaves_no_action_that_begins_later(open_session: Opener) -> None:
    """Such as the start of a run, by a program that has already left its `with` block."""
    session = open_session()
    blocked, free = threading.Event(), threading.Event()
    begun: list[str] = []

    def block() -> None:
        blocked.set()
        free.wait(10)

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    other = threading.Thread(target=session.in_order, args=(block,))
    other.start()
    assert blocked.wait(5)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            session.in_order(lambda: begun.append("late"))
    finally:
        signal.signal(signal.SIGALRM, before)
        free.set()
        other.join()
    session.in_order(lambda: begun.append("next"))
    assert begun == ["next"]


def test_a_board_journal_that_gives_nothing_is_not_asked_for_ever() -> None:
    class Silent:
        asked = 0

        def request(self, _message: object) -> JournalReadReply:
            self.asked += 1
            assert self.asked < 10
            return JournalReadReply(records=b"")

    silent = Silent()
    assert read_board_journal(cast(Session, silent)) == []
    assert silent.asked == 1
