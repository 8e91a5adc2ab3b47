"""A protocol and a machine profile to the plan that goes to the board; repeats unrolled.

Compiling checks no limits: `validation` does, and the board does again. Every step remembers where
in the protocol it comes from, so that a refusal by the board is reported like a finding of our own.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from pressloop.document import Hold, Item, Pid, Prompt, Protocol, Ramp, Repeat, Stage
from pressloop.errors import CommandRefusedError, PressloopError
from pressloop.findings import Finding, Path, path_text
from pressloop.profile import MachineProfile
from pressloop.wire.codec import encode_message
from pressloop.wire.message import Message
from pressloop.wire.schema import (
    MAX_STEPS,
    HoldMode,
    HostLossAction,
    PlanBeginRequest,
    PlanStepRequest,
    StepKind,
)
from pressloop.yaml_source import SourceMap

_MINOR_WITH_UNTIL: Final = 2

DEFAULT_VENT_RATE_KPA_S: Final = 20_000
"""From 500 MPa to nothing in 25 s; pellets crack when they are let go at once."""


class PlanError(PressloopError):
    """A protocol that no plan can carry. Codes: `too-many-steps`, `out-of-range`."""

    default_code = "out-of-range"


@dataclass(frozen=True)
class Pass:
    """Where in a repeat block a stage is: pass `number` of `of`, counted from 1."""

    number: int
    of: int


@dataclass(frozen=True)
class PlanStep:
    """One step of the plan, in the integers of the wire, and where it comes from."""

    index: int
    stage: int
    """Index of its `PlanStage`."""
    kind: StepKind
    path: Path
    """Of the ramp, hold, release or prompt in the protocol."""
    target_path: Path
    """Of the target, which for a hold may be that of its stage's ramp."""
    start_kpa: int
    """Setpoint when the step begins."""
    target_kpa: int
    """Setpoint when the step ends."""
    rate_kpa_s: int | None = None
    tolerance_kpa: int | None = None
    duration_ms: int | None = None
    """Time in band that ends a hold at the latest; None where there is none."""
    relaxation_kpa_min: int | None = None
    """Loss below which a sealed hold ends; None for others."""
    least_ms: int | None = None
    """Time in band before which relaxation does not end the hold."""
    timeout_ms: int | None = None
    mode: HoldMode | None = None
    is_open: bool = False
    text: str | None = None
    pid: Pid | None = None

    @property
    def expected_s(self) -> float:
        """Least time from start to end, s; what waits for the operator counts nothing."""
        if self.rate_kpa_s is not None:
            return abs(self.target_kpa - self.start_kpa) / self.rate_kpa_s
        if self.relaxation_kpa_min is not None or self.is_open:
            return (self.least_ms or 0) / 1000
        return (self.duration_ms or 0) / 1000

    @property
    def dwell_ms(self) -> int | None:
        """Time in band that alone ends the hold; None where relaxation or the operator may."""
        if self.relaxation_kpa_min is not None or self.is_open:
            return None
        return self.duration_ms

    def request(self) -> PlanStepRequest:
        """Return the message that adds the step to the board's plan."""
        return PlanStepRequest(
            index=self.index,
            kind=self.kind,
            stage=self.stage,
            target_kpa=None if self.kind is StepKind.PROMPT else self.target_kpa,
            rate_kpa_s=self.rate_kpa_s,
            tolerance_kpa=self.tolerance_kpa,
            duration_ms=self.duration_ms,
            timeout_ms=self.timeout_ms,
            mode=self.mode,
            open=True if self.is_open else None,
            text=self.text,
            kp=self.pid.kp_q8 if self.pid else None,
            ki=self.pid.ki_tick_q16 if self.pid else None,
            kd=self.pid.kd_q8 if self.pid else None,
            relaxation_kpa_min=self.relaxation_kpa_min,
            least_ms=self.least_ms,
        )


