"""What a run record says, apart from the telemetry itself.

These models are both the journal's entries and parts of `run.json`. Unknown keys are ignored, so
that an older reader opens a record with newer additions; `SCHEMA_VERSION` changes when it may not.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field, field_validator

SCHEMA_VERSION: Final = 2
"""Of the journal; in version 1 a telemetry record has no displacement. A reader refuses a newer
one, because keys may have changed their meaning."""

StepKind = Literal["ramp", "hold", "release", "prompt"]
Direction = Literal["up", "down", "none"]
Source = Literal["live", "backfill"]
EventKind = Literal[
    "prompt",
    "prompt-answered",
    "pause",
    "resume",
    "advance",
    "abort",
    "host-lost",
    "reattached",
    "fault",
    "note",
]

INTERRUPTED: Final = "interrupted"
"""End reason of a record without an end entry: the host stopped recording before the run ended."""

UNCONFIRMED: Final = "unconfirmed"
"""End reason when the board reported completion and the evidence in the record contradicts it."""


class Model(BaseModel):
    """Immutable, and tolerant of keys that a newer version added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PlannedStep(Model):
    """One step of the plan as the board received it; `path` is where it stands in the YAML."""

    index: int = Field(ge=0, le=199)
    kind: StepKind
    stage: int = Field(ge=0, le=199)
    target_mpa: float | None = None
    rate_mpa_s: float | None = None
    tolerance_mpa: float | None = None
    duration_s: float | None = None
    mode: Literal["regulated", "sealed"] | None = None
    open: bool = False
    text: str | None = None
    path: str = ""


class PlannedStage(Model):
    """One stage of the plan. A stage without a target (prompts alone) has no row in the results.

    `iteration` counts from 1 through the passes of a repeat block.
    """

    index: int = Field(ge=0, le=199)
    name: str
    steps: tuple[int, ...]
    target_mpa: float | None = None
    tolerance_mpa: float | None = None
    rate_mpa_s: float | None = None
    direction: Direction = "none"
    iteration: int = 1
    path: str = ""


class BoardIdentity(Model):
    """Who pressed, from the board's hello; byte strings as hexadecimal text."""

    board: str
    firmware: str
    build: str
    unique_id: str
    boot_id: int
    protocol_version: str
    schema_hash: str
    python: str = ""


class EmulatedPress(Model):
    """The press that was simulated: its description and the seed of its noise."""

    description: dict[str, Any]
    seed: int


class RunHeader(Model):
    """First entry of the journal: all that is known before the press moves."""

    run_id: str
    created_unix_time_second: float
    protocol_name: str
    protocol_text: str
    steps: tuple[PlannedStep, ...]
    stages: tuple[PlannedStage, ...]
    board: BoardIdentity
    profile: dict[str, Any]
    profile_hash: str
    host_software: dict[str, str]
    simulated: bool
    port: str
    tick_hz: int = Field(gt=0)
    record_every: int = Field(default=1, ge=1)
    die_mm: float | None = None
    emulated_press: EmulatedPress | None = None
    schema_version: int = SCHEMA_VERSION

    @computed_field  # type: ignore[prop-decorator]
    @property
    def protocol_sha256(self) -> str:
        """SHA-256 of the protocol as the user wrote it, hexadecimal."""
        return hashlib.sha256(self.protocol_text.encode()).hexdigest()

    @property
    def record_interval_s(self) -> float:
        """Time between two telemetry records, s."""
        return self.record_every / self.tick_hz

    def stage_of_step(self, step: int) -> PlannedStage | None:
        """The stage that a plan step belongs to; None for the board's "no step"."""
        return next((stage for stage in self.stages if step in stage.steps), None)


class RunStart(Model):
    """The board's answer to start."""

    unix_time_second: float
    run_first: int
    start_tick: int


class RunEvent(Model):
    """Something that happened besides the telemetry; `data` depends on the kind."""

    unix_time_second: float
    kind: EventKind
    tick: int | None = None
    data: dict[str, Any] = {}


class BoardStepResult(Model):
    """What the board itself measured in a step: the step-result reply, with its step."""

    step: int
    outcome: Literal["pending", "active", "done", "advanced", "cut"]
    ticks: int
    dwell_ticks: int
    peak_kpa: int
    lowest_kpa: int
    top_ups: int
    start_tick: int


class RunEnd(Model):
    """How the run ended, by the board's own account.

    Args:
        end_reason: The board's end reason, such as `completed`; `interrupted` when the host had
            to give up before the board ended the run.
        fault: The latched fault, None without.
        last_seq: Sequence number of the run's last telemetry record, None when unknown.
        step_results: As far as they could be read.
        note: What a reader should know, such as the error that cut the link.
    """

    end_reason: str = Field(pattern=r"^[a-z-]+$")
    fault: str | None = None
    last_seq: int | None = None
    step_results: tuple[BoardStepResult, ...] = ()
    note: str = ""

    @field_validator("end_reason", "fault")
    @classmethod
    def _is_something(cls, value: str | None) -> str | None:
        if value == "none":
            raise ValueError("the board's `none` is not an end: leave it out")
        return value
