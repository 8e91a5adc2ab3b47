"""Reads what the catalogue keeps of one run from the folder of its record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pressloop.errors import BadInputError, PressloopError
from pressloop.evaluation import RunRecord, RunSummary
from pressloop.evaluation.conditions import conditions_of
from pressloop.evaluation.manifest import compare_files, read_manifest
from pressloop.evaluation.run_verdict import RunVerdict, run_verdict
from pressloop.evaluation.summary import read_summary
from pressloop.evaluation.verdict import VerdictRow, verdict_rows
from pressloop.protocol import Conditions
from pressloop.record.columns import SUMMARY_NAME
from pressloop.record.entries import header_of
from pressloop.record.file_lock import is_locked
from pressloop.record.journal import JOURNAL_NAME, JournalContents, whole_entries
from pressloop.record.model import RunHeader
from pressloop.sample import Sample, read_sample

_MAX_HEADER_BYTES: Final = 4_000_000
"""The header comes first; it has the text of the protocol."""


@dataclass(frozen=True)
class CatalogueStage:
    """What the catalogue keeps of one stage, by the reading.

    Attributes:
        position: Place in the list of stages of `run.json`, from 0.
        verdict: `pass`, `fail` or `not reached`.
        reasons: Why it did not pass; empty when it did.
    """

    position: int
    stage: str
    target_mpa: float
    tolerance_mpa: float | None
    mean_mpa: float | None
    peak_mpa: float | None
    overshoot_percent: float | None
    dwell_s: float | None
    planned_dwell_s: float | None
    mean_mpa_uncertainty: float | None
    force_kn: float | None
    relative_density: float | None
    verdict: str
    reasons: str


@dataclass(frozen=True)
class CatalogueEntry:
    """What the catalogue keeps of one run; what the record does not say is None.

    Attributes:
        folder: Of the record, relative to the folder of the catalogue.
        verdict: Of the whole run: `pass`, `fail`, `in progress`, `not judged` or `unreadable`.
        started_unix_time_second: By the host's clock.
        missing_s: Time that is missing in the record.
        problem: Why the record cannot be trusted or read; empty when nothing is wrong.
    """

    folder: str
    run_id: str | None = None
    started_unix_time_second: float | None = None
    duration_s: float | None = None
    protocol: str | None = None
    protocol_sha256: str | None = None
    verdict: RunVerdict = "unreadable"
    end_reason: str | None = None
    fault: str | None = None
    missing_s: float | None = None
    simulated: bool | None = None
    sample: str | None = None
    material: str | None = None
    lot: str | None = None
    operator: str | None = None
    die_mm: float | None = None
    die_material: str | None = None
    atmosphere: str | None = None
    press: str | None = None
    board: str | None = None
    problem: str = ""
    stages: tuple[CatalogueStage, ...] = ()


def read_entry(root: Path, folder: Path) -> CatalogueEntry:
    """Return the entry of a record; one that cannot be read has its reason in `problem`.

    A `run.json` that does not match its checksum is not used: the journal is evaluated instead. A
    run that is being recorded is not evaluated: its entry has what was known before it moved.
    """
    place = folder.relative_to(root).as_posix()
    header = _header_while_recorded(folder)
    if header is not None:
        return _entry_in_progress(place, folder, header)
    problem = ""
    in_progress = False
    try:
        summary = _intact_summary(folder)
        if summary is None:
            record = RunRecord.open(folder)
            summary, in_progress = record.summary, record.in_progress
            if (folder / SUMMARY_NAME).exists():
                problem = next(iter(summary.warnings), "")
    except (PressloopError, OSError) as error:
        said = error.message if isinstance(error, PressloopError) else str(error)
        return CatalogueEntry(place, problem=said)
    return _entry(place, summary, in_progress=in_progress, problem=problem)


def _intact_summary(folder: Path) -> RunSummary | None:
    """Return the content of `run.json`; None without one, or if it is not what was written."""
    if not (folder / SUMMARY_NAME).exists():
        return None
    try:
        manifest = read_manifest(folder)
        if manifest is not None:
            state = compare_files(folder, manifest, (SUMMARY_NAME,))[SUMMARY_NAME]
            if state != "ok":
                return None
        return read_summary(folder)
    except ValueError:
        return None


def _header_while_recorded(folder: Path) -> RunHeader | None:
    """Return the header of a run that a program is recording; None if none can be seen to."""
    journal = folder / JOURNAL_NAME
    if (folder / SUMMARY_NAME).exists() or not is_locked(journal):
        return None
    try:
        with journal.open("rb") as file:
            first = next(whole_entries(file.read(_MAX_HEADER_BYTES)), None)
        return None if first is None else header_of(JournalContents([first[2]], [], 0), journal)
    except (PressloopError, OSError):
        return None


def _entry_in_progress(place: str, folder: Path, header: RunHeader) -> CatalogueEntry:
    problem = ""
    sample = None
    try:
        sample = read_sample(folder)
    except BadInputError as error:
        problem = error.message
    sample = sample or Sample()
    entry = _entry_of_header(place, header, sample, sample.over(header.conditions))
    return replace(entry, verdict="in progress", problem=problem)


def _entry(place: str, summary: RunSummary, *, in_progress: bool, problem: str) -> CatalogueEntry:
    readings = [row for row in verdict_rows(summary) if row.source == "reading"]
    return replace(
        _entry_of_header(place, summary.header, summary.sample or Sample(), conditions_of(summary)),
        started_unix_time_second=summary.started_unix_time_second,
        duration_s=summary.duration_s,
        protocol_sha256=summary.hashes.protocol_sha256,
        verdict="in progress" if in_progress else run_verdict(summary),
        end_reason=summary.end_reason,
        fault=summary.fault,
        missing_s=sum(gap.seconds for gap in summary.gaps),
        problem=problem,
        stages=tuple(_stage(position, row) for position, row in enumerate(readings)),
    )


def _entry_of_header(
    place: str, header: RunHeader, sample: Sample, conditions: Conditions
) -> CatalogueEntry:
    """Return what is known of a run before it moves, without a verdict."""
    press = header.profile.get("name")
    return CatalogueEntry(
        folder=place,
        run_id=header.run_id,
        started_unix_time_second=header.created_unix_time_second,
        protocol=header.protocol_name,
        simulated=header.simulated,
        sample=sample.name,
        material=sample.material or None,
        lot=sample.lot,
        operator=sample.operator,
        die_mm=header.die_mm,
        die_material=conditions.die_material,
        atmosphere=conditions.atmosphere,
        press=None if press is None else str(press),
        board=header.board.unique_id,
    )


def _stage(position: int, row: VerdictRow) -> CatalogueStage:
    stage = row.stage
    density = stage.density
    state = None if density is None else density.released or density.pressed
    return CatalogueStage(
        position=position,
        stage=stage.label,
        target_mpa=stage.target_mpa,
        tolerance_mpa=stage.tolerance_mpa,
        mean_mpa=stage.mean_mpa,
        peak_mpa=stage.peak_mpa,
        overshoot_percent=stage.overshoot_percent,
        dwell_s=stage.dwell_s,
        planned_dwell_s=stage.planned_dwell_s,
        mean_mpa_uncertainty=stage.mean_mpa_uncertainty,
        force_kn=stage.force_kn,
        relative_density=None if state is None else state.relative_density,
        verdict=row.verdict,
        reasons=" ".join(row.reasons),
    )
