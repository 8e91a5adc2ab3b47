"""A rest without pressure, from the protocol to the verdict on its stage."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError, CommandRefusedError
from pressloop.evaluation import RunRecord, RunSummary, finalise
from pressloop.evaluation.verdict import judge
from pressloop.machine.profile import MachineProfile
from pressloop.plan import Plan, compile_plan, count_steps, finding_of_refusal
from pressloop.plotting.figure import figure_of
from pressloop.protocol import Protocol, Ramp, Release, Repeat, Stage
from pressloop.protocol.loading import load_protocol
from pressloop.record import RunRecorder
from pressloop.record.header import planned_steps
from pressloop.record.model import BoardStepResult, PlannedStage, RunEnd
from pressloop.reports.methods import _step
from pressloop.run.steering import SteeringCommand, obstacle, step_type
from pressloop.session.status import PressStatus
from pressloop.validation import validate_text
from pressloop.web.run_view import expected_s
from pressloop.web.words import state_sentence, state_word
from pressloop.wire.schema import NO_DISPLACEMENT, RECORD_FORMAT, FlagBits, State, StepKind

from tests.unit import synthetic_run
from tests.unit.statuses import a_status
from tests.unit.test_live_line import drawn

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())

TEXT = """\
pressloop: 1
name: passes
die: 10 mm
ceiling: 220 MPa
stages:
  - repeat: 3
    stages:
      - name: pass
        ramp: {target: 100 MPa, rate: 10 MPa/s}
        release: {target: 0 MPa, rate: 20 MPa/s}
        rest: 1 min 30 s
