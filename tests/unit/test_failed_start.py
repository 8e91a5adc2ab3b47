"""A run whose start cannot be recorded is aborted; it does not go on without a record."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import cbor2
import pytest
from pressloop import Press, RecordError, confirm_all
from pressloop.evaluation import RunRecord
from pressloop.record.entry_form import EntryKind
from pressloop.record.journal import JournalWriter
from pressloop.wire.schema import (
    AbortReply,
    EndReason,
    ErrorCode,
    StartReply,
    StartRequest,
    State,
)

from tests.unit.fake_board import FakeBoard, RefusalError
from tests.unit.test_press_run import PROTOCOL


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full from the entry on that records the start."""
    write = JournalWriter._write
    full: list[bool] = []

    def refuse(journal: JournalWriter, data: bytes) -> None:
        if full or cbor2.dumps({"kind": EntryKind.START})[1:] in data:
            full.append(True)
            raise OSError(errno.ENOSPC, "No space left on device")
        write(journal, data)

    monkeypatch.setattr(JournalWriter, "_write", refuse)


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize("way", ["run", "start"])
def test_a_start_that_cannot_be_recorded_aborts_the_run(
    way: str, board: FakeBoard, tmp_path: Path
) -> None:
    board.lockstep = True
    with Press.open(board.url) as press:
        with pytest.raises(RecordError) as caught:
            if way == "run":
                press.run(PROTOCOL, out=tmp_path, on_prompt=confirm_all)
            else:
                press.start(PROTOCOL, out=tmp_path).result(10)
        assert len(board.executed("abort")) == 1
        assert (board.state, board.end_reason) == (State.IDLE, EndReason.ABORTED)
    error = caught.value
    assert error.code == "record-write"
    assert error.message == (
        "the record could not be written (No space left on device), so the run was aborted"
    )
    assert RunRecord.open(tmp_path).summary.end_reason == "interrupted"


def test_a_refused_start_is_the_error_even_if_the_disk_is_full(
    board: FakeBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> Any:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(JournalWriter, "_write", full)
        raise RefusalError(ErrorCode.GUARD_OPEN)

    board.do_start = refuse  # type: ignore[method-assign, assignment]
    with Press.open(board.url) as press, pytest.raises(Exception, match="guard") as caught:
        press.run(PROTOCOL, out=tmp_path, on_prompt=confirm_all)
    assert getattr(caught.value, "code", "") == "guard-open"


def test_an_abort_before_the_first_tick_is_not_lost(board: FakeBoard, tmp_path: Path) -> None:
    """The board carries a start out with its next tick; until then its state is idle."""

    def start(request: StartRequest) -> StartReply:
        board.run_id = request.run_id
        board.run_first = len(board.records)
        board.end_reason = EndReason.NONE
        pending.append(True)
        return StartReply(board.run_first, board.tick)

    def step_press() -> None:
        if pending:
            pending.clear()
            board.go_to(0)

    def abort(_: object) -> AbortReply:
        if not pending and board.state is State.IDLE:
            raise RefusalError(ErrorCode.BAD_STATE)
        pending.clear()
        board.end(EndReason.ABORTED)
        return AbortReply()

    pending: list[bool] = []
    board.do_start = start  # type: ignore[method-assign]
    board.do_abort = abort  # type: ignore[method-assign]
    board.step_press = step_press  # type: ignore[method-assign]
    with Press.open(board.url) as press:
        run = press.start(PROTOCOL, out=tmp_path)
        run.abort()
        board.lockstep = True
        board.advance(20)
        assert run.result(10).end_reason == "aborted"
        run.abort()  # it has ended: no effect
