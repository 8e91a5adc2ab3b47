"""`pressloop plot`: draw the pressure-time plot of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import errors_as_exit_codes, out, writing
from pressloop.evaluation import RunRecord
from pressloop.plotting import plot_run


def plot(
    record: Annotated[Path, options.RECORD],
    to: Annotated[
        Path | None,
        typer.Option(help="PNG, SVG or PDF file. Default: RECORD/run.png.", show_default=False),
    ] = None,
) -> None:
    """Plot a run, also one in progress or interrupted. Prints the path of the plot."""
    with errors_as_exit_codes():
        run = RunRecord.open(record)
        path = to or record / "run.png"
        with writing(path):
            plot_run(run, path)
    out.print(escape(str(path)), soft_wrap=True)
