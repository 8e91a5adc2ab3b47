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

PlannedStepKind = Literal["ramp", "hold", "release", "prompt"]
Direction = Literal["up", "down", "none"]
BatchSource = Literal["live", "backfill"]
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


class RecordModel(BaseModel):
    """Immutable, and tolerant of keys that a newer version added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PlannedStep(RecordModel):
    """One step of the plan as the board received it; `path` is where it stands in the YAML."""

    index: int = Field(ge=0, le=199)
    kind: PlannedStepKind
    stage: int = Field(ge=0, le=199)
    target_mpa: float | None = None
    rate_mpa_s: float | None = None
    tolerance_mpa: float | None = None
    duration_s: float | None = None
    relaxation_mpa_min: float | None = None
    least_s: float | None = None
    longest_s: float | None = None
    mode: Literal["regulated", "sealed"] | None = None
    open: bool = False
    text: str | None = None
    path: str = ""


class PlannedStage(RecordModel):
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


class BoardIdentity(RecordModel):
    """Who pressed, from the board's hello; byte strings as hexadecimal text."""

    board: str
    firmware: str
    build: str
    unique_id: str
    boot_id: int
    protocol_version: str
    schema_hash: str
    python: str = ""


class EmulatedPress(RecordModel):
    """The press that was simulated: its description and the seed of its noise."""

    description: dict[str, Any]
    seed: int


class ThinningRules(RecordModel):
    """What a record keeps whole and what it sums up, in seconds of the device clock.

    Attributes:
        after_change_s: Kept behind a change of step, state or setpoint.
        after_event_s: Kept behind a change of flags or inputs, and behind a hole.
        before_s: Kept before either.
        intervals: Age of a quiet stretch up to which an interval is this long, both in s; the
            last one stands for all that follows.
        event_store_s: Record time that events may claim at once. Changes are never refused.
        event_share: Share of the passing time by which that store refills. Together they bound
            the size of a hold whose flags flicker for days.
    """

    after_change_s: float = Field(default=900.0, ge=0)
    after_event_s: float = Field(default=60.0, ge=0)
    before_s: float = Field(default=60.0, ge=0)
    intervals: tuple[tuple[float | None, float], ...] = (
        (3600.0, 1.0),
        (86_400.0, 10.0),
        (None, 60.0),
    )
    event_store_s: float = Field(default=1800.0, ge=0)
    event_share: float = Field(default=0.01, ge=0, le=1)


class RunHeader(RecordModel):
    """First entry of the journal: all that is known before the press moves.

    `thinning` is None when every record is kept.
    """

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
    thinning: ThinningRules | None = None
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

    @property
    def pressing_stages(self) -> tuple[str, ...]:
        """Names of the stages with a target, in order; prompts alone have none."""
        return tuple(stage.name for stage in self.stages if stage.target_mpa is not None)

    def stage_of_step(self, step: int) -> PlannedStage | None:
        """The stage that a plan step belongs to; None for the board's "no step"."""
        return next((stage for stage in self.stages if step in stage.steps), None)


class IntervalSums(RecordModel):
    """What the measures need of every record of a thinned interval; one step, one state.

    Attributes:
        target_kpa: What the errors are counted from; 0 where nothing is held.
        error_kpa, square_kpa2: Sum of `p - target`, and of its square: whole numbers, exact.
        in_band, half_percent: Records within the hold's tolerance, and within 0.5 % of the target.
        dwelling: Records in which the board's dwell clock ran.
        output: Sum of the outputs, in the wire's unit.
        pump_starts: How often the pump started between two of the records.
    """

    step: int
    state: int
    target_kpa: int
    error_kpa: int
    square_kpa2: int
    in_band: int
    half_percent: int
    dwelling: int
    output: int
    pump_starts: int


class TruthSums(RecordModel):
    """The same of the true pressure, MPa; `count` records have one."""

    count: int
    error_mpa: float
    square_mpa2: float
    in_band: int
    half_percent: int


def judged_steps(stage: PlannedStage, header: RunHeader) -> tuple[list[int], list[int]]:
    """The hold of the stage's target, and the ramp or release that leads there."""
    steps = [step for step in header.steps if step.index in stage.steps]
    to_target = [step for step in steps if step.target_mpa == stage.target_mpa]
    holds = [step.index for step in to_target if step.kind == "hold"]
    moves = [step.index for step in to_target if step.kind in ("ramp", "release")]
    if holds:
        moves = [index for index in moves if index < holds[0]]
    return holds, moves[-1:]


class RunStart(RecordModel):
    """The board's answer to start."""

    unix_time_second: float
    run_first: int
    start_tick: int


class RunEvent(RecordModel):
    """Something that happened besides the telemetry; `data` depends on the kind."""

    unix_time_second: float
    kind: EventKind
    tick: int | None = None
    data: dict[str, Any] = {}


class BoardStepResult(RecordModel):
    """What the board itself measured in a step: the step-result reply, with its step."""

    step: int
    outcome: Literal["pending", "active", "done", "advanced", "cut"]
    ticks: int
    dwell_ticks: int
    peak_kpa: int
    lowest_kpa: int
    top_ups: int
    start_tick: int
    dwell_end: Literal["none", "duration", "relaxation", "operator", "longest", "run"] | None = None
    loss_kpa_min: int | None = None
    leak_kpa_min: int | None = None


class RunEnd(RecordModel):
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
