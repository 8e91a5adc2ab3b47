"""Pause, resume, abort, prompts, advance: the operator's commands during a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pressloop.errors import CommandRefusedError
from pressloop.hil import wiring
from pressloop.hil.watching import watching
from pressloop.press import Press
from pressloop.wire.message import Request
from pressloop.wire.schema import (
    OUTPUT_FULL,
    AbortRequest,
    AdvanceRequest,
    ConfirmRequest,
    DumpRequest,
    FlagBits,
    PlanCommitRequest,
    State,
)

from hil_tests.checks import assert_pressure_is_kept
from hil_tests.protocols import HOLD, PROMPT, RAMP, RELEASE, SECOND_HOLD, one_hold, short_run

WIRING = wiring.current()

pytestmark = pytest.mark.needs("pressing")

HALF_WAY_KPA = WIRING.work_mpa * 500
PAUSE_S = 1.0


@pytest.mark.parametrize("step", [RAMP, HOLD, RELEASE], ids=["ramp", "hold", "release"])
def test_pause_freezes_and_resume_goes_on(press: Press, tmp_path: Path, step: int) -> None:
    run = press.start(short_run(), out=tmp_path / "run", on_prompt=lambda asked: True)
    with watching(run) as watch:
        first = watch.until(
            lambda now: now.step == step and FlagBits.APPROACHING not in now.flags, "the step"
        )
        watch.until(lambda now: now.tick >= first.tick + 50, "half a second of it")
        run.pause()
        paused = watch.until(lambda now: now.state is State.PAUSED, "the pause", limit_s=0.5)
        watch.until(lambda now: now.tick >= paused.tick + PAUSE_S * 100, "the pause to last")
        run.resume()
        watch.until(lambda now: now.state is State.RUNNING, "the run again", limit_s=0.5)
    result = run.result(60)

    assert result.completed
    assert result.summary.gaps == ()
    frame = result.frame()
    pause = frame[frame.state == "paused"]
    assert len(pause) >= PAUSE_S * 100
    assert_pressure_is_kept(pause)
    assert not pause.dwelling.any(), "the dwell clock counted in the pause"
    after = frame[frame.seq > pause.seq.max()]
    assert after.iloc[0].step_id == step, "the run continued in another step"
    assert [stage.outcome for stage in result.summary.stages] == ["done", "done"]
    for stage in result.summary.stages:
        assert stage.dwell_s == pytest.approx(stage.planned_dwell_s, abs=0.02)


@pytest.mark.parametrize("step", [RAMP, HOLD, RELEASE, PROMPT], ids=lambda step: f"step {step}")
def test_abort_releases_at_the_vent_rate(press: Press, tmp_path: Path, step: int) -> None:
    run = press.start(short_run(), out=tmp_path / "run")
    with watching(run) as watch:
        first = watch.until(lambda now: now.step == step, "the step")
        if step != PROMPT:
            watch.until(lambda now: now.tick >= first.tick + 50, "half a second of it")
        run.abort("test")
        watch.until(lambda now: now.state is State.VENTING, "the release", limit_s=0.5)
    result = run.result(60)

    assert result.end_reason == "aborted"
    assert result.summary.gaps == ()
    vent = result.frame().query("state == 'venting'")
    assert (vent.output_percent <= 0).all(), "the pump ran while the press vented"
    falling = -vent.setpoint_mpa.diff().dropna() * 100
    assert falling.max() <= WIRING.rest_stop_mpa + 0.2
    status = press.status()
    assert status.state is State.IDLE
    assert status.pressure_mpa < WIRING.at_rest_mpa


def test_a_dump_opens_the_valve_and_a_second_abort_does_not(press: Press, tmp_path: Path) -> None:
    run = press.start(one_hold("20 s"), out=tmp_path / "run")
    with watching(run) as watch:
        watch.until(lambda now: FlagBits.DWELLING in now.flags, "the dwell")
        run.abort("test")
        watch.until(lambda now: now.state is State.VENTING, "the release", limit_s=0.5)
        press.session.request(AbortRequest())
        watch.until(lambda now: now.state is State.VENTING and now.output > -OUTPUT_FULL, "no dump")
        press.session.request(DumpRequest())
        watch.until(lambda now: now.output == -OUTPUT_FULL, "the valve fully open", limit_s=0.5)
    result = run.result(60)

    assert result.end_reason == "aborted"
    vent = result.frame().query("state == 'venting'")
    slow_s = WIRING.work_mpa / WIRING.rest_stop_mpa
    assert len(vent) / 100 < slow_s / 2, "the dump did not open the valve fully"


def test_prompt_waits_and_takes_the_right_answer(press: Press, tmp_path: Path) -> None:
    run = press.start(short_run(), out=tmp_path / "run")
    with watching(run) as watch:
        watch.until(lambda now: now.state is State.PROMPTING, "the prompt")
        status = press.status()
        assert (status.prompt, status.step) == ("Look at the gauge", PROMPT)
        for wrong in (PROMPT - 1, PROMPT + 1):
            with pytest.raises(CommandRefusedError) as refusal:
                press.session.request(ConfirmRequest(wrong))
            assert refusal.value.code == "wrong-prompt"
        run.confirm()
        watch.until(lambda now: now.step > PROMPT, "the next step", limit_s=0.5)
    result = run.result(60)

    assert result.completed
    assert_pressure_is_kept(result.frame().query("state == 'prompting'"))


def test_prompt_times_out(press: Press, tmp_path: Path) -> None:
    run = press.start(short_run(prompt_timeout_s=0.5), out=tmp_path / "run")
    result = run.result(60)

    assert result.end_reason == "prompt-timeout"
    assert len(result.frame().query("state == 'prompting'")) == pytest.approx(50, abs=1)
    assert press.status().pressure_mpa < WIRING.at_rest_mpa


def test_advance_ends_an_open_hold_as_planned(press: Press, tmp_path: Path) -> None:
    run = press.start(one_hold("open"), out=tmp_path / "run")
    with watching(run) as watch:
        first = watch.until(lambda now: FlagBits.DWELLING in now.flags, "the dwell")
        watch.until(lambda now: now.tick >= first.tick + 200, "two seconds of it")
        assert press.status().remaining_s == 0
        run.advance()
        watch.until(lambda now: now.step == RELEASE, "the release", limit_s=0.5)
    result = run.result(60)

    assert result.completed
    assert result.summary.stages[0].outcome == "done"


def test_advance_cuts_a_timed_hold_short(press: Press, tmp_path: Path) -> None:
    run = press.start(short_run(hold_s=30), out=tmp_path / "run", on_prompt=lambda asked: True)
    with watching(run) as watch:
        watch.until(lambda now: now.step == RAMP, "the ramp")
        for step in (RAMP, SECOND_HOLD):
            with pytest.raises(CommandRefusedError) as refusal:
                press.session.request(AdvanceRequest(step))
            assert refusal.value.code == "bad-state"
        watch.until(lambda now: FlagBits.DWELLING in now.flags, "the dwell")
        run.advance(HOLD)
    result = run.result(60)

    assert result.completed
    assert [stage.outcome for stage in result.summary.stages] == ["advanced", "done"]
    assert (result.summary.stages[0].dwell_s or 0) < 5


def test_running_press_takes_no_plan(press: Press, tmp_path: Path) -> None:
    run = press.start(one_hold("open"), out=tmp_path / "run")
    with watching(run) as watch:
        watch.until(lambda now: now.setpoint_kpa > HALF_WAY_KPA, "half the ramp")
        requests: list[Request[Any]] = [PlanCommitRequest(0), ConfirmRequest(0)]
        for request in requests:
            with pytest.raises(CommandRefusedError) as refusal:
                press.session.request(request)
            assert refusal.value.code == "bad-state"
        run.abort("test")
    assert run.result(60).end_reason == "aborted"
