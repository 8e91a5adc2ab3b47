"""Evaluates a journal: from the record of a run to its summary and its tables; writes nothing.

`RunData` goes in. Every step takes it, and results of earlier steps, and returns a result of its
own. At the end they are merged into the `RunSummary`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pressloop.analysis.force import force_kn
from pressloop.evaluation.calibration import calibration_of, calibration_warnings
from pressloop.evaluation.completeness import record_warnings
from pressloop.evaluation.damage import DamageReport, find_damage
from pressloop.evaluation.dead_band import (
    dead_band_warnings,
    followed_dead_band,
    followed_pump_dead_band,
)
from pressloop.evaluation.judged_quantity import judged_quantity, load_cell_warnings
from pressloop.evaluation.powder import PowderResult, powder_results
from pressloop.evaluation.pump_limit import pump_limit_warnings
from pressloop.evaluation.rest import rest_result
from pressloop.evaluation.run_data import RunData, load_run
from pressloop.evaluation.stage_measures import StageMeasures, measure_stages
from pressloop.evaluation.stage_outcomes import contradictions, stage_outcomes
from pressloop.evaluation.stage_uncertainty import StageUncertainty, stage_uncertainties
from pressloop.evaluation.summary import Channels, Hashes, RunSummary, StageResult, Thinned
from pressloop.evaluation.table import interval_table, telemetry_table
from pressloop.evaluation.verdict import judge
from pressloop.machine.calibration import CalibrationStatus
from pressloop.machine.commissioned import commissioned_in
from pressloop.record.journal import JournalContents
from pressloop.record.model import UNCONFIRMED, InjectedFault, PlannedStage, judged_steps


@dataclass(frozen=True)
class Evaluation:
    """Summary and tables of a run; `intervals` is None when nothing was thinned."""

    summary: RunSummary
    telemetry: Any
    intervals: Any | None


@dataclass(frozen=True)
class StepResults:
    """Results of all steps; mappings are by the index of the stage.

    `true_measures` and `damage` are None without the true state of an emulated press.
    """

    outcomes: Mapping[int, str]
    measures: Mapping[int, StageMeasures]
    uncertainties: Mapping[int, StageUncertainty]
    powder: Mapping[int, PowderResult]
    true_measures: Mapping[int, StageMeasures] | None
    damage: DamageReport | None
    calibration: CalibrationStatus | None
    contradictions: tuple[str, ...]
    warnings: tuple[str, ...]


def evaluate(contents: JournalContents, journal: Path, truth_path: Path | None) -> Evaluation:
    """Return summary and telemetry of what could be read of a journal.

    Args:
        contents: Of the journal.
        journal: Its path; a sample may be described beside it.
        truth_path: True state of the emulated press; None: there is none.

    Raises:
        RecordError: `no-record`, `record-damaged`, `record-version` or `no-truth`.
        BadInputError: The description of the sample cannot be read.
    """
    data = load_run(contents, journal, truth_path)
    outcomes = stage_outcomes(data)
    measures = measure_stages(data)
    calibration = calibration_of(data)
    results = StepResults(
        outcomes=outcomes,
        measures=measures,
        uncertainties=stage_uncertainties(data, measures),
        powder=powder_results(data),
        true_measures=None if data.truth is None else measure_stages(data, data.truth),
        damage=None if data.truth is None else find_damage(data, data.truth),
        calibration=calibration,
        contradictions=contradictions(data, outcomes),
        warnings=(
            *record_warnings(data),
            *load_cell_warnings(data),
            *calibration_warnings(data, calibration),
        ),
    )
    summary = merge(data, results)
    return Evaluation(summary, telemetry_table(data, summary), interval_table(data, summary))


def merge(data: RunData, results: StepResults) -> RunSummary:
    """Build the summary of a run from the results of all steps."""
    header, end, damage = data.header, data.end, results.damage
    started = data.start.unix_time_second if data.start else header.created_unix_time_second
    stages = tuple(_stage_result(data, stage, results) for stage in data.target_stages)
    release_dead_band = followed_dead_band(data)
    pump_dead_band = followed_pump_dead_band(data)
    warnings = (
        *results.contradictions,
        *results.warnings,
        *pump_limit_warnings(stages),
        *dead_band_warnings(release_dead_band, pump_dead_band),
        *(damage.warnings if damage else ()),
    )
    return RunSummary(
        run_id=header.run_id,
        protocol_name=header.protocol_name,
        simulated=header.simulated,
        end_reason=UNCONFIRMED if results.contradictions else end.end_reason,
        fault=end.fault,
        started_unix_time_second=started,
        duration_s=data.duration_s(),
        records=int(data.series.stands_for.sum()),
        gaps=data.gaps,
        thinned=_thinned(data),
        warnings=warnings,
        stages=stages,
        truth=_true_stages(data, results),
        damage=None if damage is None else damage.items,
        injected=_injected(data),
        steps=end.step_results,
        sample=data.sample,
        channels=_channels(data),
        release_dead_band=release_dead_band,
        pump_dead_band=pump_dead_band,
        zero_correction_mpa=end.zero_correction_mpa,
        commissioned=commissioned_in(header.profile),
        calibration=results.calibration,
        hashes=Hashes(
            protocol_sha256=header.protocol_sha256,
            firmware_build=header.board.build,
            profile=header.profile_hash,
            wire_schema=header.board.schema_hash,
        ),
        note=end.note,
        events=data.events,
        header=header,
    )


def _injected(data: RunData) -> tuple[InjectedFault, ...] | None:
    """Return the faults that were injected; None on a real press.

    Without the end of the run they are those whose time is within the record.
    """
    press = data.header.emulated_press
    if press is None:
        return None
    if data.end.injected is not None:
        return data.end.injected
    return tuple(fault for fault in press.faults if fault.time_s <= data.duration_s())


def _stage_result(data: RunData, stage: PlannedStage, results: StepResults) -> StageResult:
    """Merge what the reading says of a stage."""
    at = stage.index
    result = StageResult(
        **_planned(data, stage, results.outcomes[at]),
        **results.measures[at].fields(),
        **vars(results.uncertainties[at]),
        **vars(results.powder[at]),
        judged_by=judged_quantity(data, stage),
    )
    return _judged(data, result, "reading")


def _true_stages(data: RunData, results: StepResults) -> tuple[StageResult, ...] | None:
    """Merge what the true pressure says of each stage; None without one."""
    if results.true_measures is None or results.damage is None:
        return None
    return tuple(
        _judged(
            data,
            StageResult(
                **_planned(data, stage, results.outcomes[stage.index]),
                **results.true_measures[stage.index].fields(),
                damage=results.damage.of_stage[stage.index],
            ),
            "truth",
        )
        for stage in data.target_stages
    )


def _judged(data: RunData, stage: StageResult, source: Literal["reading", "truth"]) -> StageResult:
    """Return a result with its forces and its verdict."""
    die_mm = data.header.die_mm
    verdict, reasons = judge(stage, source, data.header.record_interval_s)
    return stage.model_copy(
        update={
            "target_force_kn": force_kn(stage.target_mpa, die_mm),
            "force_kn": force_kn(stage.mean_mpa, die_mm),
            "verdict": verdict,
            "reasons": reasons,
        }
    )


def _planned(data: RunData, stage: PlannedStage, outcome: str) -> dict[str, Any]:
    """Return the fields of a result that plan and board state."""
    holds, _ = judged_steps(stage, data.header)
    dwell_ends = {result.step: result.dwell_end for result in data.end.step_results}
    return {
        "index": stage.index,
        "name": stage.name,
        "path": stage.path,
        "iteration": stage.iteration,
        "outcome": outcome,
        "direction": stage.direction,
        "target_mpa": stage.target_mpa,
        "tolerance_mpa": stage.tolerance_mpa,
        "ramp_rate_mpa_s": stage.rate_mpa_s,
        "planned_dwell_s": data.header.steps[holds[0]].duration_s if holds else None,
        "dwell_end": dwell_ends.get(holds[0]) if holds else None,
        **vars(rest_result(data, stage)),
    }


def _channels(data: RunData) -> Channels | None:
    header = data.header
    if header.channels is None:
        return None
    return Channels(
        count=header.channels,
        allowed_mpa=header.channels_allowed_mpa,
        largest_difference_mpa=data.end.largest_difference_mpa,
    )


def _thinned(data: RunData) -> Thinned | None:
    intervals = data.series.intervals
    if not intervals:
        return None
    return Thinned(
        rows=int(data.series.seq.size),
        intervals=len(intervals),
        seconds=sum(one.count for one in intervals) * data.header.record_interval_s,
    )
