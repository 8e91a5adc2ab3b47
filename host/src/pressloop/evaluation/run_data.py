"""All that a record holds of one run, put in order: what every step of the evaluation reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from pressloop.analysis.metrics import Bools, Floats
from pressloop.errors import RecordError
from pressloop.evaluation.series import Ints, Series, assemble, telemetry_gaps
from pressloop.evaluation.summary import Gap
from pressloop.evaluation.truth import Truth, read_truth
from pressloop.machine.profile import MachineProfile
from pressloop.machine.uncertainty import Instrument
from pressloop.record.entries import (
    end_of,
    events_of,
    header_of,
    intervals_of,
    start_of,
    telemetry_batches,
)
from pressloop.record.journal import JournalContents, UnreadableBytes
from pressloop.record.model import (
    INTERRUPTED,
    PlannedStage,
    RunEnd,
    RunEvent,
    RunHeader,
    RunStart,
)
from pressloop.sample import Sample, read_sample
from pressloop.wire.schema import NO_DISPLACEMENT, OUTPUT_FULL, State


@dataclass(frozen=True)
class RecordedPress:
    """The press and the die that a run was pressed with, as its record describes them."""

    profile: MachineProfile
    die_mm: float

    @property
    def contact_mpa(self) -> float:
        """Pressure on the pellet at which the controller takes the ram to be in contact, MPa."""
        return self.profile.contact_bar / 10 * self.profile.lever(self.die_mm)

    @property
    def tells_oil_from_pellet(self) -> bool:
        """Whether load cell or learned friction make the recorded pressure that of the pellet."""
        profile = self.profile
        return (
            profile.load_cell_capacity_kn is not None
            or profile.friction_uncertainty_percent is not None
        )

    @cached_property
    def instrument(self) -> Instrument:
        """The uncertainties of this press as an instrument for pressure."""
        return Instrument.of(self.profile, self.die_mm)


@dataclass(frozen=True, eq=False)
class RunData:
    """One run, as far as its journal could be read.

    Arrays have the shape (n,), one element per record that is kept.

    Attributes:
        header: What was known before the press moved.
        start: None if the host died before it recorded the board's start of the run.
        end: `interrupted` where the journal ends without an end entry.
        events: What happened besides the telemetry, in the order of recording.
        series: The telemetry.
        gaps: The telemetry that is missing.
        start_tick: Device clock at the start; without a start entry, of the first record.
        unreadable: Bytes of the journal that could not be read.
        truth: True state of an emulated press; None without one.
        sample: What the user said of the pellet; None if nothing.
        press: None where the header has no profile that this version knows, or no die.
    """

    header: RunHeader
    start: RunStart | None
    end: RunEnd
    events: tuple[RunEvent, ...]
    series: Series
    gaps: tuple[Gap, ...]
    start_tick: int
    unreadable: tuple[UnreadableBytes, ...]
    truth: Truth | None
    sample: Sample | None
    press: RecordedPress | None

    @cached_property
    def ticks(self) -> Ints:
        """Device clock since the start of the run."""
        return self.series.ticks_since(self.start_tick)

    @cached_property
    def time_s(self) -> Floats:
        """Device clock since the start of the run, s."""
        return self.ticks / self.header.tick_hz

    @cached_property
    def pressure_mpa(self) -> Floats:
        """The pressure that the board controlled: the oil's, or the pellet's where it knew, MPa."""
        pressure: Floats = self.series.records["pressure_kpa"] / 1000
        return pressure

    @cached_property
    def oil_derived_mpa(self) -> Floats | None:
        """Pressure that the oil makes on the pellet, MPa, from the unfiltered counts.

        None where it is that of `pressure_mpa`: without load cell and learned friction.
        """
        press = self.press
        if press is None or not press.tells_oil_from_pellet:
            return None
        profile = press.profile
        zero = profile.raw_zero + (profile.raw_zero_fraction or 0)
        # Counts without a sign would wrap below the zero.
        counts = self.series.records["raw"].astype(np.float64) - zero
        full_scale_mpa = profile.full_scale_bar / 10 * profile.lever(press.die_mm)
        derived: Floats = counts * (full_scale_mpa / (profile.raw_full - profile.raw_zero))
        derived -= self.end.zero_correction_mpa or 0.0
        return derived

    @cached_property
    def setpoint_mpa(self) -> Floats:
        """Setpoint of the pressure on the pellet, MPa."""
        setpoint: Floats = self.series.records["setpoint_kpa"] / 1000
        return setpoint

    @cached_property
    def output_percent(self) -> Floats:
        """Opening of the valves, -100..100; positive pump, negative release."""
        output: Floats = 100 * (self.series.records["output"] / OUTPUT_FULL)
        return output

    @cached_property
    def displacement_mm(self) -> Floats | None:
        """Closing of the platens, mm, NaN where it was not read; None without a sensor."""
        um = self.series.records["displacement_um"]
        read = um != NO_DISPLACEMENT
        return np.where(read, um / 1000, np.nan) if read.any() else None

    @cached_property
    def running(self) -> Bools:
        """The stage's clocks ran (not paused)."""
        running: Bools = self.series.records["state"] == State.RUNNING
        return running

    @cached_property
    def follows_gap(self) -> Bools:
        """Records are missing directly before this one."""
        follows = np.zeros(self.series.seq.size + 1, np.bool_)
        firsts = [first for first, _ in self.series.missing]
        follows[np.searchsorted(self.series.seq, firsts)] = True
        return follows[:-1]

    @property
    def target_stages(self) -> tuple[PlannedStage, ...]:
        """The stages with a target, in order; those of prompts alone have none."""
        return tuple(stage for stage in self.header.stages if stage.target_mpa is not None)

    def of_stage(self, stage: PlannedStage) -> Bools:
        """Return which records belong to a stage."""
        return self.of_steps(stage.steps)

    def of_steps(self, steps: tuple[int, ...] | list[int]) -> Bools:
        """Return which records belong to one of these steps of the plan."""
        return np.isin(self.series.records["step"], steps)

    def duration_s(self, within: Bools | None = None) -> float:
        """Return the time from the first to the last record, both included, s.

        Args:
            within: Which records count; None: all.
        """
        ticks = self.ticks if within is None else self.ticks[within]
        if not ticks.size:
            return 0.0
        return float(ticks[-1] - ticks[0] + self.header.record_every) / self.header.tick_hz