@dataclass(frozen=True)
class PlanStage:
    """One stage or prompt as it will run, in the units of reports."""

    index: int
    kind: Literal["stage", "prompt"]
    name: str
    """As written; the same in every pass of a repeat block. Prompts are called `prompt`."""
    path: str
    """In the protocol, as `stages[2].stages[0]`."""
    passes: tuple[Pass, ...]
    """Passes of the repeat blocks around it, outermost first."""
    steps: tuple[int, ...]
    """Indices of its steps in the plan."""
    target_mpa: float | None
    """Of its ramp or hold, else of its release; None for a prompt."""
    tolerance_mpa: float | None
    """Half width of the band; None without a hold."""
    dwell_s: float | None
    """Dwell that alone ends the hold; None without a hold, when open, and until relaxation."""
    is_open: bool
    """Whether only the operator ends the hold."""
    prompt: str | None
    """What the operator is asked; None for a stage."""
    expected_s: float
    """Least time from start to end; what waits for the operator counts nothing."""

    @property
    def label(self) -> str:
        """Name that tells the passes of a repeat block apart, as `press 2/5`."""
        return " ".join([self.name, *(f"{p.number}/{p.of}" for p in self.passes)])


@dataclass(frozen=True)
class Plan:
    """What is sent to the board, and what reports need to know of it."""

    protocol: Protocol
    begin: PlanBeginRequest
    sources: tuple[PlanStep, ...]
    """The steps with their origin, one per request."""
    stages: tuple[PlanStage, ...]

    @cached_property
    def steps(self) -> tuple[PlanStepRequest, ...]:
        """The steps as they are sent."""
        return tuple(step.request() for step in self.sources)

    @cached_property
    def digest(self) -> int:
        """CRC-32 over the payloads of plan-begin and every plan-step, in order."""
        digest = binascii.crc32(encode_message(self.begin))
        for step in self.steps:
            digest = binascii.crc32(encode_message(step), digest)
        return digest

    @property
    def minor(self) -> int:
        """Least minor version of the wire protocol that the board must speak."""
        ends = any(
            step.relaxation_kpa_min is not None or (step.is_open and step.duration_ms is not None)
            for step in self.sources
        )
        return _MINOR_WITH_UNTIL if ends or self.begin.crack_kpa is not None else 0

    @property
    def protocol_hash(self) -> str:
        """SHA-256 of the protocol's content, as hex."""
        return self.protocol.sha256

    @property
    def expected_s(self) -> float:
        """Least press time from start to the last step's end, without waiting for operators."""
        return sum(step.expected_s for step in self.sources)


def count_steps(items: Sequence[Item]) -> int:
    """Return how many steps a list of stages unrolls to, without unrolling it."""
    steps = 0
    for item in items:
        if isinstance(item, Repeat):
            steps += item.repeat * count_steps(item.stages)
        elif isinstance(item, Prompt):
            steps += 1
        else:
            steps += sum(part is not None for part in (item.ramp, item.hold, item.release))
    return steps


def unroll(protocol: Protocol) -> tuple[tuple[PlanStage, ...], tuple[PlanStep, ...]]:
    """Return stages and steps in the order in which they run.

    Raises:
        PlanError: `too-many-steps`.
    """
    count = count_steps(protocol.stages)
    if count > MAX_STEPS:
        raise PlanError(
            f"the protocol has {count} steps when its repeats are unrolled, {MAX_STEPS} fit",
            code="too-many-steps",
            hint="use fewer passes, or split it into two protocols",
        )
    unroller = _Unroller()
    for item, path, passes, offset_kpa in _in_order(protocol.stages, ("stages",), (), 0):
        if isinstance(item, Prompt):
            unroller.add_prompt(item, path, passes)
        else:
            unroller.add_stage(item, path, passes, offset_kpa)
    return tuple(unroller.stages), tuple(unroller.steps)


def compile_plan(protocol: Protocol, profile: MachineProfile) -> Plan:
    """Return the plan of a protocol for a press.

    Raises:
        PlanError: the wire cannot carry it. Limits of the press are not checked here.
    """
    stages, steps = unroll(protocol)
    vent_rate = protocol.vent_rate_kpa_s
    if vent_rate is None:
        fastest = profile.limits(protocol.die_um).fastest_fall_kpa_s
        vent_rate = max(1, min(DEFAULT_VENT_RATE_KPA_S, fastest))
    begin = PlanBeginRequest(
        steps=len(steps),
        die_um=protocol.die_um,
        ceiling_kpa=protocol.ceiling_kpa,
        host_loss=HostLossAction[protocol.on_host_loss.action.upper()],
        host_loss_limit_ms=protocol.on_host_loss.limit_ms,
        host_timeout_ms=protocol.host_timeout_ms,
        vent_rate_kpa_s=vent_rate,
        record_every=protocol.record_every_ticks,
        accept_unresolved=protocol.accept_unresolved_tolerance,
        crack_kpa=protocol.crack_kpa,
    )
    plan = Plan(protocol, begin, steps, stages)
    _check_range(begin, "the protocol")
    for step, request in zip(steps, plan.steps, strict=True):
        _check_range(request, path_text(step.path))
    return plan


