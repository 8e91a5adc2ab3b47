"""Prints the verdict of a run: a row per stage for the reading, and one for the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from pressloop.evaluation.notes import stage_notes
from pressloop.evaluation.summary import RunSummary, StageResult
from pressloop.evaluation.verdict import Check, VerdictRow, verdict_rows, verdict_sentence
from pressloop.evaluation.verdict_basis import basis_sentence, calibration_sentence
from pressloop.machine.uncertainty import LOAD_CELL
from pressloop.session.fault_texts import explain_fault
from pressloop.units import duration_text

NOT_REACHED: Final = "not reached"
"""Outcome of a stage that the run did not reach."""

_END_TEXTS: Final = {
    "host-lost": "the board heard nothing from this program for longer than host_timeout and "
    "on_host_loss of the protocol allow, and released the pressure",
    "prompt-timeout": "no answer to the prompt came in time, so the board released the pressure",
    "hold-timeout": "a hold was out of its tolerance for too long, so the board released the "
    "pressure",
}
"""Why the board ended a run by itself."""

_LABEL: Final = 8
# With label and verdict, these widths add up to the 80 columns of a terminal.
_PEAK, _MEAN, _DWELL = 7, 8, 7
_MEASURES: Final = {
    "overshoot": ("over", 10),
    "ramp error": ("ramp", 7),
    "settle": ("settle", 8),
    "hold within 0.5 %": ("±0.5 %", 9),
    "rms": ("rms", 8),
}


def print_verdict(console: Console, summary: RunSummary) -> None:
    """Print per stage what was asked for and what was reached, then faults and warnings."""
    rows = verdict_rows(summary)
    if rows:
        for line in _lines(rows):
            console.print(line, no_wrap=True, crop=False, soft_wrap=True)
        console.print(
            "[dim]!: outside the limit above, which fails no stage; in band: as the protocol asks"
            "[/dim]",
            soft_wrap=True,
        )
        console.print(escape(verdict_sentence(summary)), style="bold", soft_wrap=True)
        if basis := basis_sentence(summary):
            console.print(escape(basis), soft_wrap=True)
        if calibration := calibration_sentence(summary):
            console.print(escape(calibration), soft_wrap=True)
    if not summary.simulated and summary.commissioned is not None:
        console.print(f"[dim]press commissioned: {summary.commissioned}[/dim]")
    for stage, source, reason in _reasons(rows):
        console.print(f"  [bad]{escape(stage)}[/bad]{source}: {escape(reason)}", soft_wrap=True)
    if summary.fault:
        meaning, remedy = explain_fault(summary.fault)
        console.print(f"  [bad]{escape(summary.fault)}[/bad]: {escape(meaning)}", soft_wrap=True)
        if summary.header.emulated_press is None:  # the board is still there, with its fault
            remedy += "; then clear the fault: pressloop clear"
        console.print(f"  [note]hint[/note] {escape(remedy)}", soft_wrap=True)
    elif summary.end_reason in _END_TEXTS:
        end = f"[bad]{summary.end_reason}[/bad]: {_END_TEXTS[summary.end_reason]}"
        console.print(f"  {end}", soft_wrap=True)
    for warning in summary.warnings:
        console.print(f"  [note]note[/note] {escape(warning)}", soft_wrap=True)


def who_line(summary: RunSummary) -> str:
    """Return one line of markup: protocol, moment, sample, lot and operator, as far as known."""
    moment = datetime.fromtimestamp(summary.started_unix_time_second)
    parts = [f"[bold]{escape(summary.protocol_name)}[/bold], {moment:%Y-%m-%d %H:%M}"]
    sample = summary.sample
    if sample is not None:
        parts += [escape(said) for said in (sample.name, sample.material) if said]
        parts += [f"lot {escape(sample.lot)}"] if sample.lot else []
        parts += [f"by {escape(sample.operator)}"] if sample.operator else []
    if summary.header.die_mm is not None:
        parts.append(f"die {summary.header.die_mm:g} mm")
    return ", ".join(parts)


def end_line(summary: RunSummary) -> str:
    """Return one line of markup that says how the run ended."""
    if summary.end_reason == "completed":
        style, text = "good", "completed"
    else:
        style, text = "bad", summary.end_reason
        if summary.fault:
            text += f" ({summary.fault})"
    gaps = len(summary.gaps)
    complete = f"{gaps} gap{'s' * (gaps > 1)} in the record" if gaps else "no gaps"
    mark = " [note]SIMULATED[/note]" if summary.simulated else ""
    lasted = duration_text(summary.duration_s, 1)
    return (
        f"[{style}]{text}[/{style}]{mark} after {lasted} of press time, "
        f"{summary.records} records, {complete}"
    )


def _lines(rows: list[VerdictRow]) -> Iterator[Text]:
    first, second = Text(" " * _LABEL, "bold"), Text(" " * _LABEL, "dim")
    for heading, unit, cells in (
        ("peak", "MPa", _PEAK),
        *(_heading(check) for check in rows[0].targets),
        ("mean", "MPa", _MEAN),
        ("dwell", "s", _DWELL),
    ):
        first.append(heading.rjust(cells))
        second.append(unit.rjust(cells))
    yield first
    yield second
    last_stage = None
    for index, row in enumerate(rows):
        if row.stage.index != last_stage:
            last_stage = row.stage.index
            yield _stage_line(row)
        if row.stage.outcome != NOT_REACHED:
            yield _row_line(row)
        if index + 1 == len(rows) or rows[index + 1].stage.index != row.stage.index:
            for said in stage_notes(_reading_of(rows, row)):
                yield Text(" " + said, "dim")


def _reading_of(rows: list[VerdictRow], row: VerdictRow) -> StageResult:
    """Return the stage of a row as it was read; only the reading has uncertainties."""
    return next(r.stage for r in rows if r.stage.index == row.stage.index)


def _stage_line(row: VerdictRow) -> Text:
    stage = row.stage
    line = Text(row.stage.label, "bold").append(f"  {stage.target_mpa:g} MPa", "")
    if stage.tolerance_mpa is not None:
        line.append(f" ± {stage.tolerance_mpa:.2f}", "dim")
    if stage.target_force_kn is not None:
        line.append(f" = {_force(stage.target_force_kn)}")
    if stage.force_kn is not None:
        line.append(f", mean {_force(stage.force_kn)}", "dim")
    if stage.outcome == NOT_REACHED:
        line.append(f"  {NOT_REACHED}", "bad")
    return line


def _reasons(rows: list[VerdictRow]) -> Iterator[tuple[str, str, str]]:
    """Yield stage, source and reason of each miss; once if reading and truth share it."""
    for row in rows:
        if row.stage.outcome == NOT_REACHED:
            continue
        twin = [other for other in rows if other.stage.index == row.stage.index]
        for reason in row.reasons:
            if not all(reason in other.reasons for other in twin):
                yield row.stage.label, f" ({row.source})", reason
            elif row is twin[0]:
                yield row.stage.label, "", reason


def _row_line(row: VerdictRow) -> Text:
    stage = row.stage
    by_cell = row.source == "reading" and stage.judged_by == LOAD_CELL
    line = Text(f" {'pellet' if by_cell else row.source}".ljust(_LABEL))
    line.append(_number(stage.peak_mpa, _PEAK))
    for check in row.targets:
        line.append(_measured(check))
    line.append(_number(stage.mean_mpa, _MEAN)).append(_number(stage.dwell_s, _DWELL))
    line.append(" ")
    line.append("in band" if row.passed else "missed", "good" if row.passed else "bad")
    return line


def _heading(check: Check) -> tuple[str, str, int]:
    heading, cells = _MEASURES[check.measure]
    return heading, _limit(check), cells


def _limit(check: Check) -> str:
    bound = "≥" if check.at_least else "≤"
    # At low targets the overshoot is judged in MPa; those cells carry the unit.
    return f"{bound} {check.limit:g} {check.unit}"


def _measured(check: Check) -> Text:
    cells = _MEASURES[check.measure][1]
    if check.value is None:
        return Text("-".rjust(cells), "dim")
    unit = " MPa" if check.unit == "MPa" else ""
    # Large values get fewer decimals, so that neighbouring cells do not touch.
    digits = 0 if check.value > 100 else 1 if unit and check.value >= 10 else 2
    mark = "!" if check.passed is False else ""
    text = f"{mark}{check.value:.{digits}f}{unit}"
    while mark and _looks_passed(check, digits) and len(text) + 2 <= cells:
        digits += 1
        text = f"{mark}{check.value:.{digits}f}{unit}"
    return Text(text.rjust(cells), "red" if mark else "")


def _looks_passed(check: Check, digits: int) -> bool:
    """Return whether a miss looks like a pass when it is rounded, as 0.1004 % to 0.10 %."""
    shown = None if check.value is None else round(check.value, digits)
    return replace(check, value=shown).passed is True


def _force(kn: float) -> str:
    return f"{kn:.4g} kN"


def _number(value: float | None, cells: int) -> str:
    if value is None:
        return "-".rjust(cells)
    # Long dwells get fewer decimals, so that cells neither touch nor shift the verdict.
    digits = 2 if value < 1000 else 1 if value < 10_000 else 0
    return f"{value:.{digits}f}".rjust(cells)
