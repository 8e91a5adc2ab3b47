"""Models what a record holds besides the telemetry.

These models are entries of the journal and parts of `run.json`. Unknown keys are ignored, so that
an older reader opens a record with newer additions; `SCHEMA_VERSION` changes when it must not.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    computed_field,
    field_validator,
    model_validator,
)
from typing_extensions import Self

from pressloop.protocol import Conditions
from pressloop.units import duration_text
from pressloop.yaml.user_model import UserModel

SCHEMA_VERSION: Final = 1
"""Version of the journal. A reader refuses a newer one, whose keys may mean something else."""

PlannedStepKind = Literal["ramp", "hold", "release", "prompt", "rest"]
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

UnixTime = Annotated[float, Field(ge=0, lt=253_402_300_800)]
"""A time of the host's clock, s since 1970-01-01; before the year 10000, as a calendar can show."""

INTERRUPTED: Final = "interrupted"
"""End reason of a record without an end entry: the host stopped recording before the run ended."""

UNCONFIRMED: Final = "unconfirmed"
"""End reason when the board reported completion and the record contradicts it."""


class RecordModel(BaseModel):
    """Base of all models of a record: immutable, and ignores keys that a newer version added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PlannedStep(RecordModel):
    """One step of the plan as the board received it; `path` is its place in the YAML."""

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
    """One stage of the plan. A stage without a target, of prompts alone, has no result.

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
    """Identity of the board, from its reply to hello; byte strings as hexadecimal text."""

    board: str
    firmware: str
    build: str
    unique_id: str
    boot_id: int
    protocol_version: str
    schema_hash: str
    python: str = ""


class InjectedFault(RecordModel):
    """A fault of an emulated press, injected on purpose.

    Attributes:
        kind: Name of its kind, as docs/faults.md lists them.
        value: In the unit of the kind; None for a kind without a value.
        time_s: Press time since the start of the run, s.
    """

    kind: str
    value: float | None = None
    time_s: float


class EmulatedPress(RecordModel):
    """The press that was simulated: its description and the seed of its noise.

    `faults` are those that the run was asked to have; the summary lists which were injected.
    """

    description: dict[str, JsonValue]
    seed: int
    faults: tuple[InjectedFault, ...] = ()


class ThinningRules(UserModel):
    """Rules of what a record keeps whole and what it sums up, in seconds of the device clock.

    Attributes:
        after_change_s: Time kept whole after a change of step, state or setpoint.
        after_event_s: Time kept whole after a change of flags or inputs, and after a gap.
        before_s: Time kept whole before either.
        intervals: Pairs of the age up to which a quiet stretch is summed up in intervals of a
            length, and that length; the last pair has no limit.
        event_store_s: Time that events may have kept whole at once. Changes always may.
        event_share: Share of the passing time by which that store is refilled. Both together
            limit the size of a hold whose flags flicker for days.
    """

    # A record of a newer version may have more rules.
    model_config = ConfigDict(extra="ignore")

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


class HostLossPlan(RecordModel):
    """What the board does by itself when it has lost the host.

    Attributes:
        action: `hold`, `finish` or `vent`.
        limit_s: Longest time for `hold` and `finish`; then the press vents.
        timeout_s: Silence after which the host counts as lost.
        vent_rate_mpa_s: Rate of the release that ends the run.
    """

    action: Literal["hold", "finish", "vent"]
    limit_s: float
    timeout_s: float
    vent_rate_mpa_s: float

    def __str__(self) -> str:
        """Return what the board does, as the end of a sentence."""
        vents = f"releases the pressure at {self.vent_rate_mpa_s:g} MPa/s"
        if self.action == "vent":
            return f"it {vents} {duration_text(self.timeout_s)} after it has lost the host"
        does = "holds the pressure" if self.action == "hold" else "continues the protocol"
        return f"it {does} for up to {duration_text(self.limit_s)} without a host, then {vents}"


class ContinuedRun(RecordModel):
    """Names the run that this one continues, after a power cut, an abort or a fault.

    Attributes:
        run_id: Of the run that did not complete.
        end_reason: How it ended.
        from_stage: First stage that this run pressed.
        protocol_sha256: Hash of the content of the whole protocol, `Protocol.sha256`.
    """

    run_id: str
    end_reason: str
    from_stage: str
    protocol_sha256: str

    def __str__(self) -> str:
        """Return the sentence that every reader of the record has to know."""
        return (
            f"this run continues run {self.run_id}, which ended as {self.end_reason}, from stage "
            f"{self.from_stage!r}: the stages before are in the record of that run"
        )


class RecordedConditions(Conditions):
    """Conditions of pressing as a record holds them: a newer version may have more of them."""

    model_config = ConfigDict(extra="ignore")


