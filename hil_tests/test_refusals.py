"""The board itself refuses what a host's validation refuses. No case moves the press."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pressloop.errors import CommandRefusedError
from pressloop.hil import wiring
from pressloop.machine.die_limits import DieLimits
from pressloop.press import Press
from pressloop.wire.codec import encode_message
from pressloop.wire.message import Request
from pressloop.wire.schema import (
    AbortRequest,
    AdvanceRequest,
    BackfillRequest,
    ClearRequest,
    ConfirmRequest,
    Fault,
    HoldMode,
    PauseRequest,
    PlanBeginRequest,
    PlanCommitRequest,
    PlanStepRequest,
    ProfileReadRequest,
    ProfileWriteRequest,
    ResumeRequest,
    StartRequest,
    State,
    StepKind,
    StepResultRequest,
)

from hil_tests.protocols import HOLD, PLAN_REST, PROMPT, RAMP, RELEASE, plan_begin, plan_steps

WIRING = wiring.current()

RUN_ID = bytes(range(1, 9))
WORK_KPA = WIRING.work_mpa * 1000
FASTEST_RATE_KPA_S = 1_000_000
"""Of the wire's `rate-kpa-s`."""


@pytest.fixture
def limits(press: Press) -> DieLimits:
    """What this press can do with the die in it."""
    return press.profile().limits(round(WIRING.die_mm * 1000))


def refused(press: Press, request: Request[Any]) -> CommandRefusedError:
    """Send a request that must be refused; check that the press is not affected."""
    with pytest.raises(CommandRefusedError) as refusal:
        press.session.request(request)
    assert press.status().state is State.IDLE
    return refusal.value


def upload(press: Press, begin: PlanBeginRequest, steps: Sequence[PlanStepRequest]) -> int:
    """Send a plan without its commit; return its digest."""
    press.session.request(begin)
    digest = binascii.crc32(encode_message(begin))
    for step in steps:
        press.session.request(step)
        digest = binascii.crc32(encode_message(step), digest)
    return digest


def step_refused(press: Press, index: int, **changes: Any) -> CommandRefusedError:
    """Upload a valid plan up to a step, then that step with a mistake in it."""
    steps = plan_steps()
    upload(press, plan_begin(), steps[:index])
    refusal = refused(press, replace(steps[index], **changes))
    assert refusal.step == index or refusal.code == "plan-order"
    return refusal


def test_relaxation_that_the_transducer_cannot_tell(press: Press, limits: DieLimits) -> None:
    finest = limits.finest_loss_kpa_min
    sealed: dict[str, Any] = {"mode": HoldMode.SEALED, "duration_ms": 60_000}
    refusal = step_refused(press, HOLD, relaxation_kpa_min=finest - 1, **sealed)
    assert (refusal.code, refusal.field) == ("relaxation-unresolved", "relaxation_kpa_min")
    assert refusal.detail == finest
    press.session.request(replace(plan_steps()[HOLD], relaxation_kpa_min=finest, **sealed))


def test_relaxation_in_a_closed_loop(press: Press) -> None:
    refusal = step_refused(press, HOLD, relaxation_kpa_min=5_000)
    assert (refusal.code, refusal.field) == ("not-sealed", "mode")


def test_right_plan_is_accepted(press: Press) -> None:
    press.session.request(PlanCommitRequest(upload(press, plan_begin(), plan_steps())))


def test_longest_plan_is_accepted(press: Press) -> None:
    ramp = plan_steps()[RAMP]
    steps = [replace(ramp, index=index, target_kpa=1000 + index) for index in range(200)]
    press.session.request(PlanCommitRequest(upload(press, plan_begin(len(steps)), steps)))


# --- the header


def test_ceiling_above_the_press(press: Press, limits: DieLimits) -> None:
    begin = replace(plan_begin(), ceiling_kpa=limits.pellet_limit_kpa + 1)
    refusal = refused(press, begin)
    assert (refusal.code, refusal.field) == ("over-limit", "ceiling_kpa")
    assert refusal.detail == limits.pellet_limit_kpa
    press.session.request(replace(begin, ceiling_kpa=limits.pellet_limit_kpa))


def test_unknown_die(press: Press) -> None:
    known = press.profile().dies_um
    other = next(die for die in range(10_001, 20_000) if die not in known)
    assert refused(press, replace(plan_begin(), die_um=other)).code == "unknown-die"


