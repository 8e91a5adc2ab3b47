"""The plan for the board, in the integers of the wire; each step knows where it comes from."""

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

_MINOR_WITH_UNTIL: Final = 2


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
    path: KeyPath
    """Of the ramp, hold, release or prompt in the protocol."""
    target_path: KeyPath
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
    def expected_s(self) -> float:
        """Least press time from start to the last step's end, without waiting for operators."""
        return sum(step.expected_s for step in self.sources)
