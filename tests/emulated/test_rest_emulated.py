"""A rest without pressure between two passes, on an emulated press with the real firmware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pressloop import Press, RunRecord, confirm_all
from pressloop.run.result import RunResult
from pressloop.run.run import Run
from pressloop.wire.schema import State

pytestmark = pytest.mark.usefixtures("micropython")

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "rest_between_passes.yaml"
REST = 3

PROTOCOL = """
pressloop: 1
name: Two passes
die: 10 mm
ceiling: 120 MPa
on_host_loss: {action: hold, limit: 1 min}
stages:
  - name: first pass
    ramp: {target: 100 MPa, rate: 50 MPa/s}
    hold: {duration: 2 s, tolerance: 2 %}
    release: {target: 0 MPa, rate: 50 MPa/s}
    rest: 5 s
  - name: second pass
    ramp: {target: 100 MPa, rate: 50 MPa/s}
    hold: {duration: 2 s, tolerance: 2 %}
    release: {target: 0 MPa, rate: 50 MPa/s}
"""


def pressed(out: Path, **more: object) -> RunResult:
    with Press.open("emulated", seed=3) as press:
        return press.run(PROTOCOL, out=out, on_prompt=confirm_all, **more)  # type: ignore[arg-type]


def steered(out: Path, in_rest: Callable[[Press, Run], None]) -> RunResult:
    """Start a run and do something a second after its rest has begun."""
    with Press.open("emulated", seed=3) as press:
        run = press.start(PROTOCOL, out=out)
        began: int | None = None
        for batch in run.telemetry():
            newest = batch.newest
            if newest is None or newest.step != REST:
                continue
            began = newest.tick if began is None else began
            if newest.tick >= began + 100:
                in_rest(press, run)
                break
        return run.result()


def test_the_pellet_is_without_pressure_for_as_long_as_planned(tmp_path: Path) -> None:
    result = pressed(tmp_path).check()
    first, second = result.summary.stages
    assert (first.verdict, second.verdict) == ("pass", "pass")
    assert first.planned_rest_s == 5
    assert first.rest_s == first.rest_unloaded_s == 5
    assert second.planned_rest_s is None and second.rest_s is None
    assert result.summary.warnings == ()
    assert [step.outcome for step in result.summary.steps] == ["done"] * 7
    rest = result.frame().query("step_id == @REST")
    assert len(rest) == 500
    assert rest.true_pressure_mpa.max() < 0.1
    assert (rest.output_percent == -100).all()
    assert rest.state.eq("running").all()
    # The time of the rest is in the truth's result, too; what the truth judges is the pressure.
    assert result.summary.truth is not None
    assert result.summary.truth[0].rest_s == 5


def test_skip_and_pause_in_a_rest(tmp_path: Path) -> None:
    def skip(press: Press, run: Run) -> None:
        run.pause()
        while run.status().state is not State.PAUSED:
            pass
        assert run.status().is_resting
        run.resume()
        while run.status().state is not State.RUNNING:
            pass
        run.advance()

    result = steered(tmp_path, skip)
    assert result.end_reason == "completed"
    first, second = result.summary.stages
    assert first.outcome == "advanced" and second.verdict == "pass"
    assert first.rest_s is not None and 0.9 < first.rest_s < 4
    assert first.reasons[0] == "The operator ended the stage early."
    assert first.reasons[1].startswith("The rest without pressure was ")
    paused = result.frame().query("state == 'paused'")
    assert len(paused) and (paused.output_percent == -100).all()
    assert not paused.dwelling.any()


def test_an_open_guard_trips_in_a_rest(tmp_path: Path) -> None:
    def open_guard(press: Press, run: Run) -> None:
        assert press.board is not None
        press.board.control({"set": {"guard_open": True}})

    result = steered(tmp_path, open_guard)
    assert result.end_reason == "fault" and result.summary.fault == "guard-open"
    assert result.summary.steps[REST].outcome == "cut"
    assert result.summary.stages[0].verdict == "fail"


def test_a_run_that_lost_power_in_a_rest_goes_on_from_its_stage(tmp_path: Path) -> None:
    cut = pressed(tmp_path / "cut", faults=["power-cut@12"])
    assert cut.end_reason == "power-lost"
    assert RunRecord.open(tmp_path / "cut").summary.stages[0].outcome != "done"
    again = pressed(tmp_path / "again", continues=tmp_path / "cut")
    assert again.end_reason == "completed"
    assert [stage.name for stage in again.summary.stages] == ["first pass", "second pass"]
    assert again.summary.stages[0].rest_s == 5


@pytest.mark.slow
def test_the_example_is_pressed_with_its_rests(tmp_path: Path) -> None:
    with Press.open("emulated", seed=3) as press:
        result = press.run(EXAMPLE, out=tmp_path).check()
    stages = result.summary.stages
    assert [stage.rest_s for stage in stages] == [30, 30, 30, None]
    assert [stage.verdict for stage in stages] == ["pass"] * 4
