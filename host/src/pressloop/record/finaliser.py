"""Turns a journal into `run.json` and `telemetry.parquet`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pressloop.errors import RecordError
from pressloop.metrics import Floats, StageSamples, stage_metrics
from pressloop.record.crosscheck import disagreements
from pressloop.record.damage import located, warnings_of, with_damage
from pressloop.record.entries import (
    end_of,
    events_of,
    header_of,
    intervals_of,
    start_of,
    telemetry_batches,
)
from pressloop.record.exact import sums_of, with_intervals
from pressloop.record.journal import (
    JOURNAL_NAME,
    JournalContents,
    JournalWriter,
    sync_folder,
)
from pressloop.record.layout import FLAGS, NO_STEP, TRUTH_NAME
from pressloop.record.model import (
    INTERRUPTED,
    UNCONFIRMED,
    PlannedStage,
    RunEnd,
    RunHeader,
    judged_steps,
)
from pressloop.record.powder import with_powder
from pressloop.record.recent import read_record
from pressloop.record.series import Series, assemble, gaps_of
from pressloop.record.summary import (
    INTERVALS_NAME,
    SUMMARY_NAME,
    TELEMETRY_NAME,
    Gap,
    Hashes,
    RunSummary,
    StageResult,
    Thinned,
)
from pressloop.record.table import interval_table, telemetry_table, write_parquet
from pressloop.record.trust import with_uncertainty
from pressloop.record.truth import Truth, read_truth
from pressloop.sample import read_sample
from pressloop.wire.schema import OUTPUT_FULL, State


@dataclass(frozen=True)
class Result:
    """What a journal says; `intervals` is None when nothing was thinned."""

    summary: RunSummary
    table: Any
    intervals: Any | None


def finalise(directory: str | Path, truth: str | Path | None = None) -> RunSummary:
    """Write `run.json` and `telemetry.parquet` from the journal, also one of a killed host.

    Both appear whole or not at all, `run.json` last. May be repeated.

    Args:
        directory: Of the record.
        truth: True state of the emulated press; by default `run.truth` in the folder, if there.

    Raises:
        RecordError: `no-record`, `record-damaged`, `record-version`, `no-truth`, or `record-busy`
            while the run is still being recorded.
    """
    folder = Path(directory)
    journal = folder / JOURNAL_NAME
    contents = read_record(journal)
    writer = JournalWriter(journal, create=False)
    try:
        contents = read_record(journal)
        result = evaluate(contents, journal, _truth_path(folder, truth))
        _write_whole(
            folder / TELEMETRY_NAME,
            lambda path: write_parquet(result.table, path),
        )
        if result.intervals is not None:
            intervals = result.intervals
            _write_whole(folder / INTERVALS_NAME, lambda path: write_parquet(intervals, path))
        text = result.summary.model_dump_json(indent=2) + "\n"
        _write_whole(folder / SUMMARY_NAME, lambda path: path.write_text(text, "utf-8"))
    finally:
        writer.close()
    return result.summary


def evaluate(contents: JournalContents, journal: Path, truth_path: Path | None) -> Result:
    """Summary and telemetry of what could be read of a journal. Writes nothing."""
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
    truth = _truth(header, truth_path, series, start_tick)
    gaps = gaps_of(series, header.record_every, header.tick_hz)
    sample = read_sample(journal.parent)
    damage = None if truth is None else located(truth, header, series, start_tick)
    warnings = _warnings(contents, header, series, end, gaps, truth) + warnings_of(damage or ())

    outcomes = {s.index: _outcome(s, header, series, end, gaps) for s in header.stages}
    dwell_ends = {result.step: result.dwell_end for result in end.step_results}
    contradictions = _contradictions(end, header, outcomes)
    end_reason = UNCONFIRMED if contradictions else end.end_reason
    reading = series.records["pressure_kpa"] / 1000

    def stages(pressure_mpa: Floats, *, of_truth: bool) -> Iterator[StageResult]:
        for s in header.stages:
            if s.target_mpa is not None:
                yield _stage_result(
                    s,
                    header,
                    series,
                    gaps,
                    pressure_mpa,
                    start_tick,
                    outcomes[s.index],
                    of_truth,
                    dwell_ends,
                )

    summary = RunSummary(
        run_id=header.run_id,
        protocol_name=header.protocol_name,
        simulated=header.simulated,
        end_reason=end_reason,
        fault=end.fault,
        started_unix_time_second=(
            start.unix_time_second if start else header.created_unix_time_second
        ),
        duration_s=_span_s(series.ticks_since(start_tick), header),
        records=int(series.stands_for.sum()),
        gaps=gaps,
        thinned=_thinned(series, header),
        warnings=(*contradictions, *warnings),
        stages=with_powder(
            header,
            series,
            start_tick,
            sample,
            tuple(with_uncertainty(header, stages(reading, of_truth=False))),
        ),
        truth=None
        if truth is None
        else tuple(
            with_damage(
                stages(truth.pressure_mpa, of_truth=True),
                damage or (),
                header,
                series,
                start_tick,
            )
        ),
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


def _stage_result(
    stage: PlannedStage,
    header: RunHeader,
    series: Series,
    gaps: tuple[Gap, ...],
    pressure_mpa: Floats,
    start_tick: int,
    outcome: str,
    of_truth: bool,
    dwell_ends: Mapping[int, str | None],
) -> StageResult:
    assert stage.target_mpa is not None
    mine = _of_stage(series, stage)
    hold_steps, ramp_steps = judged_steps(stage, header)
    records = series.records
    samples = StageSamples(
        time_s=series.ticks_since(start_tick) / header.tick_hz,
        pressure_mpa=pressure_mpa,
        setpoint_mpa=records["setpoint_kpa"] / 1000,
        output_percent=100 * (records["output"] / OUTPUT_FULL),
        ramp=np.isin(records["step"], ramp_steps),
        hold=np.isin(records["step"], hold_steps),
        running=records["state"] == State.RUNNING,
        approaching=records["flags"] & FLAGS["approaching"] != 0,
    )
    metrics = stage_metrics(
        samples,
        target_mpa=stage.target_mpa,
        tolerance_mpa=stage.tolerance_mpa,
        direction=stage.direction,
        sample_interval_s=header.record_interval_s,
    )
    sums = sums_of(series.intervals, hold_steps, of_truth=of_truth)
    metrics = with_intervals(
        metrics,
        samples,
        series.interval,
        series.intervals,
        sums,
        target_mpa=stage.target_mpa,
        tolerance_mpa=stage.tolerance_mpa,
        sample_interval_s=header.record_interval_s,
    )
    planned = [header.steps[index].duration_s for index in hold_steps]
    without_value = int(np.count_nonzero(~np.isfinite(pressure_mpa[mine & ~series.thinned])))
    if of_truth:
        without_value += _without_truth(series, stage.steps)
    return StageResult(
        index=stage.index,
        name=stage.name,
        path=stage.path,
        iteration=stage.iteration,
        outcome=outcome,
        direction=stage.direction,
        target_mpa=stage.target_mpa,
        tolerance_mpa=stage.tolerance_mpa,
        ramp_rate_mpa_s=stage.rate_mpa_s,
        planned_dwell_s=planned[0] if planned else None,
        dwell_end=next((dwell_ends.get(step) for step in hold_steps), None),
        duration_s=_span_s(series.ticks_since(start_tick)[mine], header) if mine.any() else None,
        missing_s=_missing_s(series, mine, gaps) + without_value * header.record_interval_s,
        **asdict(metrics),
    )


def _without_truth(series: Series, steps: tuple[int, ...]) -> int:
    """Records of the thinned intervals for which the emulated press left no true pressure."""
    return sum(
        interval.count - (interval.truth.count if interval.truth else 0)
        for interval in series.intervals
        if interval.sums.step in steps
    )


def _of_stage(series: Series, stage: PlannedStage) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.isin(series.records["step"], stage.steps)


def _outcome(
    stage: PlannedStage, header: RunHeader, series: Series, end: RunEnd, gaps: tuple[Gap, ...]
) -> str:
    """How a stage ended: by the board's results, else by what the telemetry shows."""
    results = [r.outcome for r in end.step_results if r.step in stage.steps]
    if len(results) == len(stage.steps):
        return _outcome_from_board(results)
    seen = series.records["step"]
    mine = _of_stage(series, stage)
    later = bool(np.any((seen > max(stage.steps)) & (seen != NO_STEP)))
    if not mine.any():
        return "unknown" if gaps or later else "not reached"
    if later or end.end_reason == "completed":
        return "done"
    if end.end_reason != INTERRUPTED:
        return "cut"
    # The run went on to vent, as it does after its last stage and after a stop alike.
    return "active" if mine[-1] else "unknown"


