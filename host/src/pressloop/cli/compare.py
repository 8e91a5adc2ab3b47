"""`pressloop compare`: the spread of several runs, and which of them is not like the others."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape

from pressloop import reports
from pressloop.catalogue import Comparison, compare_runs, make_band
from pressloop.catalogue.comparison import FeatureSpread, StageSpread
from pressloop.cli import options
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out, writing
from pressloop.evaluation import RunRecord

_MAX_FINDINGS: Final = 4
_NAME, _MIDDLE, _RANGE = 39, 19, 22
"""Widths of the columns: with a space they add up to the 80 columns of a terminal."""


def compare(
    records: Annotated[list[Path], options.RECORDS],
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", help="Draw the runs over each other: PNG, SVG or PDF.", show_default=False
        ),
    ] = None,
    save_band: Annotated[
        Path | None,
        typer.Option(
            "--save-band",
            help="Keep how the runs that are not odd went, as a file for `run --reference`.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Compare runs: spread per stage, Cpk, and which run is odd, in which stage and why.

    Exits with 1 when a run is not like the others.
    """
    with errors_as_exit_codes():
        runs = [RunRecord.open(record) for record in dict.fromkeys(records)]
        comparison = compare_runs(runs)
        if plot is not None:
            with writing(plot):
                # Named by its room, as only the picture needs the extra `plot`.
                reports.plot_comparison(runs, comparison, plot)
            err.print(f"drawn in {escape(str(plot))}", soft_wrap=True)
        if save_band is not None:
            sound = [run for run in runs if not comparison.is_odd(run.directory)]
            with writing(save_band):
                make_band(sound).save(save_band)
            err.print(
                f"reference band of {len(sound)} runs in {escape(str(save_band))}", soft_wrap=True
            )
    if as_json:
        out.print_json(json.dumps(_document(comparison), allow_nan=False))
    else:
        print_comparison(out, comparison)
    if comparison.odd:
        raise typer.Exit(ExitCode.NOT_COMPLETED)


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print the spread of each stage, then the runs that are not like the others."""
    for stage in comparison.stages:
        _print_stage(console, stage)
    style = "bad" if comparison.odd else "good"
    console.print(f"[{style}]{comparison.sentence}[/{style}]")
    for one in comparison.odd:
        console.print(f"[bold]{escape(str(one.record))}[/bold]", soft_wrap=True)
        for finding in one.findings[:_MAX_FINDINGS]:
            console.print(escape(_indented(console, str(finding))), soft_wrap=True)
        more = len(one.findings) - _MAX_FINDINGS
        if more > 0:
            console.print(f"  [dim]and {more} more[/dim]")
    for note in comparison.notes:
        console.print(f"[note]note[/note] {escape(note)}", soft_wrap=True)


def _indented(console: Console, text: str) -> str:
    """Return a finding as lines that are indented where they go on; to a pipe as one line."""
    if not console.is_terminal:
        return f"  {text}"
    return textwrap.fill(text, console.width, initial_indent="  ", subsequent_indent="    ")


def _print_stage(console: Console, stage: StageSpread) -> None:
    tolerance = f" ± {stage.tolerance_mpa:.2f}" if stage.tolerance_mpa is not None else ""
    console.print(
        f"[bold]{escape(stage.stage)}[/bold]  {stage.target_mpa:g} MPa{tolerance}, "
        f"{stage.runs} runs",
        soft_wrap=True,
    )
    head = f" {'':{_NAME - 1}}{'median ± sigma':>{_MIDDLE}}{'lowest to highest':>{_RANGE}}"
    console.print(f"[dim]{head}[/dim]", soft_wrap=True)
    for feature in stage.features:
        console.print(escape(_line(feature)), soft_wrap=True)
        if feature.cpk is not None:
            console.print(f"[dim]   Cpk {feature.cpk:.3g} within the tolerance[/dim]")


def _line(feature: FeatureSpread) -> str:
    spread, unit = feature.spread, feature.feature.unit
    name = f" {feature.feature.name}, {unit}"
    middle = _number(spread.median, spread.sigma)
    middle += f" ± {spread.sigma:.2g}" if spread.sigma else ""
    extremes = f"{_number(spread.low, spread.sigma)} to {_number(spread.high, spread.sigma)}"
    return f"{name:{_NAME}}{middle:>{_MIDDLE}}{extremes:>{_RANGE}}"


def _number(value: float, sigma: float) -> str:
    """Return a value with the digits that its spread leaves meaningful."""
    digits = 2
    while digits < 5 and 0 < sigma < 2 * 10.0**-digits:
        digits += 1
    return f"{value:.{digits}f}"


def _document(comparison: Comparison) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [plain(inner) for inner in value]
        if isinstance(value, float) and value in (float("inf"), float("-inf")):
            return None
        return str(value) if isinstance(value, Path) else value

    document: dict[str, Any] = plain(asdict(comparison))
    return document
