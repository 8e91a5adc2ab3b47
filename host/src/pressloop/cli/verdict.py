"""The verdict at the end of a run: one row per stage, reading and truth."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pressloop.record.summary import RunSummary
from pressloop.record.verdict import Check, VerdictRow, verdict_rows


def print_verdict(console: Console, summary: RunSummary) -> None:
    """Print what was asked and what came of it, per stage."""
    rows = verdict_rows(summary)
    if rows:
        console.print(_table(rows))
        console.print(
            "[dim]red: misses the target for good pressing (limit below each measure); "
            "the verdict is against the protocol's own tolerance[/dim]"
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


def _table(rows: list[VerdictRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", row_styles=["", ""])
    table.add_column("stage", overflow="fold")
    table.add_column("from")
    table.add_column("target\nMPa", justify="right")
    table.add_column("peak\nMPa", justify="right")
    for check in rows[0].targets:
        table.add_column(_heading(check), justify="right")
    table.add_column("mean\nMPa", justify="right")
    table.add_column("dwell\ns", justify="right")
    table.add_column("verdict")
    last_stage = None
    for row in rows:
        stage = row.stage
        first = stage.index != last_stage
        last_stage = stage.index
        name = stage.name if stage.iteration == 1 else f"{stage.name} #{stage.iteration}"
        table.add_row(
            name if first else "",
            row.source,
            f"{stage.target_mpa:g}" if first else "",
            _number(stage.peak_mpa, 2),
            *(_check(check) for check in row.targets),
            _number(stage.mean_mpa, 2),
            _number(stage.dwell_s, 2),
            Text("in band", "good") if row.passed else Text("missed", "bad"),
        )
    return table


def _heading(check: Check) -> str:
    bound = "≥" if check.at_least else "≤"
    return f"{check.measure}\n{bound} {check.limit:g} {check.unit}"


def _check(check: Check) -> Text:
    if check.value is None:
        return Text("-", "dim")
    text = f"{check.value:.2f} {check.unit}"
    return Text(text, "red" if check.passed is False else "")


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