def _outcome_from_board(results: list[Any]) -> str:
    if all(outcome == "pending" for outcome in results):
        return "not reached"
    if "active" in results:
        return "active"
    if "cut" in results or "pending" in results:
        return "cut"
    return "advanced" if "advanced" in results else "done"


def _contradictions(end: RunEnd, header: RunHeader, outcomes: dict[int, str]) -> tuple[str, ...]:
    """Why a reported completion cannot be believed."""
    if end.end_reason != "completed":
        return ()
    reasons = [
        f"stage {stage.name!r} is {outcomes[stage.index]}"
        for stage in header.stages
        if outcomes[stage.index] in ("not reached", "cut", "active")
    ]
    if end.fault is not None:
        reasons.append(f"fault {end.fault} is latched")
    return tuple(f"the board reported completion, but {reason}" for reason in reasons)


def _warnings(
    contents: JournalContents,
    header: RunHeader,
    series: Series,
    end: RunEnd,
    gaps: tuple[Gap, ...],
    truth: Truth | None,
) -> list[str]:
    warnings = [
        f"{damage.length} bytes of the journal at offset {damage.offset} are not readable"
        for damage in contents.damage
    ]
    warnings += [
        f"records {first}..{last} came twice with different content; the first was kept"
        for first, last in series.conflicts
    ]
    if end.end_reason == INTERRUPTED:
        warnings.append("the recording stopped before the run ended; what came after is unknown")
    if end.end_reason != INTERRUPTED and not series.seq.size:
        warnings.append("the record holds no telemetry")
    if header.simulated and truth is None:
        warnings.append("the press was emulated, but its true pressure is not in the record")
    if truth is not None:
        in_step = (series.records["step"] != NO_STEP) & ~series.thinned
        missing = int(np.count_nonzero(np.isnan(truth.pressure_mpa[in_step])))
        missing += _without_truth(series, tuple(range(NO_STEP)))
        if missing:
            warnings.append(f"the true pressure is missing for {missing} records of the stages")
    if not gaps:
        warnings += disagreements(header, series, end.step_results)
    return warnings


