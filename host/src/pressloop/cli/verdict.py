"""The verdict at the end of a run: one row per stage, reading and truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from pressloop.record.summary import RunSummary
from pressloop.record.verdict import Check, VerdictRow, verdict_rows

_LABEL: Final = 7
_COLUMN: Final = 9
_SHORT: Final = {"overshoot": "over", "ramp error": "ramp", "hold within 0.5 %": "±0.5 %"}


def print_verdict(console: Console, summary: RunSummary) -> None:
    """Print what was asked and what came of it, per stage."""
    rows = verdict_rows(summary)
    if rows:
        for line in _lines(rows):
            console.print(line, no_wrap=True, crop=False, soft_wrap=True)
        console.print(
            "[dim]red: misses the target for good pressing in the second line; "
            "in band: by the protocol's own tolerance[/dim]",
            soft_wrap=True,
        )
    for row in rows:
        for reason in row.reasons:
            console.print(f"  [bad]{escape(row.stage.name)}[/bad] ({row.source}): {escape(reason)}")
    for warning in summary.warnings:
        console.print(f"  [note]note[/note] {escape(warning)}")


def end_line(summary: RunSummary) -> str:
    """Return one line that says how the run ended, for the console."""
    if summary.end_reason == "completed":
        style, text = "good", "completed"
    else:
        style, text = "bad", summary.end_reason
        if summary.fault:
            text += f" ({summary.fault})"
    kept = "complete" if not summary.gaps else f"{len(summary.gaps)} gap(s) in the record"
    mark = " [note]SIMULATED[/note]" if summary.simulated else ""
    return (
        f"[{style}]{text}[/{style}]{mark} in {summary.duration_s:.1f} s of press time, "
        f"{summary.records} records, {kept}"
    )


def _lines(rows: list[VerdictRow]) -> Iterator[Text]:
    checks = rows[0].targets
    first, second = Text("  " + " " * _LABEL, "bold"), Text("  " + " " * _LABEL, "dim")
    for heading, unit in (
        ("peak", "MPa"),
        *((_SHORT.get(check.measure, check.measure), _limit(check)) for check in checks),
        ("mean", "MPa"),
        ("dwell", "s"),
    ):
        first.append(heading.rjust(_COLUMN))
        second.append(unit.rjust(_COLUMN))
    yield first
    yield second
    last_stage = None
    for row in rows:
        if row.stage.index != last_stage:
            last_stage = row.stage.index
            yield _stage_line(row)
        yield _row_line(row)


def _stage_line(row: VerdictRow) -> Text:
    stage = row.stage
    name = stage.name if stage.iteration == 1 else f"{stage.name} #{stage.iteration}"
    line = Text(name, "bold").append(f"  {stage.target_mpa:g} MPa", "")
    if stage.tolerance_mpa is not None:
        line.append(f" ± {stage.tolerance_mpa:.2f}", "dim")
    return line


def _row_line(row: VerdictRow) -> Text:
    stage = row.stage
    line = Text("  " + row.source.ljust(_LABEL))
    line.append(_number(stage.peak_mpa, 2))
    for check in row.targets:
        line.append(_measured(check))
    line.append(_number(stage.mean_mpa, 2)).append(_number(stage.dwell_s, 2))
    line.append("  ")
    line.append("in band" if row.passed else "missed", "good" if row.passed else "bad")
    return line


def _limit(check: Check) -> str:
    bound = "≥" if check.at_least else "≤"
    # The overshoot is judged in MPa at low targets; the cells there say so.
    return f"{bound} {check.limit:g} {check.unit}"


def _measured(check: Check) -> Text:
    if check.value is None:
        return Text("-".rjust(_COLUMN), "dim")
    unit = " MPa" if check.unit == "MPa" else ""
    return Text(f"{check.value:.2f}{unit}".rjust(_COLUMN), "red" if check.passed is False else "")


def _number(value: float | None, digits: int) -> str:
    return ("-" if value is None else f"{value:.{digits}f}").rjust(_COLUMN)
