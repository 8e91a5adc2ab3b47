"""A journal to the summary and the telemetry of its run; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pressloop.errors import RecordError
from pressloop.evaluation.completeness import warnings
from pressloop.evaluation.damage import located, warnings_of, with_damage
from pressloop.evaluation.outcomes import contradictions, stage_outcome
from pressloop.evaluation.powder import with_powder
from pressloop.evaluation.run_data import RunData, gather
from pressloop.evaluation.series import Series
from pressloop.evaluation.stage_results import stage_results
from pressloop.evaluation.stage_uncertainty import with_uncertainty
from pressloop.evaluation.summary import Hashes, RunSummary, Thinned
from pressloop.evaluation.table import interval_table, telemetry_table
from pressloop.evaluation.truth import Truth, read_truth
from pressloop.record.entries import events_of
from pressloop.record.journal import JournalContents
from pressloop.record.model import UNCONFIRMED, RunHeader
from pressloop.sample import read_sample


@dataclass(frozen=True)
class Result:
    """What a journal says; `intervals` is None when nothing was thinned."""

    summary: RunSummary
    table: Any
    intervals: Any | None


def evaluate(contents: JournalContents, journal: Path, truth_path: Path | None) -> Result:
    """Return summary and telemetry of what could be read of a journal.

    Args:
        contents: Of the journal.
        journal: Its path; a sample may be described beside it.
        truth_path: True state of the emulated press; None: there is none.

    Raises:
        RecordError: `no-record`, `record-damaged`, `record-version` or `no-truth`.
    """
    evidence = gather(contents, journal)
    header, series, end = evidence.header, evidence.series, evidence.end
    start, start_tick = evidence.start, evidence.start_tick
    truth = None if truth_path is None else _truth(evidence, truth_path)
    sample = read_sample(journal.parent)
    damage = None if truth is None else located(truth, header, series, start_tick)
    outcomes = {stage.index: stage_outcome(stage, evidence) for stage in header.stages}
    contradicted = contradictions(evidence, outcomes)
    of_reading = stage_results(evidence, outcomes, evidence.reading_mpa, of_truth=False)
    of_truth = None
    if truth is not None:
        pressed = stage_results(evidence, outcomes, truth.pressure_mpa, of_truth=True)
        of_truth = tuple(with_damage(pressed, damage or (), header, series, start_tick))
    summary = RunSummary(
        run_id=header.run_id,
        protocol_name=header.protocol_name,
        simulated=header.simulated,
        end_reason=UNCONFIRMED if contradicted else end.end_reason,
        fault=end.fault,
        started_unix_time_second=(
            start.unix_time_second if start else header.created_unix_time_second
        ),
        duration_s=evidence.duration_s(),
        records=int(series.stands_for.sum()),
        gaps=evidence.gaps,
        thinned=_thinned(series, header),
        warnings=(
            *contradicted,
            *warnings(contents, evidence, truth),
            *warnings_of(damage or ()),
        ),
        stages=with_powder(
            header, series, start_tick, sample, tuple(with_uncertainty(header, of_reading))
        ),
        truth=of_truth,
        damage=damage,
        steps=end.step_results,
        sample=sample,
        hashes=Hashes(
            protocol_sha256=header.protocol_sha256,
            firmware_build=header.board.build,
            profile=header.profile_hash,
            wire_schema=header.board.schema_hash,
        ),
        note=end.note,
        events=events_of(contents),
        header=header,
    )
    return Result(
        summary,
        telemetry_table(series, truth, summary, start_tick),
        interval_table(series, summary, start_tick) if series.intervals else None,
    )


def _thinned(series: Series, header: RunHeader) -> Thinned | None:
    if not series.intervals:
        return None
    records = sum(interval.count for interval in series.intervals)
    return Thinned(
        rows=int(series.seq.size),
        intervals=len(series.intervals),
        seconds=records * header.record_interval_s,
    )


def _truth(evidence: RunData, path: Path) -> Truth:
    header = evidence.header
    if not header.simulated:
        raise RecordError(
            f"run {header.run_id} was on a real press, which has no file of true pressures",
            code="no-truth",
            hint="finalise it without one",
        )
    return read_truth(path, evidence.series, evidence.start_tick)