def needs_a_slow_valve(limits: DieLimits) -> None:
    """Skip the case on a press for which no rate of the wire's range is too fast."""
    if limits.fastest_fall_kpa_s >= FASTEST_RATE_KPA_S:
        pytest.skip("not run: the release valve is faster than any rate that a plan can ask for")


def test_vent_rate_faster_than_the_valve(press: Press, limits: DieLimits) -> None:
    needs_a_slow_valve(limits)
    begin = replace(plan_begin(), vent_rate_kpa_s=limits.fastest_fall_kpa_s + 1)
    refusal = refused(press, begin)
    assert (refusal.code, refusal.field) == ("rate-impossible", "vent_rate_kpa_s")
    assert refusal.detail == limits.fastest_fall_kpa_s
    press.session.request(replace(begin, vent_rate_kpa_s=limits.fastest_fall_kpa_s))


# --- the steps


def test_target_above_the_ceiling(press: Press) -> None:
    ceiling = WIRING.ceiling_mpa * 1000
    refusal = step_refused(press, RAMP, target_kpa=ceiling + 1)
    assert (refusal.code, refusal.field, refusal.detail) == ("over-ceiling", "target_kpa", ceiling)


def test_ramp_faster_than_the_pump(press: Press, limits: DieLimits) -> None:
    refusal = step_refused(press, RAMP, rate_kpa_s=limits.fastest_rise_kpa_s + 1)
    assert (refusal.code, refusal.field) == ("rate-impossible", "rate_kpa_s")
    assert refusal.detail == limits.fastest_rise_kpa_s


def test_release_faster_than_the_valve(press: Press, limits: DieLimits) -> None:
    needs_a_slow_valve(limits)
    refusal = step_refused(press, RELEASE, rate_kpa_s=limits.fastest_fall_kpa_s + 1)
    assert (refusal.code, refusal.detail) == ("rate-impossible", limits.fastest_fall_kpa_s)


def test_tolerance_finer_than_the_transducer(press: Press, limits: DieLimits) -> None:
    finer = limits.resolution_kpa - 1
    refusal = step_refused(press, HOLD, tolerance_kpa=finer)
    assert (refusal.code, refusal.field) == ("tolerance-unresolved", "tolerance_kpa")
    assert refusal.detail == limits.resolution_kpa
    upload(press, replace(plan_begin(), accept_unresolved=True), plan_steps()[:HOLD])
    press.session.request(replace(plan_steps()[HOLD], tolerance_kpa=finer))


@pytest.mark.parametrize(
    "changes",
    [{"duration_ms": None}, {"duration_ms": None, "open": False}],
    ids=["no duration", "not open either"],
)
def test_hold_needs_an_end(press: Press, changes: dict[str, object]) -> None:
    assert step_refused(press, HOLD, **changes).code == "no-end"


def test_release_upwards(press: Press) -> None:
    refusal = step_refused(press, RELEASE, target_kpa=WORK_KPA + 1)
    assert (refusal.code, refusal.detail) == ("wrong-direction", WORK_KPA)


def test_hold_at_another_pressure(press: Press) -> None:
    refusal = step_refused(press, HOLD, target_kpa=WORK_KPA - 1)
    assert (refusal.code, refusal.field) == ("hold-elsewhere", "target_kpa")
    assert refusal.detail == WORK_KPA


@pytest.mark.parametrize(
    ("index", "field"),
    [
        (RAMP, "target_kpa"),
        (RAMP, "rate_kpa_s"),
        (HOLD, "tolerance_kpa"),
        (HOLD, "timeout_ms"),
        (HOLD, "mode"),
        (RELEASE, "rate_kpa_s"),
        (PROMPT, "text"),
        (PROMPT, "timeout_ms"),
        (PLAN_REST, "duration_ms"),
    ],
)
def test_what_a_step_needs(press: Press, index: int, field: str) -> None:
    refusal = step_refused(press, index, **{field: None})
    assert (refusal.code, refusal.field) == ("missing-field", field)


@pytest.mark.parametrize(
    ("index", "field", "value"),
    [
        (RAMP, "duration_ms", 1000),
        (RELEASE, "text", "?"),
        (PROMPT, "target_kpa", 1000),
        (PLAN_REST, "target_kpa", 1000),
    ],
)
def test_what_a_step_must_not_have(press: Press, index: int, field: str, value: object) -> None:
    refusal = step_refused(press, index, **{field: value})
    assert (refusal.code, refusal.field) == ("unknown-field", field)