def finding_of_refusal(
    plan: Plan, refusal: CommandRefusedError, marks: SourceMap | None = None
) -> Finding:
    """Return the board's refusal of a plan as a finding with its place in the protocol.

    Args:
        plan: What was sent.
        refusal: What the board said; its field may be spelt as in the CDDL or as in Python.
        marks: Lines of the file that the protocol was loaded from, if any.
    """
    name = (refusal.field or _USUAL_FIELD.get(refusal.code, "")).replace("-", "_")
    if refusal.step is not None and refusal.step < len(plan.sources):
        path = _path_in_step(plan.sources[refusal.step], name)
    else:
        path = _BEGIN_PATHS.get(name, ())
    return (marks or SourceMap()).finding(
        "error", refusal.code, path, refusal.message, refusal.hint
    )


def _path_in_step(step: PlanStep, name: str) -> Path:
    if name == "target_kpa":
        return step.target_path
    if step.kind is StepKind.PROMPT:
        # The text is the prompt itself, the time-out stands beside it.
        return (*step.path[:-1], "timeout") if name == "timeout_ms" else step.path
    if name in ("kp", "ki", "kd"):
        return (*step.path[:-1], "pid", name)
    if name == "duration_ms" and (step.relaxation_kpa_min or (step.is_open and step.duration_ms)):
        return (*step.path, "until", "at_most")
    return (*step.path, *_STEP_KEYS[name]) if name in _STEP_KEYS else step.path


_STEP_KEYS: Final = {
    "rate_kpa_s": ("rate",),
    "tolerance_kpa": ("tolerance",),
    "duration_ms": ("duration",),
    "open": ("duration",),
    "timeout_ms": ("timeout",),
    "mode": ("mode",),
    "relaxation_kpa_min": ("until", "relaxation"),
    "least_ms": ("until", "at_least"),
}
_BEGIN_PATHS: Final[dict[str, Path]] = {
    "steps": ("stages",),
    "die_um": ("die",),
    "ceiling_kpa": ("ceiling",),
    "host_loss": ("on_host_loss", "action"),
    "host_loss_limit_ms": ("on_host_loss", "limit"),
    "host_timeout_ms": ("host_timeout",),
    "vent_rate_kpa_s": ("vent_rate",),
    "record_every": ("record_every",),
    "crack_kpa": ("crack_threshold",),
    "accept_unresolved": ("accept_unresolved_tolerance",),
}
# What a code is about when the refusal does not name a field.
_USUAL_FIELD: Final = {
    "unknown-die": "die_um",
    "over-limit": "ceiling_kpa",
    "over-ceiling": "target_kpa",
    "hold-elsewhere": "target_kpa",
    "wrong-direction": "target_kpa",
    "rate-impossible": "rate_kpa_s",
    "tolerance-unresolved": "tolerance_kpa",
    "no-end": "duration_ms",
    "relaxation-unresolved": "relaxation_kpa_min",
    "not-sealed": "mode",
}


def _in_order(
    items: Sequence[Item], path: Path, passes: tuple[Pass, ...], offset_kpa: int
) -> Iterator[tuple[Stage | Prompt, Path, tuple[Pass, ...], int]]:
    """Yield stages and prompts as they run, with what the repeats around add to the targets."""
    for index, item in enumerate(items):
        here = (*path, index)
        if not isinstance(item, Repeat):
            yield item, here, passes, offset_kpa
            continue
        for number in range(item.repeat):
            yield from _in_order(
                item.stages,
                (*here, "stages"),
                (*passes, Pass(number + 1, item.repeat)),
                offset_kpa + number * item.step_kpa,
            )


