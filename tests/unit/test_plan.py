"""A protocol is compiled into the right messages, and a refusal is traced back to its place."""

from __future__ import annotations

import binascii
from pathlib import Path

import pytest
from pressloop.emulator.description import PressDescription
from pressloop.errors import CommandRefusedError
from pressloop.machine.profile import MachineProfile
from pressloop.plan import Plan, PlanError, compile_plan, finding_of_refusal
from pressloop.protocol import Hold, Item, Pid, Prompt, Protocol, Ramp, Release, Repeat, Stage
from pressloop.protocol.loading import load_protocol
from pressloop.validation import validate_file
from pressloop.wire.codec import encode_message
from pressloop.wire.message import Message
from pressloop.wire.schema import (
    HoldMode,
    HostLossAction,
    PlanBeginRequest,
    PlanStepRequest,
    StepKind,
)
from pydantic import ValidationError

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())

EXAMPLES = Path(__file__).parents[2] / "examples"


def compiled(*stages: Item, **changes: str) -> Plan:
    fields = {"name": "test", "die": "10 mm", "ceiling": "520 MPa"} | changes
    return compile_plan(Protocol.model_validate(fields | {"stages": stages}), REFERENCE)


def example(name: str) -> Plan:
    return compile_plan(load_protocol(EXAMPLES / f"{name}.yaml"), REFERENCE)


def test_the_sodium_protocol_is_compiled_into_these_messages() -> None:
    plan = example("sodium_three_step")
    assert plan.begin == PlanBeginRequest(
        steps=11,
        die_um=10_000,
        ceiling_kpa=520_000,
        host_loss=HostLossAction.HOLD,
        host_loss_limit_ms=600_000,
        host_timeout_ms=2000,
        vent_rate_kpa_s=20_000,
        record_every=1,
        accept_unresolved=False,
    )
    assert plan.steps[:4] == (
        PlanStepRequest(0, StepKind.RAMP, 0, target_kpa=250_000, rate_kpa_s=10_000),
        PlanStepRequest(
            1,
            StepKind.HOLD,
            0,
            target_kpa=250_000,
            tolerance_kpa=1250,
            duration_ms=180_000,
            timeout_ms=60_000,
            mode=HoldMode.REGULATED,
        ),
        PlanStepRequest(2, StepKind.RELEASE, 0, target_kpa=0, rate_kpa_s=20_000),
        PlanStepRequest(
            3,
            StepKind.PROMPT,
            1,
            timeout_ms=1_800_000,
            text="Insert the cathode composite, then close the guard",
        ),
    )
    assert [s.target_mpa for s in plan.stages] == [250, None, 500, None, 74]
    assert [s.steps for s in plan.stages] == [(0, 1, 2), (3,), (4, 5, 6), (7,), (8, 9, 10)]
    # Ramps and releases, then dwells of 3, 3 and 10 minutes.
    assert plan.expected_s == pytest.approx(25 + 12.5 + 50 + 25 + 14.8 + 3.7 + 960)


def test_the_digest_is_the_crc_of_the_payloads_in_order() -> None:
    plan = example("sodium_three_step")
    messages: list[Message] = [plan.begin, *plan.steps]
    payloads = b"".join(encode_message(message) for message in messages)
    assert plan.digest == binascii.crc32(payloads)


def test_progressive_pressing_raises_targets_but_not_those_of_releases() -> None:
    plan = example("progressive")
    ramps = [s.target_kpa for s in plan.steps if s.kind is StepKind.RAMP]
    releases = [s.target_kpa for s in plan.steps if s.kind is StepKind.RELEASE]
    assert ramps == [100_000, 150_000, 200_000, 250_000, 300_000, 300_000]
    assert releases == [10_000] * 5 + [0]
    assert [s.label for s in plan.stages][3:] == ["press 4/5", "press 5/5", "final"]
    assert plan.stages[4].tolerance_mpa == pytest.approx(3.0)
    assert {s.path for s in plan.stages} == {"stages[0].stages[0]", "stages[1]"}


def test_nested_repeats_add_their_steps() -> None:
    inner = Repeat(
        repeat=2,
        step="1 MPa",
        stages=[Stage(name="a", ramp=Ramp(target="10 MPa", rate="1 MPa/s"))],
    )
    plan = compiled(Repeat(repeat=2, step="100 MPa", stages=[inner]))
    assert [s.target_kpa for s in plan.steps] == [10_000, 11_000, 110_000, 111_000]
    assert [s.label for s in plan.stages] == ["a 1/2 1/2", "a 1/2 2/2", "a 2/2 1/2", "a 2/2 2/2"]


def test_an_open_hold_has_no_duration() -> None:
    plan = example("stack_hold")
    hold = plan.steps[3]
    assert (hold.open, hold.duration_ms) == (True, None)
    assert (hold.kp, hold.ki, hold.kd) == (1024, 655, 0)
    assert plan.stages[1].is_open and plan.stages[1].dwell_s is None


