"""The three-step run, from upload to record."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop.errors import CommandRefusedError
from pressloop.evaluation import RunRecord
from pressloop.hil import wiring
from pressloop.hil.bench import HilBench
from pressloop.press import Press
from pressloop.run.prompts import OpenPrompt
from pressloop.wire.schema import (
    EndReason,
    HelloReply,
    StartRequest,
    State,
    StepOutcome,
    StepResultRequest,
)

from hil_tests.protocols import one_hold, plan_begin, three_steps

WIRING = wiring.current()

pytestmark = pytest.mark.needs("pressing")


def test_three_steps(press: Press, board: HelloReply, tmp_path: Path) -> None:
    missed = press.session.status().missed_ticks
    prompts: list[str] = []

    def answer(asked: OpenPrompt) -> bool:
        prompts.append(asked.text)
        return True

    result = press.run(three_steps(), out=tmp_path / "run", on_prompt=answer)

    assert prompts == ["Insert the cathode composite", "Insert the anode"]
    summary = result.check().summary
    assert summary.gaps == ()
    # A host that was given the board's port alone does not know an emulated press's true pressure.
    assert [text for text in summary.warnings if "true pressure" not in text] == []
    assert summary.simulated is board.simulated
    assert summary.hashes.firmware_build == board.build
    assert [stage.target_mpa for stage in summary.stages] == list(WIRING.three_steps_mpa)
    for stage in summary.stages:
        assert stage.outcome == "done"
        assert (
            stage.in_band_fraction is not None and stage.in_band_fraction >= WIRING.in_band_fraction
        )
        assert stage.dwell_s == pytest.approx(stage.planned_dwell_s, abs=0.02), stage
        assert stage.peak_mpa is not None and stage.peak_mpa < WIRING.ceiling_mpa
    # The board's own results agree, and the loop missed no tick.
    for step in summary.header.steps:
        own = press.session.request(StepResultRequest(step.index))
        assert own.outcome is StepOutcome.DONE
    status = press.session.status()
    assert (status.state, status.end_reason) == (State.IDLE, EndReason.COMPLETED)
    assert status.missed_ticks == missed
    assert abs(status.pressure_kpa) / 1000 < WIRING.at_rest_mpa


def test_record_has_every_tick_once(press: Press, tmp_path: Path) -> None:
    result = press.run(three_steps(), out=tmp_path / "run", on_prompt=lambda asked: True)

    frame = RunRecord.open(result.directory).frame()
    assert (frame.seq.diff().dropna() == 1).all()
    assert (frame.tick.diff().dropna() == 1).all()
    # The pump is off in every release, and without a run the release valve is open.
    releases = [step.index for step in result.summary.header.steps if step.kind == "release"]
    assert (frame[frame.step_id.isin(releases)].output_percent <= 0).all()
    last = frame.iloc[-1]
    assert (last.state, last.output_percent) == ("idle", -100)


def test_one_run_id_presses_once(press: Press, tmp_path: Path) -> None:
    """A start that is repeated because its reply was lost must not press the cell again."""
    result = press.run(one_hold("0.5 s"), out=tmp_path / "run")
    with pytest.raises(CommandRefusedError) as refusal:
        press.session.request(
            StartRequest(bytes.fromhex(result.summary.run_id), plan_begin().die_um)
        )
    assert refusal.value.code == "run-repeated"
    assert press.status().state is State.IDLE


def test_two_runs_in_a_row(press: Press, tmp_path: Path) -> None:
    """A run has no effect on the next one."""
    for name in ("first", "second"):
        result = press.run(three_steps(), out=tmp_path / name, on_prompt=lambda asked: True)
        assert result.completed
        assert result.summary.gaps == ()


@pytest.mark.needs("truth")
def test_the_die_of_the_protocol_is_in_the_press(bench: HilBench, tmp_path: Path) -> None:
    """An emulated press takes the die of the plan: with another one all pressures are wrong."""
    protocol = one_hold("0.5 s").replace(f"{WIRING.ceiling_mpa} MPa", f"{2 * WIRING.work_mpa} MPa")
    here = f"die: {WIRING.die_mm:g} mm"
    assert here in protocol
    with bench.open_press() as press:
        other_mm = max(die for die in press.profile().dies_mm if die != WIRING.die_mm)
        wider = protocol.replace(here, f"die: {other_mm:g} mm")
        frame = press.run(wider, out=tmp_path / "run", die=f"{other_mm:g} mm").check().frame()
    truth = frame.tick.map(bench.true_pressures_mpa())
    assert frame.pressure_mpa.max() > WIRING.work_mpa / 2
    assert (frame.pressure_mpa - truth).abs().max() < WIRING.kept_within_mpa
