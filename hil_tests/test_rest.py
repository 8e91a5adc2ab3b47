"""A rest between two passes: the press is without pressure for as long as planned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pressloop.errors import CommandRefusedError
from pressloop.hil import wiring
from pressloop.hil.watching import watching
from pressloop.press import Press
from pressloop.wire.schema import FlagBits, PlanStepRequest, State, StepKind

from hil_tests.protocols import REST, plan_begin, plan_steps, two_passes

WIRING = wiring.current()


@pytest.mark.needs("pressing")
def test_a_rest_lasts_as_long_as_planned_without_pressure(press: Press, tmp_path: Path) -> None:
    missed = press.session.status().missed_ticks
    result = press.run(two_passes("3 s"), out=tmp_path / "run")

    summary = result.check().summary
    assert summary.gaps == ()
    first, second = summary.stages
    assert (first.outcome, second.outcome) == ("done", "done")
    assert first.planned_rest_s == 3 and second.planned_rest_s is None
    assert first.rest_s == pytest.approx(3, abs=0.03)
    assert first.rest_unloaded_s == pytest.approx(3, abs=0.001)
    assert [reason for reason in first.reasons if "rest" in reason] == []
    own = summary.steps[REST]
    assert (own.outcome, own.dwell_end, own.dwell_ticks) == ("done", "duration", 300)

    frame = result.frame()
    rest = frame[frame.step_id == REST]
    assert (rest.state == "running").all()
    assert (rest.output_percent <= 0).all(), "the pump ran in the rest"
    assert rest.iloc[1:].dwelling.all() and not rest.in_band.any()
    assert rest.pressure_mpa.abs().max() < WIRING.at_rest_mpa
    # The ram moves again by itself.
    assert frame[frame.step_id == REST + 1].approaching.any()
    assert press.session.status().missed_ticks == missed


@pytest.mark.needs("pressing")
def test_the_operator_ends_a_rest(press: Press, tmp_path: Path) -> None:
    run = press.start(two_passes("1 h"), out=tmp_path / "run")
    with watching(run) as watch:
        first = watch.until(
            lambda now: now.step == REST and FlagBits.DWELLING in now.flags, "the rest"
        )
        watch.until(lambda now: now.tick >= first.tick + 100, "a second of it")
        run.advance()
    summary = run.result(120).summary

    assert summary.end_reason == "completed"
    first_stage, second_stage = summary.stages
    assert (first_stage.outcome, first_stage.verdict) == ("advanced", "fail")
    assert second_stage.outcome == "done"
    assert summary.steps[REST].dwell_end == "operator"


def test_the_board_refuses_a_rest_under_pressure(press: Press) -> None:
    begin, (ramp, *_) = plan_begin(2), plan_steps()
    press.session.request(begin)
    press.session.request(ramp)
    rest = PlanStepRequest(1, StepKind.REST, 0, duration_ms=1_000)
    for step, code in (
        (rest, "rest-above-zero"),
        (replace(rest, duration_ms=None), "missing-field"),
        (replace(rest, timeout_ms=1_000), "unknown-field"),
    ):
        with pytest.raises(CommandRefusedError) as refusal:
            press.session.request(step)
        assert (refusal.value.code, refusal.value.step) == (code, 1)
    assert press.status().state is State.IDLE