class RunHeader(RecordModel):
    """First entry of the journal: everything that is known before the press moves.

    `thinning` is None when every record is kept. `die_confirmed` says whether a person read the
    diameter off the die for this run; on a simulated press none needs to. `channels` is how many
    pressure channels the board compared, and `channels_allowed_mpa` what they may differ by at low
    pressure. These, `ceiling_mpa` and `host_loss` are None in records of older versions.
    `continues` is None for a run of a whole protocol.
    `conditions` are those of the protocol; None where it gives none.
    """

    run_id: str
    created_unix_time_second: UnixTime
    protocol_name: str
    protocol_text: str
    steps: tuple[PlannedStep, ...]
    stages: tuple[PlannedStage, ...]
    board: BoardIdentity
    profile: dict[str, JsonValue]
    profile_hash: str
    host_software: dict[str, str]
    simulated: bool
    port: str
    tick_hz: int = Field(gt=0)
    record_every: int = Field(default=1, ge=1)
    die_mm: float | None = Field(default=None, gt=0)
    die_confirmed: bool | None = None
    channels: int | None = None
    channels_allowed_mpa: float | None = None
    emulated_press: EmulatedPress | None = None
    thinning: ThinningRules | None = None
    ceiling_mpa: float | None = None
    host_loss: HostLossPlan | None = None
    continues: ContinuedRun | None = None
    conditions: RecordedConditions | None = None
    schema_version: int = SCHEMA_VERSION

    @model_validator(mode="after")
    def _has_a_consistent_plan(self) -> Self:
        if [step.index for step in self.steps] != list(range(len(self.steps))):
            raise ValueError("the steps are not numbered from 0")
        numbers = [stage.index for stage in self.stages]
        if numbers != sorted(set(numbers)):
            raise ValueError("the stages are not in the order of their numbers")
        if any(not 0 <= at < len(self.steps) for stage in self.stages for at in stage.steps):
            raise ValueError("a stage has a step that is not in the plan")
        return self

    @computed_field  # type: ignore[prop-decorator]
    @property
    def protocol_sha256(self) -> str:
        """SHA-256 of the protocol as the user wrote it, hexadecimal."""
        return hashlib.sha256(self.protocol_text.encode()).hexdigest()

    @property
    def die_um(self) -> int:
        """Diameter of the die, um; 0 in a record that does not name it."""
        return round(1000 * (self.die_mm or 0))

    @property
    def record_interval_s(self) -> float:
        """Time between two telemetry records, s."""
        return self.record_every / self.tick_hz

    @property
    def pressing_stages(self) -> tuple[str, ...]:
        """Names of the stages with a target, in order; prompts alone have none."""
        return tuple(stage.name for stage in self.stages if stage.target_mpa is not None)

    def stage_of_step(self, step: int) -> PlannedStage | None:
        """Return the stage that a plan step belongs to; None for the board's "no step"."""
        return next((stage for stage in self.stages if step in stage.steps), None)


class IntervalSums(RecordModel):
    """Sums over all records of a thinned interval, which has one step and one state.

    Attributes:
        target_kpa: Target of the hold, from which errors are counted; 0 outside a hold.
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
    """Sums over the true pressures of a thinned interval; `count` records have one."""

    count: int
    error_mpa: float
    square_mpa2: float
    in_band: int
    half_percent: int


def judged_steps(stage: PlannedStage, header: RunHeader) -> tuple[list[int], list[int]]:
    """Return the steps by which a stage is judged: its holds, and the ramp or release to them."""
    steps = [step for step in header.steps if step.index in stage.steps]
    to_target = [step for step in steps if step.target_mpa == stage.target_mpa]
    holds = [step.index for step in to_target if step.kind == "hold"]
    moves = [step.index for step in to_target if step.kind in ("ramp", "release")]
    if holds:
        moves = [index for index in moves if index < holds[0]]
    return holds, moves[-1:]


class RunStart(RecordModel):
    """The board's answer to start: first sequence number of the run, and device clock."""

    unix_time_second: UnixTime
    run_first: int
    start_tick: int


class RunEvent(RecordModel):
    """An event in a run, besides the telemetry; `data` depends on the kind."""

    unix_time_second: UnixTime
    kind: EventKind
    tick: int | None = None
    data: dict[str, JsonValue] = {}


class BoardStepResult(RecordModel):
    """Result of a step as the board measured it: the step-result reply, with its step."""

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
    """End of the run, as the board reported it.

    Args:
        end_reason: The board's end reason, such as `completed`; `interrupted` when the host
            stopped before the board ended the run.
        fault: The latched fault; None without one.
        last_seq: Sequence number of the run's last telemetry record, None when unknown.
        step_results: Those that could be read.
        note: What a reader should know, such as the error that ended the connection.
        largest_difference_mpa: Largest difference between the pressure channels in the run, apart
            from what their lags explain, MPa; None on a single-channel press.
        release_dead_band_percent: Where the board found the release's dead band at the end, % of
            stroke; None: where the profile has it.
        pump_dead_band_percent: The same of the pump; None in a record of an earlier version, too.
        zero_correction_mpa: What the readings of the run had too much, as found at rest before it,
            and what was taken off for this run alone, MPa on the pellet; None: nothing.
        injected: The faults that were injected in an emulated press; None where that is not known.
    """

    end_reason: str = Field(pattern=r"^[a-z-]+$")
    fault: str | None = None
    last_seq: int | None = None
    step_results: tuple[BoardStepResult, ...] = ()
    note: str = ""
    largest_difference_mpa: float | None = None
    release_dead_band_percent: float | None = None
    pump_dead_band_percent: float | None = None
    zero_correction_mpa: float | None = None
    injected: tuple[InjectedFault, ...] | None = None

    @field_validator("end_reason", "fault")
    @classmethod
    def _is_something(cls, value: str | None) -> str | None:
        if value == "none":
            raise ValueError("the board's `none` is not an end reason or fault: use None")
        return value