def load_run(contents: JournalContents, journal: Path, truth_path: Path | None) -> RunData:
    """Put what could be read of a record in order.

    Args:
        contents: Of the journal.
        journal: Its path; a sample may be described beside it.
        truth_path: True state of the emulated press; None: there is none.

    Raises:
        RecordError: `no-record`, `record-damaged`, `record-version` or `no-truth`.
        BadInputError: The description of the sample cannot be read.
    """
    header = header_of(contents, journal)
    start = start_of(contents)
    end = end_of(contents) or RunEnd(end_reason=INTERRUPTED)
    series = assemble(
        list(telemetry_batches(contents)),
        start.run_first if start else None,
        end.last_seq,
        intervals_of(contents),
    )
    start_tick = start.start_tick if start else _first_tick(series)
    if truth_path is not None and not header.simulated:
        raise RecordError(
            f"run {header.run_id} was on a real press, which has no file of true pressures",
            code="no-truth",
            hint="finalise it without one",
        )
    return RunData(
        header=header,
        start=start,
        end=end,
        events=events_of(contents),
        series=series,
        gaps=telemetry_gaps(series, header.record_every, header.tick_hz),
        start_tick=start_tick,
        unreadable=tuple(contents.unreadable),
        truth=None if truth_path is None else read_truth(truth_path, series, start_tick),
        sample=read_sample(journal.parent),
        press=_press(header),
    )


def _first_tick(series: Series) -> int:
    return int(series.records["tick"][0]) if series.seq.size else 0


def _press(header: RunHeader) -> RecordedPress | None:
    """Read profile and die of a header, which another version of Pressloop may have written."""
    known = {k: v for k, v in header.profile.items() if k in MachineProfile.model_fields}
    try:
        profile = MachineProfile.model_validate(known)
    except ValidationError:
        return None
    return None if header.die_mm is None else RecordedPress(profile, header.die_mm)