def test_a_hold_without_a_ramp_keeps_its_own_target() -> None:
    plan = compiled(
        Stage(name="a", ramp=Ramp(target="100 MPa", rate="10 MPa/s")),
        Stage(name="b", hold=Hold(target="100 MPa", duration="1 s", tolerance="1 %")),
    )
    assert plan.steps[1].target_kpa == 100_000
    assert plan.sources[1].target_path == ("stages", 1, "hold", "target")


def test_vent_rate_is_the_default_unless_the_press_is_slower() -> None:
    stage = Stage(name="a", ramp=Ramp(target="100 MPa", rate="1 MPa/s"))
    assert compiled(stage).begin.vent_rate_kpa_s == 20_000
    assert compiled(stage, vent_rate="5 MPa/s").begin.vent_rate_kpa_s == 5000
    slow = REFERENCE.model_copy(update={"release_flow_ml_s": 0.01})
    protocol = compiled(stage).protocol
    fastest = slow.limits(10_000).fastest_fall_kpa_s
    assert fastest < 20_000
    assert compile_plan(protocol, slow).begin.vent_rate_kpa_s == fastest


def test_too_many_steps_are_refused_before_they_are_unrolled() -> None:
    stage = Stage(name="a", ramp=Ramp(target="100 MPa", rate="1 MPa/s"))
    nested = Repeat(
        repeat=200, stages=[Repeat(repeat=200, stages=[Repeat(repeat=200, stages=[stage])])]
    )
    with pytest.raises(PlanError, match="8000000 steps") as error:
        compiled(nested)
    assert error.value.code == "too-many-steps"


def test_a_value_out_of_the_wires_range_is_refused() -> None:
    with pytest.raises(PlanError, match=r"stages\[0\]\.ramp: target_kpa is 9000000"):
        compiled(Stage(name="a", ramp=Ramp(target="9 GPa", rate="1 MPa/s")))


REFUSALS = [
    ("over-ceiling", 0, "target_kpa", "stages[0].ramp.target"),
    ("over-ceiling", 1, "target_kpa", "stages[0].ramp.target"),
    ("rate-impossible", 2, "rate-kpa-s", "stages[0].release.rate"),
    ("tolerance-unresolved", 1, None, "stages[0].hold.tolerance"),
    ("no-end", 1, "duration_ms", "stages[0].hold.duration"),
    ("out-of-range", 1, "mode", "stages[0].hold.mode"),
    ("out-of-range", 1, "kp", "stages[0].pid.kp"),
    ("out-of-range", 3, "timeout_ms", "stages[1].timeout"),
    ("out-of-range", 3, "text", "stages[1].prompt"),
    ("plan-order", 0, "index", "stages[0].ramp"),
    ("over-limit", None, None, "ceiling"),
    ("unknown-die", None, "die_um", "die"),
    ("rate-impossible", None, "vent_rate_kpa_s", "vent_rate"),
    ("faulted", None, None, "."),
]


@pytest.mark.parametrize(("code", "step", "field", "path"), REFUSALS)
def test_a_refusal_is_traced_back_to_its_place_in_the_protocol(
    code: str, step: int | None, field: str | None, path: str
) -> None:
    plan = compiled(
        Stage(
            name="a",
            ramp=Ramp(target="100 MPa", rate="1 MPa/s"),
            hold=Hold(duration="1 s", tolerance="1 %"),
            release=Release(target="0 MPa", rate="1 MPa/s"),
            pid=Pid(kp="6 /s", ki="3 /s2"),
        ),
        Prompt(prompt="Look"),
    )
    refusal = CommandRefusedError(
        "no", hint="do", command="plan-step", code=code, step=step, field=field
    )
    finding = finding_of_refusal(plan, refusal)
    assert (finding.code, finding.path) == (code, path)
    assert (finding.message, finding.hint, finding.line) == ("no", "do", None)


def test_a_refusal_has_the_line_of_the_file() -> None:
    path = EXAMPLES / "sodium_three_step.yaml"
    validation = validate_file(path, REFERENCE)
    refusal = CommandRefusedError(
        "no", hint="do", command="plan-step", code="tolerance-unresolved", step=9
    )
    plan = compile_plan(validation.checked(), REFERENCE)
    finding = finding_of_refusal(plan, refusal, validation.marks)
    assert finding.line is not None
    assert "tolerance: 1.5 %" in path.read_text(encoding="utf-8").splitlines()[finding.line - 1]


def test_profile_contradictions_are_refused() -> None:
    for change in (
        {"max_oil_bar": 401},
        {"raw_full": 4850},
        {"raw_fault_low": 4850},
        {"contact_bar": 200},
        {"approach_opening_percent": 19},
        {"accuracy_percent": float("nan")},
    ):
        with pytest.raises(ValidationError):
            type(REFERENCE).model_validate(REFERENCE.model_dump() | change)
