"""Define the plan for the board, in the integers of the wire, with each step's origin."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from pressloop.errors import PressloopError
from pressloop.findings import KeyPath
from pressloop.protocol import Pid, Protocol
from pressloop.wire.codec import encode_message
from pressloop.wire.schema import HoldMode, PlanBeginRequest, PlanStepRequest, StepKind

WITHOUT_TARGET: Final = (StepKind.PROMPT, StepKind.REST)
"""Kinds of steps that stay at the pressure at which they begin."""


class PlanError(PressloopError):
    """A protocol cannot be written as a plan. Codes: `too-many-steps`, `out-of-range`."""

    default_code = "out-of-range"


@dataclass(frozen=True)
class Pass:
    """One pass of a repeat block: pass `number` of `of`, counted from 1."""

    number: int
    of: int


@dataclass(frozen=True)
class PlanStep:
    """One step of the plan, in the integers of the wire, with its place in the protocol."""

    index: int
    """Index in the plan, from 0."""
    stage: int
    """Index of the `PlanStage` that it belongs to."""
    kind: StepKind
    path: KeyPath
    """Place of the ramp, hold, release, prompt or rest in the protocol."""
    target_path: KeyPath
    """Place of the target, for a hold perhaps that of its stage's ramp, for a rest that of the
    release."""
    start_kpa: int
    """Setpoint when the step begins, kPa."""
    target_kpa: int
    """Setpoint when the step ends, kPa."""
    rate_kpa_s: int | None = None
    """Rate of a ramp or release; None for others."""
    tolerance_kpa: int | None = None
    """Half width of a hold's band; None for others."""
    duration_ms: int | None = None
    """Time in band that ends a hold at the latest, or without pressure that ends a rest; None if
    there is none."""
    relaxation_kpa_min: int | None = None
    """Loss rate below which a sealed hold ends; None for others."""
    least_ms: int | None = None
    """Time in band before which relaxation does not end the hold; None if not given."""
    timeout_ms: int | None = None
    """Longest time out of band of a hold, or longest wait of a prompt; None for others."""
    mode: HoldMode | None = None
    is_open: bool = False
    """Whether the operator ends the hold."""
    text: str | None = None
    """Text for the operator."""
    pid: Pid | None = None
    """Gains of the step; None: those of the profile."""

    @property
    def expected_s(self) -> float:
        """Shortest time from start to end, s; waiting for the operator counts as 0."""
        if self.rate_kpa_s is not None:
            return abs(self.target_kpa - self.start_kpa) / self.rate_kpa_s
        if self.relaxation_kpa_min is not None or self.is_open:
            return (self.least_ms or 0) / 1000
        return (self.duration_ms or 0) / 1000

    @property
    def dwell_ms(self) -> int | None:
        """Duration of a rest, or of a hold that ends by time alone, ms; None for others."""
        if self.relaxation_kpa_min is not None or self.is_open:
            return None
        return self.duration_ms

    def request(self) -> PlanStepRequest:
        """Return the message that adds the step to the board's plan."""
        return PlanStepRequest(
            index=self.index,
            kind=self.kind,
            stage=self.stage,
            target_kpa=None if self.kind in WITHOUT_TARGET else self.target_kpa,
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
    """One stage or prompt in the order of running, in the units of reports."""

    index: int
    kind: Literal["stage", "prompt"]
    name: str
    """Name as written; the same in every pass of a repeat block. Prompts are called `prompt`."""
    path: str
    """Place in the protocol, as `stages[2].stages[0]`."""
    passes: tuple[Pass, ...]
    """Passes of the repeat blocks that contain the stage, outermost first."""
    steps: tuple[int, ...]
    """Indices of its steps in the plan."""
    target_mpa: float | None
    """Target of the stage, MPa; that of its release if it has neither ramp nor hold. None for a
    prompt."""
    tolerance_mpa: float | None
    """Half width of the band, MPa; None without a hold."""
    dwell_s: float | None
    """Dwell of a hold that ends by time alone, s; None otherwise."""
    is_open: bool
    """Whether the operator ends the hold."""
    prompt: str | None
    """Text of a prompt; None for a stage."""
    expected_s: float
    """Shortest time from start to end, s; waiting for the operator counts as 0."""

    @property
    def label(self) -> str:
        """Name with the passes of the repeat blocks, as `press 2/5`."""
        return " ".join([self.name, *(f"{p.number}/{p.of}" for p in self.passes)])


@dataclass(frozen=True)
class Plan:
    """The messages for the board, and the steps and stages that they come from."""

    protocol: Protocol
    begin: PlanBeginRequest
    sources: tuple[PlanStep, ...]
    """The steps with their origin, one for each request."""
    stages: tuple[PlanStage, ...]
    """The stages and prompts in the order of running."""

    @cached_property
    def steps(self) -> tuple[PlanStepRequest, ...]:
        """The messages that add the steps to the board's plan."""
        return tuple(step.request() for step in self.sources)

    @cached_property
    def digest(self) -> int:
        """CRC-32 of the payloads of plan-begin and all plan-steps, in order."""
        digest = binascii.crc32(encode_message(self.begin))
        for step in self.steps:
            digest = binascii.crc32(encode_message(step), digest)
        return digest

    @property
    def expected_s(self) -> float:
        """Shortest press time from the start to the end of the last step, s, without prompts."""
        return sum(step.expected_s for step in self.sources)
