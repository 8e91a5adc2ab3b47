"""Runs on a board in this process are recorded to the end, and aborted if the host fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pressloop import Press, confirm_all, errors
from pressloop.evaluation import RunRecord
from pressloop.record import RunRecorder
from pressloop.run.prompts import OpenPrompt
from pressloop.session.interrupted_run import InterruptedRun
from pressloop.session.status import PressStatus
from pressloop.wire.schema import (
    AbortReply,
    EndReason,
    ErrorCode,
    Fault,
    InputBits,
    InterruptedRunReply,
    ResetCause,
    StartReply,
    StartRequest,
    State,
)

from tests.unit.fake_board import FakeBoard, RefusalError

PROTOCOL = """
pressloop: 1
name: Two stages and a question
die: 10 mm
ceiling: 300 MPa
stages:
  - name: densify
    ramp: {target: 250 MPa, rate: 10 MPa/s}
    hold: {duration: 10 s, tolerance: 1 %}
  - prompt: Insert the cathode
  - name: bond
    hold: {target: 250 MPa, duration: 10 s, tolerance: 1 %}
"""
PROMPT_STEP = 2


@pytest.fixture
def press(board: FakeBoard) -> Iterator[Press]:
    """A press whose steps last one batch each; prompts wait."""

    def step_press() -> None:
        if board.state is State.RUNNING:
            board.go_to(board.step + 1)

    board.step_press = step_press  # type: ignore[method-assign]
    board.lockstep = True
    with Press.open(board.url, reconnect_timeout_s=3.0) as opened:
        yield opened


def test_a_run_to_its_end(press: Press, board: FakeBoard, tmp_path: Path) -> None:
    asked: list[OpenPrompt] = []

    def ask(prompt: OpenPrompt) -> bool:
        asked.append(prompt)
        return True

    seen: list[PressStatus] = []
    result = press.run(PROTOCOL, out=tmp_path / "run", on_prompt=ask, on_status=seen.append)
    summary = result.summary
    assert [prompt.text for prompt in asked] == ["Insert the cathode"]
    assert summary.gaps == ()
    assert summary.simulated
    assert summary.header.protocol_text == PROTOCOL
    assert summary.header.port == board.url
    assert [event.kind for event in summary.events] == ["prompt", "prompt-answered"]
    assert len(summary.steps) == 4
    assert {status.stage_name for status in seen} <= {"densify", "prompt", "bond", None}
    assert len(result.frame()) == summary.records
    assert board.end_reason is EndReason.COMPLETED
    assert result.end_reason == "completed"
    assert result.check() is result


def test_an_answer_is_sent_before_its_question_is_acknowledged(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    press.run(PROTOCOL, out=tmp_path / "run", on_prompt=confirm_all)
    log = [entry for entry in board.log if entry[0] in ("confirm", "alive")]
    at = next(number for number, entry in enumerate(log) if entry[0] == "confirm")
    confirmed_tick = max(entry[1] for entry in log[:at])
    states = [record[17] for record in board.records]
    asked_tick = states.index(State.PROMPTING)
    assert confirmed_tick <= asked_tick
    assert states.count(State.PROMPTING) == 20


def fail(*_: Any) -> bool:
    raise ZeroDivisionError("in a callback")


@pytest.mark.parametrize("which", ["on_status", "on_prompt"])
def test_an_exception_in_a_callback_aborts_the_press(
    press: Press, board: FakeBoard, tmp_path: Path, which: str
) -> None:
    callbacks: dict[str, Any] = {"on_prompt": confirm_all, which: fail}
    with pytest.raises(ZeroDivisionError):
        press.run(PROTOCOL, out=tmp_path, **callbacks)
    assert len(board.executed("abort")) == 1
    assert RunRecord.open(tmp_path).summary.end_reason == "aborted"


def test_a_callback_that_ends_its_thread_aborts_the_press(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    def leave(_: PressStatus) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        press.run(PROTOCOL, out=tmp_path, on_prompt=confirm_all, on_status=leave)
    assert len(board.executed("abort")) == 1
    assert RunRecord.open(tmp_path).summary.end_reason == "aborted"


def test_a_callback_that_lost_its_output_does_not_end_the_run(press: Press, tmp_path: Path) -> None:
    calls: list[PressStatus] = []

    def show(status: PressStatus) -> None:
        calls.append(status)
        try:
            raise BrokenPipeError
        except BrokenPipeError:
            raise SystemExit(1)  # noqa: B904 - as Rich does

    result = press.run(PROTOCOL, out=tmp_path, on_prompt=confirm_all, on_status=show)
    assert result.end_reason == "completed"
    assert len(calls) == 1


def test_an_exception_in_a_background_callback_aborts_the_press(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    run = press.start(PROTOCOL, out=tmp_path, on_prompt=fail)
    with pytest.raises(ZeroDivisionError):
        run.result(10)
    assert len(board.executed("abort")) == 1
    assert "ZeroDivisionError" in RunRecord.open(tmp_path).summary.note


def test_a_disk_error_aborts_the_press(
    press: Press, board: FakeBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    run = press.start(PROTOCOL, out=tmp_path)
    monkeypatch.setattr(RunRecorder, "telemetry", full)
    with pytest.raises(OSError, match="No space left"):
        run.result(10)
    assert len(board.executed("abort")) == 1


def test_ctrl_c_aborts_the_press_and_completes_the_record(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    def interrupt(_: OpenPrompt) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        press.run(PROTOCOL, out=tmp_path, on_prompt=interrupt)
    summary = RunRecord.open(tmp_path).summary
    assert summary.end_reason == "aborted"
    assert (tmp_path / "run.json").exists()
    assert summary.events[-1].data == {"by": "operator (Ctrl-C)"}
    assert len(board.executed("abort")) == 1


def test_an_operator_who_declines_aborts(press: Press, tmp_path: Path) -> None:
    result = press.run(PROTOCOL, out=tmp_path, on_prompt=lambda prompt: False)
    assert result.end_reason == "aborted"
    with pytest.raises(errors.RunFailedError, match="aborted"):
        result.check()
    assert [event.kind for event in result.summary.events][:2] == ["prompt", "prompt-answered"]


def test_an_open_guard_is_asked_about_again(press: Press, board: FakeBoard, tmp_path: Path) -> None:
    problems: list[str] = []
    do_confirm = board.do_confirm

    def guarded(request: Any) -> Any:
        if len(problems) < 2:
            raise RefusalError(ErrorCode.GUARD_OPEN)
        return do_confirm(request)

    board.do_confirm = guarded  # type: ignore[method-assign]

    def ask(prompt: OpenPrompt) -> bool:
        problems.append(prompt.problem)
        return True

    press.run(PROTOCOL, out=tmp_path, on_prompt=ask)
    assert problems[0] == ""
    assert "guard is open" in problems[1]
    assert board.end_reason is EndReason.COMPLETED


def test_a_prompt_without_an_answer_keeps_an_emulated_press_on_the_wall_clock(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    run = press.start(PROTOCOL, out=tmp_path)
    board.wait_for(lambda: board.state is State.PROMPTING)
    began = board.tick
    threading.Event().wait(0.5)
    assert board.tick - began <= 2 * 20
    assert run.status().prompt == "Insert the cathode"
    run.confirm()
    run.result(10)
    assert board.end_reason is EndReason.COMPLETED


def test_leaving_the_block_aborts_what_is_active(board: FakeBoard, tmp_path: Path) -> None:
    board.lockstep = True
    with Press.open(board.url) as press:
        press.start(PROTOCOL, out=tmp_path)
    assert len(board.executed("abort")) == 1
    assert board.state is State.IDLE
    assert RunRecord.open(tmp_path).summary.end_reason == "aborted"


def test_an_error_in_the_block_aborts_and_is_not_replaced(board: FakeBoard, tmp_path: Path) -> None:
    board.lockstep = True

    def press_and_fail() -> None:
        with Press.open(board.url) as press:
            press.start(PROTOCOL, out=tmp_path)
            fail()

    with pytest.raises(ZeroDivisionError):
        press_and_fail()
    assert board.state is State.IDLE


def test_a_detached_run_continues(board: FakeBoard, tmp_path: Path) -> None:
    board.lockstep = True
    with Press.open(board.url) as press:
        run = press.start(PROTOCOL, out=tmp_path)
        run.detach()
        assert not run.is_active
    assert board.executed("abort") == []
    assert board.state is State.RUNNING
    assert RunRecord.open(tmp_path).summary.end_reason == "interrupted"


def test_a_second_abort_does_not_open_the_valve(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    run = press.start(PROTOCOL, out=tmp_path)
    board.wait_for(lambda: board.state is State.PROMPTING)

    def vent(_: object) -> Any:
        board.state = State.VENTING
        return AbortReply()

    board.do_abort = vent  # type: ignore[method-assign]
    run.abort()
    run.abort()
    assert len(board.executed("abort")) == 1
    run.dump()
    assert len(board.executed("abort")) == 1
    assert len(board.executed("dump")) == 1
    board.end(EndReason.ABORTED)
    assert run.wait(10)


def test_the_board_refuses_what_the_host_let_through(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    def refuse(request: Any) -> Any:
        raise RefusalError(ErrorCode.OVER_CEILING, step=request.index, detail=200_000)

    board.do_plan_step = refuse  # type: ignore[method-assign]
    with pytest.raises(errors.BadInputError) as caught:
        press.run(PROTOCOL, out=tmp_path / "run")
    assert [finding.path for finding in caught.value.findings] == ["stages[0].ramp.target"]
    assert not (tmp_path / "run").exists()


def test_a_press_that_is_not_ready_leaves_a_truthful_record(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    def refuse(request: StartRequest) -> StartReply:
        raise RefusalError(ErrorCode.GUARD_OPEN)

    board.do_start = refuse  # type: ignore[method-assign]
    with pytest.raises(errors.CommandRefusedError, match="guard is open"):
        press.run(PROTOCOL, out=tmp_path)
    assert RunRecord.open(tmp_path).summary.end_reason == "not-started"
    assert board.executed("abort") == []


def test_a_mistake_in_the_protocol_moves_nothing(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    with pytest.raises(errors.BadInputError) as caught:
        press.run(PROTOCOL.replace("300 MPa", "200 MPa"), out=tmp_path / "run")
    assert caught.value.findings[0].code == "over-ceiling"
    assert board.executed("plan_begin") == []


def test_a_fault_is_the_end(press: Press, board: FakeBoard, tmp_path: Path) -> None:
    def trip() -> None:
        if board.state is State.RUNNING:
            board.state = State.FAULT
            board.fault = Fault.OVER_PRESSURE
            board.step = 255

    board.step_press = trip  # type: ignore[method-assign]
    result = press.run(PROTOCOL, out=tmp_path, on_prompt=confirm_all)
    assert result.end_reason == "fault"
    assert result.summary.fault == "over-pressure"
    assert press.clear_fault() is Fault.OVER_PRESSURE
    assert press.clear_fault() is Fault.NONE


def test_the_end_is_found_when_records_are_rare(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    """With a record every ten seconds, most events have no record, only the device clock."""
    advance = board.advance

    def rarely(ticks: int, *, silently: bool = False) -> None:
        if board.tick % 1000 < ticks:
            advance(1, silently=True)
            ticks -= 1
        board.tick += ticks
        board.send_event()

    board.advance = rarely  # type: ignore[method-assign]
    press.run(PROTOCOL, out=tmp_path, on_prompt=confirm_all)
    assert board.end_reason is EndReason.COMPLETED


def test_an_iterator_ends_with_the_run(press: Press, board: FakeBoard, tmp_path: Path) -> None:
    run = press.start(PROTOCOL, out=tmp_path)
    for batch in run.telemetry():
        newest = batch.newest
        if newest and newest.state is State.PROMPTING and board.state is State.PROMPTING:
            run.confirm(PROMPT_STEP)
    assert not run.is_active
    assert list(run.telemetry()) == []
    assert len(run.frame()) == RunRecord.open(tmp_path).summary.records


def test_a_loop_that_comes_late_still_begins_with_the_run(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    run = press.start(PROTOCOL, out=tmp_path, on_prompt=confirm_all)
    run.result()
    heard = [
        seq for batch in run.telemetry() for seq in range(batch.first, batch.first + len(batch))
    ]
    recorded = run.frame()["seq"]
    assert heard[: len(recorded)] == recorded.to_list()
    assert list(run.telemetry()) == []


def test_pause_resume_and_advance_are_in_the_record(
    press: Press, board: FakeBoard, tmp_path: Path
) -> None:
    board.step_press = lambda: None  # type: ignore[method-assign]
    run = press.start(PROTOCOL, out=tmp_path)
    run.pause()
    assert board.state is State.PAUSED
    run.resume()
    run.advance(0)
    run.abort()
    kinds = [event.kind for event in run.result(10).summary.events]
    assert kinds == ["pause", "resume", "advance", "abort"]


# --- lost links and killed hosts


def test_a_link_lost_for_good_leaves_a_record_to_attach_to(
    board: FakeBoard, tmp_path: Path
) -> None:
    board.lockstep = True

    def press_until_lost() -> None:
        with Press.open(board.url, reconnect_timeout_s=0.0) as press:
            run = press.start(PROTOCOL, out=tmp_path)
            board.wait_for(lambda: board.tick >= 200)
            board.vanish()
            run.result(30)

    with pytest.raises(errors.LinkClosedError):
        press_until_lost()
    assert RunRecord.open(tmp_path).summary.end_reason == "interrupted"


def test_the_error_of_a_lost_link_says_how_to_attach(board: FakeBoard, tmp_path: Path) -> None:
    board.lockstep = True
    press = Press.open(board.url, reconnect_timeout_s=0.0)
    run = press.start(PROTOCOL, out=tmp_path)
    board.vanish()
    with pytest.raises(errors.LinkClosedError, match=f"pressloop attach {tmp_path}") as caught:
        run.result(30)
    assert caught.value.record_dir == tmp_path
    press.close()


def abandon(press: Press) -> None:
    """Leave a run as a killed program does: no abort, no end in the record."""
    run = press._run
    assert run is not None
    run.detach()
    press.close()


def test_attaching_fetches_the_missing_records(board: FakeBoard, tmp_path: Path) -> None:
    first = Press.open(board.url)
    first.start(PROTOCOL, out=tmp_path)
    board.press_on(60)
    abandon(first)
    board.advance(140, silently=True)
    with Press.reopen(tmp_path) as press:
        run = press.attach(tmp_path)
        assert run.is_active
        assert board.executed("abort") == board.executed("resume") == []
        board.advance(20)
        board.end(EndReason.ABORTED)
        board.advance(20)
        summary = run.result(10).summary
    assert summary.gaps == ()
    assert summary.records == 60 + 140 + 20 + 1
    assert summary.end_reason == "aborted"
    assert "reattached" in [event.kind for event in summary.events]


def test_attaching_after_the_end_completes_the_record(board: FakeBoard, tmp_path: Path) -> None:
    first = Press.open(board.url)
    first.start(PROTOCOL, out=tmp_path)
    board.press_on(60)
    abandon(first)
    board.advance(100, silently=True)
    board.end(EndReason.HOST_LOST)
    board.advance(500, silently=True)
    with Press.reopen(tmp_path) as press:
        summary = press.attach(tmp_path).result(10).summary
    assert summary.end_reason == "host-lost"
    assert summary.gaps == ()
    assert summary.records == 161


def test_what_the_ring_lost_meanwhile_is_an_exact_gap(board: FakeBoard, tmp_path: Path) -> None:
    first = Press.open(board.url)
    first.start(PROTOCOL, out=tmp_path)
    board.press_on(60)
    abandon(first)
    board.advance(300, silently=True)
    board.forget(200)
    with Press.reopen(tmp_path) as press:
        run = press.attach(tmp_path)
        board.end(EndReason.ABORTED)
        board.advance(20)
        summary = run.result(10).summary
    assert [(gap.first_seq, gap.last_seq) for gap in summary.gaps] == [(60, 199)]


def test_a_start_that_was_not_written_down_is_found_again(
    board: FakeBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(RunRecorder, "started", lambda *_: None)
        first = Press.open(board.url)
        board.advance(33, silently=True)
        first.start(PROTOCOL, out=tmp_path)
        abandon(first)
    board.advance(40, silently=True)
    with Press.reopen(tmp_path) as press:
        run = press.attach(tmp_path)
        board.end(EndReason.ABORTED)
        board.advance(20)
        assert run.result(10).summary.records == 41


@pytest.mark.parametrize("reconnects", [True, False])
def test_the_record_says_that_the_board_restarted(
    board: FakeBoard, tmp_path: Path, reconnects: bool
) -> None:
    press = Press.open(board.url)
    run = press.start(PROTOCOL, out=tmp_path)
    board.press_on(60)
    if not reconnects:
        abandon(press)
        board.boot()
        press = Press.reopen(tmp_path)
        run = press.attach(tmp_path)
    else:
        board.last_fault = Fault.NONE
        board.boot()
        board.last_fault = Fault.POWER_LOSS
        board.unplug()
    summary = run.result(20).summary
    press.close()
    assert summary.end_reason == "board-reset"
    assert summary.records == 60
    assert summary.fault == ("power-loss" if reconnects else None)
    assert "restarted" in summary.note


@pytest.mark.parametrize("power_lost", [True, False])
@pytest.mark.parametrize("mine", [True, False])
def test_the_record_of_a_reset_says_what_the_board_still_knows(
    board: FakeBoard,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    power_lost: bool,
    mine: bool,
) -> None:
    press = Press.open(board.url)
    run = press.start(PROTOCOL, out=tmp_path)
    board.press_on(60)
    abandon(press)
    board.boot()
    fault = Fault.POWER_LOSS if power_lost else Fault.TICK_HANG
    board.interrupted = InterruptedRunReply(
        run_id=run.run_id if mine else b"otherrun",
        step=1,
        dwell_ms=4000,
        pressure_kpa=250000,
        tick=900,
        start_tick=100,
        fault=fault,
        reset_cause=ResetCause.POWER_ON if power_lost else ResetCause.WATCHDOG,
        inputs=0,
    )
    board.last_fault = fault
    with caplog.at_level("WARNING"), Press.reopen(tmp_path) as again:
        assert "was interrupted: " in caplog.text
        assert "in step 1 after at least 4 s of dwell" in caplog.text
        cut = again.interrupted_run()
        assert cut is not None
        assert (cut.step, cut.dwell_s, cut.run_s, cut.pressure_mpa) == (1, 4.0, 8.0, 250.0)
        summary = again.attach(tmp_path).result(20).summary
    assert summary.end_reason == ("power-lost" if power_lost and mine else "board-reset")
    assert summary.fault == fault.name.lower().replace("_", "-")
    assert (
        "in step 1 after at least 4 s of dwell; the last stored reading is 250.0 MPa"
        in summary.note
    ) == mine


def test_a_reset_that_was_no_loss_of_power_is_not_called_one() -> None:
    cut = InterruptedRun(
        run_id=b"12345678",
        step=None,
        dwell_s=0.0,
        run_s=None,
        pressure_mpa=0.0,
        fault=Fault.POWER_LOSS,
        reset_cause=ResetCause.HARD,
        inputs=InputBits(0),
    )
    assert not cut.power_lost
    assert cut.description.startswith("the controller was reset while no step")


def test_a_board_that_was_not_interrupted_says_so(board: FakeBoard) -> None:
    with Press.open(board.url) as press:
        assert press.interrupted_run() is None


def test_attaching_refuses_what_is_not_this_run(board: FakeBoard, tmp_path: Path) -> None:
    first = Press.open(board.url)
    first.start(PROTOCOL, out=tmp_path / "one")
    abandon(first)
    board.end(EndReason.ABORTED)
    with Press.open(board.url) as press:
        board.lockstep = True
        board.step_press = lambda: board.end(EndReason.ABORTED)  # type: ignore[method-assign]
        press.run(PROTOCOL, out=tmp_path / "two")
        with pytest.raises(errors.RecordError) as caught:
            press.attach(tmp_path / "one")
        assert caught.value.code == "other-run"
        with pytest.raises(errors.RecordError) as caught:
            press.attach(tmp_path / "two")
        assert caught.value.code == "record-ended"
    board.unique_id = b"fake-two"
    with Press.open(board.url) as press, pytest.raises(errors.RecordError) as caught:
        press.attach(tmp_path / "one")
    assert caught.value.code == "other-board"


# --- opening


@pytest.mark.parametrize(
    ("port", "kind"),
    [("emulated:teapot", errors.NoBoardError), ("socket://nowhere", errors.BadInputError)],
)
def test_ports_that_cannot_be(port: str, kind: type[errors.PressloopError]) -> None:
    with pytest.raises(kind) as caught:
        Press.open(port)
    assert caught.value.hint


def test_a_press_description_needs_the_emulated_press(board: FakeBoard) -> None:
    with pytest.raises(errors.BadInputError, match="emulated press"):
        Press.open(board.url, press="examples/presses/reference.yaml")


def test_the_profile_goes_both_ways(press: Press, board: FakeBoard) -> None:
    profile = press.profile()
    press.write_profile(profile.model_copy(update={"name": "renamed"}))
    assert press.profile().name == "renamed"
    assert board.profile is not None


def test_what_a_tuning_run_adds_to_the_profile_is_read_back(press: Press) -> None:
    tuned = {"leak_ul_min": 10.0, "leak_uncertainty_ul_min": 1.0, "raw_zero_fraction": 0.5}
    press.write_profile(press.profile().model_copy(update=tuned))
    assert press.profile().leak_ul_min == 10.0
    assert press.profile().raw_zero_fraction == 0.5


def test_notebooks_show_what_matters(press: Press, tmp_path: Path) -> None:
    assert "simulated" in repr(press)
    assert "<table>" in press._repr_html_()
    run = press.start(PROTOCOL, out=tmp_path)
    assert str(tmp_path) in repr(run)
    assert "Two stages" in run._repr_html_()
    run.abort()
    assert "aborted" in run.result(10)._repr_html_()
