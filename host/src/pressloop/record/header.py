"""Makes the header of a record from the plan and the board's replies."""

from __future__ import annotations

import binascii
import platform
import secrets
import time
from collections import Counter
from typing import Final

from pressloop._version import __version__
from pressloop.findings import path_text
from pressloop.machine.channels import ChannelComparison
from pressloop.machine.profile import MachineProfile
from pressloop.plan import WITHOUT_TARGET, Plan, PlanStage, PlanStep
from pressloop.protocol import Conditions
from pressloop.record.model import (
    BoardIdentity,
    BoardStepResult,
    ContinuedRun,
    Direction,
    EmulatedPress,
    HostLossPlan,
    PlannedStage,
    PlannedStep,
    RecordedConditions,
    RunHeader,
    ThinningRules,
)
from pressloop.wire.codec import encode_message
from pressloop.wire.names import wire_name
from pressloop.wire.schema import TICK_HZ, HelloReply, Profile, StepKind, StepResultReply

_MOVES: Final = (StepKind.RAMP, StepKind.RELEASE)


def new_header(
    plan: Plan,
    hello: HelloReply,
    wire_profile: Profile,
    *,
    profile: MachineProfile,
    protocol_text: str,
    port: str,
    emulated_press: EmulatedPress | None,
    thinning: ThinningRules | None,
    die_confirmed: bool = False,
    comparison: ChannelComparison | None = None,
    continues: ContinuedRun | None = None,
) -> RunHeader:
    """Return what is known of a run before the press moves; the run gets its id here.

    Args:
        plan: The plan that the board was sent.
        hello: The board's reply to hello.
        wire_profile: The machine profile as it is on the board.
        profile: The same in the units of the user.
        protocol_text: The protocol as it was written.
        port: Address at which the board is found again.
        emulated_press: The press, if it is emulated by this program.
        thinning: How quiet stretches are summed up; None keeps every record.
        die_confirmed: Whether a person has read the diameter off the die for this run.
        comparison: What the channels may differ by; None on a single-channel press.
        continues: The run before, if this one presses the rest of its protocol.
    """
    return RunHeader(
        run_id=secrets.token_bytes(8).hex(),
        created_unix_time_second=time.time(),
        protocol_name=plan.protocol.name,
        protocol_text=protocol_text,
        steps=planned_steps(plan),
        stages=planned_stages(plan),
        board=board_identity(hello),
        profile=profile.model_dump(mode="json"),
        profile_hash=f"{binascii.crc32(encode_message(wire_profile)):08x}",
        host_software={"pressloop": __version__, "python": platform.python_version()},
        simulated=hello.simulated,
        port=port,
        tick_hz=TICK_HZ,
        record_every=plan.begin.record_every,
        die_mm=plan.begin.die_um / 1000,
        emulated_press=emulated_press,
        thinning=thinning,
        die_confirmed=die_confirmed,
        channels=1 if comparison is None else 2,
        channels_allowed_mpa=(None if comparison is None else comparison.allowed_kpa(0) / 1000),
        continues=continues,
        ceiling_mpa=plan.begin.ceiling_kpa / 1000,
        host_loss=HostLossPlan.model_validate(
            {
                "action": wire_name(plan.begin.host_loss),
                "limit_s": plan.begin.host_loss_limit_ms / 1000,
                "timeout_s": plan.begin.host_timeout_ms / 1000,
                "vent_rate_mpa_s": plan.begin.vent_rate_kpa_s / 1000,
            }
        ),
        conditions=_recorded(plan.protocol.conditions),
    )


def _recorded(conditions: Conditions | None) -> RecordedConditions | None:
    return None if conditions is None else RecordedConditions(**dict(conditions))


def board_identity(hello: HelloReply) -> BoardIdentity:
    """Return the identity of the board that answered hello."""
    return BoardIdentity(
        board=hello.board,
        firmware=hello.firmware,
        build=hello.build,
        unique_id=hello.unique_id.hex(),
        boot_id=hello.boot_id,
        protocol_version=f"{hello.major}.{hello.minor}",
        schema_hash=hello.schema_hash.hex(),
        python=hello.python,
    )


def step_result(step: int, reply: StepResultReply) -> BoardStepResult:
    """Return the board's own result of a step."""
    values = {field.name: getattr(reply, field.name) for field in reply.FIELDS}
    return BoardStepResult.model_validate(
        {
            **values,
            "step": step,
            "outcome": wire_name(reply.outcome),
            "dwell_end": wire_name(reply.dwell_end),
        }
    )


def planned_steps(plan: Plan) -> tuple[PlannedStep, ...]:
    """Return the steps as the board received them, in the units of the record."""
    return tuple(_planned_step(step) for step in plan.sources)


def planned_stages(plan: Plan) -> tuple[PlannedStage, ...]:
    """Return the stages and prompts in the order of the run; repeated ones are numbered."""
    seen: Counter[str] = Counter()
    stages = []
    for stage in plan.stages:
        seen[stage.path] += 1
        stages.append(_planned_stage(plan, stage, seen[stage.path]))
    return tuple(stages)


def _planned_step(step: PlanStep) -> PlannedStep:
    return PlannedStep.model_validate(
        {
            "index": step.index,
            "kind": wire_name(step.kind),
            "stage": step.stage,
            "target_mpa": None if step.kind in WITHOUT_TARGET else step.target_kpa / 1000,
            "rate_mpa_s": _thousandth(step.rate_kpa_s),
            "tolerance_mpa": _thousandth(step.tolerance_kpa),
            "duration_s": _thousandth(step.dwell_ms),
            "relaxation_mpa_min": _thousandth(step.relaxation_kpa_min),
            "least_s": _thousandth(step.least_ms),
            "longest_s": None if step.dwell_ms else _thousandth(step.duration_ms),
            "mode": None if step.mode is None else wire_name(step.mode),
            "open": step.is_open,
            "text": step.text,
            "path": path_text(step.path),
        }
    )


def _planned_stage(plan: Plan, stage: PlanStage, iteration: int) -> PlannedStage:
    first = plan.sources[stage.steps[0]]
    moves = first.kind in _MOVES
    direction: Direction = "none"
    if moves and first.target_kpa != first.start_kpa:
        direction = "up" if first.target_kpa > first.start_kpa else "down"
    return PlannedStage(
        index=stage.index,
        name=stage.name,
        steps=stage.steps,
        target_mpa=stage.target_mpa,
        tolerance_mpa=stage.tolerance_mpa,
        rate_mpa_s=_thousandth(first.rate_kpa_s),
        direction=direction,
        iteration=iteration,
        path=stage.path,
    )


def _thousandth(value: int | None) -> float | None:
    return None if value is None else value / 1000
