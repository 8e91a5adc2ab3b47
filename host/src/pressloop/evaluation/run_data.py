"""What a journal holds of a run, put in order: the ground on which everything else is judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pressloop.analysis.metrics import Bools, Floats
from pressloop.evaluation.series import Series, assemble, gaps_of
from pressloop.evaluation.summary import Gap
from pressloop.record.entries import (
    end_of,
    header_of,
    intervals_of,
    start_of,
    telemetry_batches,
)
from pressloop.record.journal import JournalContents
from pressloop.record.model import INTERRUPTED, PlannedStage, RunEnd, RunHeader, RunStart


@dataclass(frozen=True)
class RunData:
    """One run, as far as its journal could be read.

    Attributes:
        header: What was known before the press moved.
        start: None if the host died before the board's start was written down.
        end: `interrupted` where the journal ends without one.
        series: The telemetry.
        gaps: What is missing of it.
        start_tick: Device clock at the start; without one, of the first record.
    """

    header: RunHeader
    start: RunStart | None
    end: RunEnd
    series: Series
    gaps: tuple[Gap, ...]
    start_tick: int

    @property
    def reading_mpa(self) -> Floats:
        """The board's reading of the pressure on the pellet, MPa, one per record."""
        reading: Floats = self.series.records["pressure_kpa"] / 1000
        return reading

    def of_stage(self, stage: PlannedStage) -> Bools:
        """Which records belong to a stage."""
        return np.isin(self.series.records["step"], stage.steps)

    def duration_s(self, within: Bools | None = None) -> float:
        """Time from the first to the last record, both included; of all or of those `within`."""
        elapsed = self.series.ticks_since(self.start_tick)
        if within is not None:
            elapsed = elapsed[within]
        if not elapsed.size:
            return 0.0
        ticks = elapsed[-1] - elapsed[0] + self.header.record_every
        return float(ticks) / self.header.tick_hz


def gather(contents: JournalContents, journal: Path) -> RunData:
    """Put in order what could be read of a journal.

    Raises:
        RecordError: `no-record`, `record-damaged` or `record-version`.
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
    return RunData(
        header,
        start,
        end,
        series,
        gaps_of(series, header.record_every, header.tick_hz),
        start.start_tick if start else _first_tick(series),
    )


def _first_tick(series: Series) -> int:
    return int(series.records["tick"][0]) if series.seq.size else 0
