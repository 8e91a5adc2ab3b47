"""`pressloop join`: put the pressure of a run into the table of a battery cycler."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import err, errors_as_exit_codes, out, writing
from pressloop.evaluation import RunRecord
from pressloop.reports import join_cycler


def join(
    record: Annotated[Path, options.RECORD],
    cycler: Annotated[
        Path,
        typer.Argument(
            metavar="CYCLER.csv",
            help="Table of the cycler in the Battery Data Format.",
            show_default=False,
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Table to write. Default: CYCLER-with-pressure.csv.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        float | None,
        typer.Option(
            help="Test time of the cycler at which the run began, in s. Default: by Unix Time / s.",
            show_default=False,
        ),
    ] = None,
    allow_simulated: Annotated[
        bool,
        typer.Option(
            "--allow-simulated", help="Also join the pressure of a simulated press, marked as such."
        ),
    ] = False,
) -> None:
    """Add the pressure on the cell to a cycler's table (Battery Data Format)."""
    with errors_as_exit_codes():
        run = RunRecord.open(record)
        path = to or cycler.with_name(f"{cycler.stem}-with-pressure{cycler.suffix}")
        with writing(path):
            joined = join_cycler(run, cycler, path, start_s=start, allow_simulated=allow_simulated)
    err.print(f"{joined.with_pressure} of {joined.rows} rows lie within the run")
    out.print(escape(str(joined.path)), soft_wrap=True)
