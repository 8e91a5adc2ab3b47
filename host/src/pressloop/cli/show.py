"""`pressloop show`: print the verdict of a stored run, as after the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pressloop.cli import options
from pressloop.cli.output import ExitCode, errors_as_exit_codes, out
from pressloop.cli.verdict import end_line, print_verdict, who_line
from pressloop.evaluation import RunRecord


def show(
    record: Annotated[Path, options.RECORD],
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json.")] = False,
) -> None:
    """Show the verdict of a stored run, as after the run. Exits with 1 if it did not complete."""
    with errors_as_exit_codes():
        run = RunRecord.open(record)
        summary = run.summary
    if as_json:
        out.print_json(json.dumps(summary.model_dump(mode="json")))
    else:
        out.print(who_line(summary), soft_wrap=True)
        print_verdict(out, summary)
        if run.in_progress:
            out.print("[note]in progress[/note]: the run is still being recorded")
        else:
            out.print(end_line(summary), soft_wrap=True)
    if summary.end_reason != "completed" and not run.in_progress:
        raise typer.Exit(ExitCode.NOT_COMPLETED)
