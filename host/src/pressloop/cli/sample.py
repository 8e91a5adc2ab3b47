"""`pressloop sample`: add the sample's data to a run's record and compute its results again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import err, errors_as_exit_codes, out
from pressloop.cli.verdict import print_verdict
from pressloop.evaluation import RunRecord, finalise
from pressloop.sample import keep_sample, load_sample, refuse_unknown_stage


def sample(
    record: Annotated[Path, options.RECORD],
    description: Annotated[
        Path,
        typer.Argument(
            metavar="SAMPLE",
            help="Sample that was in the die (YAML): mass, density, thickness.",
            show_default=False,
        ),
    ],
) -> None:
    """Add the sample's data to a record; compute thickness and density.

    The journal of the run is not changed.
    """
    with errors_as_exit_codes():
        pellet = load_sample(description)
        refuse_unknown_stage(pellet, RunRecord.open(record).header.pressing_stages)
        keep_sample(record, pellet)
        summary = finalise(record)
    print_verdict(err, summary)
    out.print(escape(str(record)), soft_wrap=True)