def test_refused_step_can_be_sent_again(press: Press) -> None:
    steps = plan_steps()
    step_refused(press, RELEASE, target_kpa=WORK_KPA + 1)
    digest = binascii.crc32(encode_message(plan_begin()))
    for step in steps:
        digest = binascii.crc32(encode_message(step), digest)
    for step in steps[RELEASE:]:
        press.session.request(step)
    press.session.request(PlanCommitRequest(digest))


# --- order and digest


def test_steps_before_any_header(press: Press) -> None:
    # A refused header discards a plan that may be there.
    refused(press, replace(plan_begin(), ceiling_kpa=2_000_000))
    assert refused(press, plan_steps()[RAMP]).code == "plan-order"


@pytest.mark.parametrize("index", [1, 3], ids=["one left out", "two left out"])
def test_step_left_out(press: Press, index: int) -> None:
    upload(press, plan_begin(), [])
    refusal = refused(press, replace(plan_steps()[RAMP], index=index))
    assert (refusal.code, refusal.detail) == ("plan-order", 0)


def test_more_steps_than_announced(press: Press) -> None:
    upload(press, plan_begin(1), plan_steps()[:1])
    assert refused(press, plan_steps()[HOLD]).code == "plan-order"


def test_commit_before_the_last_step(press: Press) -> None:
    digest = upload(press, plan_begin(), plan_steps()[:-1])
    refusal = refused(press, PlanCommitRequest(digest))
    assert (refusal.code, refusal.detail) == ("plan-order", len(plan_steps()) - 1)


def test_step_after_the_commit(press: Press) -> None:
    press.session.request(PlanCommitRequest(upload(press, plan_begin(), plan_steps())))
    assert refused(press, plan_steps()[RAMP]).code == "plan-order"


def test_wrong_digest(press: Press) -> None:
    digest = upload(press, plan_begin(), plan_steps())
    assert refused(press, PlanCommitRequest(digest ^ 1)).code == "plan-digest"
    assert refused(press, StartRequest(RUN_ID, plan_begin().die_um)).code == "no-plan"
    press.session.request(PlanCommitRequest(digest))


# --- without a run


def test_start_without_a_plan(press: Press) -> None:
    upload(press, plan_begin(), [])
    assert refused(press, StartRequest(RUN_ID, plan_begin().die_um)).code == "no-plan"


def test_start_with_zeros_for_a_name(press: Press) -> None:
    press.session.request(PlanCommitRequest(upload(press, plan_begin(), plan_steps())))
    assert refused(press, StartRequest(bytes(8), plan_begin().die_um)).code == "out-of-range"


@pytest.mark.parametrize(
    "request_",
    [
        PauseRequest(),
        ResumeRequest(),
        AbortRequest(),
        ConfirmRequest(0),
        AdvanceRequest(0),
        ClearRequest(Fault.SENSOR_LOW),
    ],
    ids=lambda request: type(request).__name__,
)
def test_steering_needs_a_run(press: Press, request_: Request[Any]) -> None:
    assert refused(press, request_).code == "bad-state"


def test_result_of_a_step_that_is_not_in_the_plan(press: Press) -> None:
    upload(press, plan_begin(), plan_steps()[:2])
    assert refused(press, StepResultRequest(2)).code == "out-of-range"


def test_records_that_do_not_exist_yet(press: Press) -> None:
    status = press.session.status()
    refusal = refused(press, BackfillRequest(status.next + 1000, 1))
    assert (refusal.code, refusal.detail) == ("not-held", status.oldest)


def test_profile_that_contradicts_itself(press: Press) -> None:
    stored = press.session.request(ProfileReadRequest())
    values = {field.name: getattr(stored, field.name) for field in stored.FIELDS}
    values["raw_zero"], values["raw_full"] = values["raw_full"], values["raw_zero"]
    assert refused(press, ProfileWriteRequest(**values)).code == "profile-invalid"
    assert press.session.request(ProfileReadRequest()) == stored


def test_step_kinds_are_all_covered() -> None:
    assert {step.kind for step in plan_steps()} == set(StepKind)
