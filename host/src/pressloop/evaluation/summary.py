"""Models `run.json`: the result of a run, as scripts read it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import ConfigDict, ValidationError

from pressloop.analysis.density import Density
from pressloop.analysis.relaxation import Relaxation
from pressloop.analysis.springback import Springback
from pressloop.machine.calibration import CalibrationStatus
from pressloop.machine.uncertainty import Budget, Quantity
from pressloop.record.columns import SUMMARY_NAME
from pressloop.record.model import (
    BoardStepResult,
    Direction,
    InjectedFault,
    RecordModel,
    RunEvent,
    RunHeader,
)
from pressloop.sample import Sample

SUMMARY_SCHEMA: Final = "pressloop.run/1"

Verdict = Literal["pass", "fail", "not reached"]


class Gap(RecordModel):
    """A range of telemetry records that are missing in the record of the run."""

    first_seq: int
    last_seq: int
    first_tick: int | None
    records: int
    seconds: float


class StageResult(RecordModel):
    """The result of one stage: what was planned and what was measured.

    A number that was not measured is None.

    Attributes:
        outcome: `done`, `advanced` (ended early by the operator), `cut` (ended with the run),
            `active` (the record ends in it), `not reached`, or `unknown` (lost in a gap).
        planned_dwell_s: Dwell that the protocol asks for; None where relaxation or the operator
            ends the hold.
        dwell_end: Why the dwell ended, by the board: `duration`, `relaxation`, `operator`,
            `longest` (the longest allowed time was over first) or `run` (the run ended first).
        planned_rest_s: Rest without pressure that the protocol asks for behind the release; None
            without one.
        rest_s: How long that rest was, pauses left out.
        rest_unloaded_s: The part of it in which the press was without pressure, by the board's
            clock.
        duration_s: From the first to the last record of the stage, pauses and prompts included.
        missing_s: Time of the stage that is missing in the record.
        full_flow_s: Time for which the pump was fully open and the pressure still behind its
            setpoint; None in a record that an earlier version has finalised.
        mean_mpa_uncertainty: Expanded uncertainty (k = 2) of `mean_mpa` as a pressure on the
            pellet; likewise `peak_mpa_uncertainty`. None for the truth.
        mean_mpa_reading_uncertainty: That of `mean_mpa` as the pressure that the oil makes on the
            pellet (k = 2): without friction of the ram.
        mean_mpa_repeatability: The part of `mean_mpa_uncertainty` that changes from run to run
            (k = 2).
        mean_uncertainty: The contributions to `mean_mpa_uncertainty`.
        relaxation: Loss of pressure in a sealed dwell, creep in a regulated one. None for the
            truth and without a hold; so are springback and density.
        springback: Thickness gained on the release to contact that follows the dwell.
        density: Thickness and relative density, where the sample determines them.
        damage: What was broken by the end of the stage; None when nothing. Under `truth` only.
        target_force_kn: Force on the pellet at `target_mpa`; None where the die is not recorded.
        force_kn: Force on the pellet at `mean_mpa`; None where `target_force_kn` or it is None.
        judged_by: Which pressure the measures are of: `pellet by load cell`, `reading with friction
            compensation` or `reading`, which is the oil's. None for the truth, and in a record
            that an earlier version has finalised.
        verdict: Whether the stage was pressed as its protocol asks; None in a record that an
            earlier version has finalised.
        reasons: Why it did not pass, one sentence each; empty when it did.
    """

    index: int
    name: str
    path: str
    iteration: int
    outcome: str
    direction: Direction
    target_mpa: float
    tolerance_mpa: float | None
    ramp_rate_mpa_s: float | None
    planned_dwell_s: float | None
    dwell_end: str | None = None
    planned_rest_s: float | None = None
    rest_s: float | None = None
    rest_unloaded_s: float | None = None
    duration_s: float | None
    missing_s: float
    peak_mpa: float | None = None
    lowest_mpa: float | None = None
    overshoot_mpa: float | None = None
    overshoot_percent: float | None = None
    ramp_error_percent: float | None = None
    full_flow_s: float | None = None
    settle_s: float | None = None
    in_band_fraction: float | None = None
    hold_within_half_percent: float | None = None
    dwell_s: float | None = None
    mean_mpa: float | None = None
    rms_error_mpa: float | None = None
    top_up_count: int | None = None
    noise_mpa: float | None = None
    mean_mpa_uncertainty: float | None = None
    mean_mpa_reading_uncertainty: float | None = None
    mean_mpa_repeatability: float | None = None
    peak_mpa_uncertainty: float | None = None
    mean_uncertainty: Budget | None = None
    relaxation: Relaxation | None = None
    springback: Springback | None = None
    density: Density | None = None
    damage: str | None = None
    target_force_kn: float | None = None
    force_kn: float | None = None
    judged_by: Quantity | None = None
    verdict: Verdict | None = None
    reasons: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name of the stage, with the number of the pass from the second pass of a repeat on."""
        return self.name if self.iteration == 1 else f"{self.name} #{self.iteration}"


