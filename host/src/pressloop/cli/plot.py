"""`pressloop plot`: the pressure-time plot of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pressloop.cli import options
from pressloop.cli.output import errors_as_exit_codes, out
from pressloop.plotting import plot_run
from pressloop.record import RunRecord


def plot(
    record: Annotated[Path, options.RECORD],
    to: Annotated[
        Path | None,
        typer.Option(help="PNG, SVG or PDF file; RECORD/run.png by default.", show_default=False),
    ] = None,
) -> None:
    """Plot a run, also one that was cut off. Prints the file's path."""
    with errors_as_exit_codes():
        path = plot_run(RunRecord.open(record), to or record / "run.png")
    out.print(str(path), soft_wrap=True)