"""


def a_plan(text: str = TEXT) -> Plan:
    return compile_plan(load_protocol(text), REFERENCE)


# --- protocol and plan


def test_each_pass_of_a_repeat_block_has_its_rest() -> None:
    plan = a_plan()
    assert [step.kind for step in plan.sources] == 3 * [
        StepKind.RAMP,
        StepKind.RELEASE,
        StepKind.REST,
    ]
    rest = plan.sources[5]
    assert rest.path == ("stages", 0, "stages", 0, "rest")
    assert plan.steps[5].duration_ms == 90_000
    assert plan.steps[5].target_kpa is None and plan.steps[5].timeout_ms is None
    assert plan.stages[1].steps == (3, 4, 5)
    assert plan.stages[1].target_mpa == 100.0


def test_each_rest_counts_as_a_step() -> None:
    assert count_steps(load_protocol(TEXT).stages) == 9 == len(a_plan().steps)
    most = validate_text(TEXT.replace("repeat: 3", "repeat: 67"), "test", REFERENCE)
    assert [finding.code for finding in most.findings] == ["too-many-steps"]


def test_a_rest_is_part_of_the_time_that_a_run_takes() -> None:
    assert a_plan().expected_s == pytest.approx(3 * (10 + 5 + 90))
    assert a_plan().stages[0].expected_s == pytest.approx(105)
    assert expected_s(planned_steps(a_plan()))[2] == 90


def test_a_rest_is_the_same_after_yaml_and_in_python() -> None:
    protocol = Protocol(
        name="passes",
        die="10 mm",
        ceiling="220 MPa",
        stages=[
            Repeat(
                repeat=3,
                stages=[
                    Stage(
                        name="pass",
                        ramp=Ramp(target="100 MPa", rate="10 MPa/s"),
                        release=Release(target="0 MPa", rate="20 MPa/s"),
                        rest="1 min 30 s",
                    )
                ],
            )
        ],
    )
    assert protocol == load_protocol(TEXT) == load_protocol(protocol.to_yaml())
    assert "rest: 1 min 30 s" in protocol.to_yaml()


def test_a_rest_needs_the_release_of_its_stage() -> None:
    with pytest.raises(BadInputError, match="the stage has no release") as refused:
        Stage(name="a", ramp=Ramp(target="1 MPa", rate="1 MPa/s"), rest="1 s")
    assert "release to zero" in refused.value.hint


def test_the_finding_names_pressure_and_force_where_a_rest_would_begin() -> None:
    text = TEXT.replace("target: 0 MPa", "target: 20 MPa")
    [finding] = validate_text(text, "test", REFERENCE).findings
    assert finding.code == "rest-above-zero" and finding.line == 11
    assert "begins at 20 MPa" in finding.message and "kN" in finding.message
    assert "hold" in finding.hint


def test_a_force_that_is_not_zero_is_no_release_to_zero() -> None:
    text = TEXT.replace("target: 0 MPa", "target: 1 kN")
    assert [f.code for f in validate_text(text, "test", REFERENCE).findings] == ["rest-above-zero"]
    text = TEXT.replace("target: 0 MPa", "target: 0 kN")
    assert not validate_text(text, "test", REFERENCE).findings


@pytest.mark.parametrize(("rest", "sound"), [("10 ms", True), ("24 h", True), ("9 ms", False)])
def test_the_shortest_and_the_longest_rest(rest: str, sound: bool) -> None:
    findings = validate_text(TEXT.replace("1 min 30 s", rest), "test", REFERENCE).findings
    assert [f.code for f in findings] == ([] if sound else ["out-of-range"])


def test_a_hold_at_zero_is_told_of_the_rest() -> None:
    text = TEXT.replace("        rest: 1 min 30 s\n", "").replace(
        "        release: {target: 0 MPa, rate: 20 MPa/s}\n",
        "        release: {target: 0 MPa, rate: 20 MPa/s}\n"
        "      - name: wait\n        hold: {target: 0 MPa, duration: 1 s, tolerance: 1 MPa}\n",
    )
    [finding] = validate_text(text, "test", REFERENCE).findings
    assert finding.code == "hold-at-zero" and "'rest'" in finding.hint


@pytest.mark.parametrize(
    ("code", "field"), [("rest-above-zero", "kind"), ("out-of-range", "duration-ms")]
)
def test_the_boards_refusal_of_a_rest_has_its_place(code: str, field: str) -> None:
    refusal = CommandRefusedError(
        "the board refused it",
        hint="release",
        command="plan-step",
        code=code,
        step=5,
        field=field,
        detail=20_000,
    )
    finding = finding_of_refusal(a_plan(), refusal)
    assert finding.path == "stages[0].stages[0].rest"


# --- while it runs


def resting(**changes: Any) -> PressStatus:
    """Return the status of a press in a rest of 30 s, 12 s of which are over."""
    fields: dict[str, Any] = {
        "pressure_mpa": -1.9,
        "setpoint_mpa": 0.0,
        "target_mpa": 0.0,
        "dwell_s": 12.0,
        "remaining_s": 18.0,
        "stage_name": "pass",
    }
    return a_status(**{**fields, **changes})


def test_a_rest_is_told_from_the_end_of_a_release_and_from_a_prompt() -> None:
    assert resting().is_resting and resting(state=State.PAUSED).is_resting
    assert resting(dwell_s=0.0, remaining_s=30.0).is_resting
    assert not resting(dwell_s=0.0, remaining_s=0.0).is_resting
    assert not resting(state=State.PROMPTING).is_resting
    assert not resting(setpoint_mpa=0.004).is_resting
    assert not a_status().is_resting


def test_line_and_page_say_that_the_press_rests() -> None:
    line = drawn(resting(), 120)
    assert "rest 12.0 s" in line and "18.0 s left" in line and "hold" not in line
    assert state_word(resting()) == "Rest at zero"
    assert "'pass'" in state_sentence(resting()) and "guard" in state_sentence(resting())
    paused = resting(state=State.PAUSED)
    assert state_word(paused) == "Paused" and "without pressure" in state_sentence(paused)


@pytest.mark.parametrize("command", ["skip", "pause", "abort"])
def test_a_rest_is_skipped_paused_and_aborted_as_a_hold_is(command: SteeringCommand) -> None:
    assert obstacle(command, resting(), "rest") is None


def test_only_an_open_hold_is_finished() -> None:
    assert "ends by itself" in (obstacle("end", resting(), "rest") or "")


def test_the_operator_sees_a_rest_as_a_kind_of_its_own() -> None:
    header = synthetic_run.header(steps=planned_steps(a_plan()), stages=())
    assert step_type(header, 5) == "rest"


# --- record and verdict


def test_the_record_has_a_rest_as_it_was_planned() -> None:
    step = planned_steps(a_plan())[5]
    assert step.kind == "rest" and step.duration_s == 90
    assert step.target_mpa is None and step.longest_s is None


def test_the_methods_text_tells_the_rest() -> None:
    header = synthetic_run.header()
    assert _step(planned_steps(a_plan())[5], header) == "rest without pressure for 90 s"


def recorded(
    folder: Path,
    *,
    ticks: int,
    counted: int,
    with_results: bool,
    planned_s: float = 0.5,
    paused: int = 0,
) -> RunSummary:
    """Record a stage with a rest of `ticks` ticks whose clock has counted `counted` of them.

    The run is paused for `paused` more ticks at the rest's end.
    """
    plan = a_plan(TEXT.replace("repeat: 3", "repeat: 1").replace("1 min 30 s", f"{planned_s} s"))
    stage = PlannedStage(
        index=0, name="pass", steps=(0, 1, 2), target_mpa=100.0, rate_mpa_s=10.0, direction="up"
    )
    header = synthetic_run.header(
        steps=planned_steps(plan), stages=(stage,), emulated_press=None, simulated=False
    )
    rows = [(0, State.RUNNING, 0)] * 20 + [(1, State.RUNNING, 0)] * 10
    rows += [
        (2, State.RUNNING, int(FlagBits.DWELLING) if at < counted else 0) for at in range(ticks)
    ]
    rows += [(2, State.PAUSED, 0)] * paused
    rows += [(255, State.VENTING, 0)] * 20 + [(255, State.IDLE, 0)]
    records = b"".join(
        struct.pack(RECORD_FORMAT, 5000 + at, 0, 0, 0, 8000, step, state, flags, 0, NO_DISPLACEMENT)
        for at, (step, state, flags) in enumerate(rows)
    )
    results = [
        BoardStepResult(
            step=step,
            outcome="done",
            ticks=lasted,
            dwell_ticks=dwelt,
            peak_kpa=0,
            lowest_kpa=0,
            top_ups=0,
            start_tick=5000,
        )
        for step, lasted, dwelt in ((0, 20, 0), (1, 10, 0), (2, ticks, counted))
    ]
    with RunRecorder.create(folder, header) as recorder:
        recorder.started(1000, 5000)
        recorder.telemetry(1000, records)
        recorder.close(
            RunEnd(
                end_reason="completed",
                last_seq=1000 + len(rows) - 1,
                step_results=tuple(results) if with_results else (),
            )
        )
    return finalise(folder)


@pytest.mark.parametrize("with_results", [True, False])
def test_the_result_has_planned_and_actual_time(tmp_path: Path, with_results: bool) -> None:
    summary = recorded(tmp_path, ticks=70, counted=50, with_results=with_results)
    [stage] = summary.stages
    assert stage.planned_rest_s == 0.5
    assert stage.rest_s == pytest.approx(0.7)
    assert stage.rest_unloaded_s == pytest.approx(0.5)
    assert stage.verdict == "fail"
    assert stage.reasons[-1] == (
        "The press was without pressure for 0.5 s of 0.7 s of rest; the protocol asks for 0.5 s."
    )


@pytest.mark.parametrize(
    ("ticks", "planned_s", "passes"),
    [
        (50, 0.5, True),
        (52, 0.5, True),
        (48, 0.5, True),
        (47, 0.5, False),
        (53, 0.5, False),
        (396, 4.0, True),
        (395, 4.0, False),
    ],
)
def test_a_rest_may_differ_by_two_ticks_or_one_percent(
    tmp_path: Path, ticks: int, planned_s: float, passes: bool
) -> None:
    summary = recorded(tmp_path, ticks=ticks, counted=ticks, with_results=True, planned_s=planned_s)
    [stage] = summary.stages
    reasons = [reason for reason in stage.reasons if "rest" in reason]
    assert (not reasons) == passes
    if reasons:
        assert reasons[0].startswith("The rest without pressure was ")


def test_the_plot_marks_a_rest(tmp_path: Path) -> None:
    recorded(tmp_path, ticks=70, counted=50, with_results=True, paused=10)
    axes = figure_of(RunRecord.open(tmp_path)).axes[0]
    marks = [patch for patch in axes.patches if patch.get_label() == "rest without pressure"]
    [mark] = [patch.get_extents().transformed(axes.transData.inverted()) for patch in marks]
    # After 30 ticks of ramp and release; the pause and the vent behind it are no rest.
    assert (mark.x0, mark.x1) == pytest.approx((0.30, 0.99))


def test_a_stage_without_a_rest_is_not_judged_by_one(tmp_path: Path) -> None:
    summary = recorded(tmp_path, ticks=50, counted=50, with_results=True)
    [stage] = summary.stages
    without = stage.model_copy(
        update={"planned_rest_s": None, "rest_s": None, "rest_unloaded_s": None}
    )
    assert judge(without, "reading", 0.01) == judge(stage, "reading", 0.01)