class Damage(RecordModel):
    """Pellet or die of an emulated press broke. No sensor shows it, only the truth does.

    Attributes:
        what: Of the pellet, such as `cracked in too fast a release`.
        time_s: Since the start of the run, s; negative when it broke in an earlier run.
        stage: Name of the stage in which it broke; None outside a stage.
    """

    what: str
    time_s: float
    stage: str | None


class Thinned(RecordModel):
    """The extent to which the record was summed up in intervals, by the rules in `header.thinning`.

    Attributes:
        rows: Records that are kept whole, those of the intervals included.
        intervals: Rows of `intervals.parquet`.
        seconds: Time that the intervals stand for.
    """

    rows: int
    intervals: int
    seconds: float


class Channels(RecordModel):
    """The pressure channels that the board compared during the run.

    Attributes:
        count: 2, or 1 on a single-channel press.
        allowed_mpa: Difference at low pressure up to which the channels count as sound; 2 % of the
            reading where that is more. None with one channel.
        largest_difference_mpa: Largest difference in the run, apart from what the lags explain.
    """

    count: int
    allowed_mpa: float | None
    largest_difference_mpa: float | None


class FollowedDeadBand(RecordModel):
    """The dead band of a valve, which the board follows while the coil warms.

    Attributes:
        tuned_percent: By the profile, % of stroke.
        found_percent: Where the board found it at the end of the run, % of stroke.
    """

    tuned_percent: float
    found_percent: float


class Hashes(RecordModel):
    """Hashes of all that may differ between two runs that look alike."""

    protocol_sha256: str
    firmware_build: str
    profile: str
    wire_schema: str


class RunSummary(RecordModel):
    """The whole of `run.json`.

    Attributes:
        end_reason: `completed` only when the board said so and nothing in the record contradicts.
        gaps: Empty when no record of the run is missing.
        stages: Results from the pressure readings.
        truth: Results from the true pressure of an emulated press; None on a real one.
        damage: What broke on an emulated press, in order; None on a real one.
        injected: Faults that were injected on purpose, in order; None on a real press.
        steps: What the board itself measured.
        thinned: None when every record is kept as received. Also in a thinned record the measures
            are those of every record.
        sample: What the user said of the pellet.
        channels: The pressure channels; None in a record of an earlier version.
        release_dead_band: Of the release valve; None where it stayed as tuned, and in a record of
            an earlier version.
        pump_dead_band: The same of the pump valve.
        zero_correction_mpa: What the readings had too much by the transducer's drift, as found at
            rest before the run, and what the board took off for this run alone, MPa on the pellet;
            None: nothing.
        commissioned: Day on which the board was commissioned, such as `2026-11-28`, or `never`;
            None in a record of an earlier version.
        calibration: The calibration of the press; None in a record of an earlier version.
        warnings: What a reader has to know about this record, one sentence each.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")

    schema_name: str = SUMMARY_SCHEMA
    run_id: str
    protocol_name: str
    simulated: bool
    end_reason: str
    fault: str | None
    started_unix_time_second: float
    duration_s: float
    records: int
    gaps: tuple[Gap, ...]
    thinned: Thinned | None = None
    warnings: tuple[str, ...]
    stages: tuple[StageResult, ...]
    truth: tuple[StageResult, ...] | None
    damage: tuple[Damage, ...] | None = None
    injected: tuple[InjectedFault, ...] | None = None
    steps: tuple[BoardStepResult, ...]
    sample: Sample | None = None
    channels: Channels | None = None
    release_dead_band: FollowedDeadBand | None = None
    pump_dead_band: FollowedDeadBand | None = None
    zero_correction_mpa: float | None = None
    commissioned: str | None = None
    calibration: CalibrationStatus | None = None
    hashes: Hashes
    note: str
    events: tuple[RunEvent, ...]
    header: RunHeader

    @property
    def complete(self) -> bool:
        """Whether the run completed and every record of it is held."""
        return self.end_reason == "completed" and not self.gaps


def read_summary(folder: Path) -> RunSummary:
    """Return the content of `run.json` in the folder of a record.

    Raises:
        ValueError: It is damaged.
    """
    try:
        return RunSummary.model_validate_json((folder / SUMMARY_NAME).read_bytes())
    except (ValidationError, UnicodeDecodeError) as error:
        raise ValueError(f"{SUMMARY_NAME} is damaged") from error