def _missing_s(series: Series, mine: np.ndarray[Any, Any], gaps: tuple[Gap, ...]) -> float:
    """Time of the gaps that begin or end in the stage."""
    total = 0.0
    for gap in gaps:
        after = int(np.searchsorted(series.seq, gap.first_seq))
        if mine[max(after - 1, 0) : after + 1].any():
            total += gap.seconds
    return total


def _span_s(elapsed_ticks: np.ndarray[Any, Any], header: RunHeader) -> float:
    if not elapsed_ticks.size:
        return 0.0
    return float(elapsed_ticks[-1] - elapsed_ticks[0] + header.record_every) / header.tick_hz


def _first_tick(series: Series) -> int:
    return int(series.records["tick"][0]) if series.seq.size else 0


def _truth_path(folder: Path, truth: str | Path | None) -> Path | None:
    if truth is not None:
        return Path(truth)
    default = folder / TRUTH_NAME
    return default if default.exists() else None


def _truth(header: RunHeader, path: Path | None, series: Series, start_tick: int) -> Truth | None:
    if path is None:
        return None
    if not header.simulated:
        raise RecordError(
            f"run {header.run_id} was on a real press, which has no file of true pressures",
            code="no-truth",
            hint="finalise it without one",
        )
    return read_truth(path, series, start_tick)


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside the file, then rename: a reader sees the old one or the whole new one."""
    beside = path.with_name(path.name + ".part")
    write(beside)
    with beside.open("rb+") as file:
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)