class _Unroller:
    """Appends stages and keeps the setpoint that the steps so far lead to."""

    def __init__(self) -> None:
        self.stages: list[PlanStage] = []
        self.steps: list[PlanStep] = []
        self._level_kpa = 0

    def add_prompt(self, prompt: Prompt, path: Path, passes: tuple[Pass, ...]) -> None:
        first = len(self.steps)
        self._append(
            PlanStep(
                index=first,
                stage=len(self.stages),
                kind=StepKind.PROMPT,
                path=(*path, "prompt"),
                target_path=path,
                start_kpa=self._level_kpa,
                target_kpa=self._level_kpa,
                timeout_ms=prompt.timeout_ms,
                text=prompt.prompt,
            )
        )
        self._close_stage(first, "prompt", "prompt", path, passes, prompt=prompt.prompt)

    def add_stage(
        self, stage: Stage, path: Path, passes: tuple[Pass, ...], offset_kpa: int
    ) -> None:
        first = len(self.steps)
        if stage.ramp is not None:
            target_kpa = stage.ramp.target_kpa + offset_kpa
            self._add_move(StepKind.RAMP, stage.ramp, target_kpa, (*path, "ramp"), stage.pid)
        if stage.hold is not None:
            self._add_hold(stage.hold, stage, path, offset_kpa)
        if stage.release is not None:
            release = stage.release
            self._add_move(
                StepKind.RELEASE, release, release.target_kpa, (*path, "release"), stage.pid
            )
        self._close_stage(first, "stage", stage.name, path, passes)

    def _add_move(
        self, kind: StepKind, move: Ramp, target_kpa: int, path: Path, pid: Pid | None
    ) -> None:
        self._append(
            PlanStep(
                index=len(self.steps),
                stage=len(self.stages),
                kind=kind,
                path=path,
                target_path=(*path, "target"),
                start_kpa=self._level_kpa,
                target_kpa=target_kpa,
                rate_kpa_s=move.rate_kpa_s,
                pid=pid,
            )
        )

    def _add_hold(self, hold: Hold, stage: Stage, path: Path, offset_kpa: int) -> None:
        own_kpa = hold.target_kpa
        until = hold.until
        target_kpa = self._level_kpa if own_kpa is None else own_kpa + offset_kpa
        self._append(
            PlanStep(
                index=len(self.steps),
                stage=len(self.stages),
                kind=StepKind.HOLD,
                path=(*path, "hold"),
                target_path=(*path, "ramp" if own_kpa is None else "hold", "target"),
                start_kpa=self._level_kpa,
                target_kpa=target_kpa,
                tolerance_kpa=hold.tolerance_kpa(target_kpa),
                duration_ms=hold.duration_ms,
                relaxation_kpa_min=until.relaxation_kpa_min if until else None,
                least_ms=until.at_least_ms if until else None,
                text=until.operator if until else None,
                timeout_ms=hold.timeout_ms,
                mode=HoldMode[hold.mode.upper()],
                is_open=hold.is_open,
                pid=stage.pid,
            )
        )

    def _append(self, step: PlanStep) -> None:
        self.steps.append(step)
        self._level_kpa = step.target_kpa

    def _close_stage(
        self,
        first: int,
        kind: Literal["stage", "prompt"],
        name: str,
        path: Path,
        passes: tuple[Pass, ...],
        prompt: str | None = None,
    ) -> None:
        steps = self.steps[first:]
        hold = next((s for s in steps if s.kind is StepKind.HOLD), None)
        dwell_ms = hold.dwell_ms if hold else None
        tolerance_kpa = hold.tolerance_kpa if hold else None
        self.stages.append(
            PlanStage(
                index=len(self.stages),
                kind=kind,
                name=name,
                path=path_text(path),
                passes=passes,
                steps=tuple(s.index for s in steps),
                target_mpa=None if kind == "prompt" else steps[0].target_kpa / 1000,
                tolerance_mpa=None if tolerance_kpa is None else tolerance_kpa / 1000,
                dwell_s=None if dwell_ms is None else dwell_ms / 1000,
                is_open=hold is not None and hold.is_open,
                prompt=prompt,
                expected_s=sum(s.expected_s for s in steps),
            )
        )


def _check_range(message: Message, where: str) -> None:
    """Refuse integers that the wire cannot carry: `validation` would have said why."""
    for field in message.FIELDS:
        value = getattr(message, field.name)
        if isinstance(value, int) and not field.low <= value <= field.high:
            raise PlanError(
                f"{where}: {field.name} is {value}, the board takes {field.low} to {field.high}",
                hint="validate the protocol to see what is wrong with it",
            )
