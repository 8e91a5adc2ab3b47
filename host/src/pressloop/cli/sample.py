"""`pressloop sample`: say after a run what lay in the die, and work its results out again."""

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
    says: Annotated[
        Path,
        typer.Argument(
            metavar="SAMPLE",
            help="What lay in the die (YAML): mass, density, thickness.",
            show_default=False,
        ),
    ],
) -> None:
    """Say what lay in the die, and work out thickness and density. The journal stays as it is."""
    with errors_as_exit_codes():
        pellet = load_sample(says)
        refuse_unknown_stage(pellet, RunRecord.open(record).header.pressing_stages)
        keep_sample(record, pellet)
        summary = finalise(record)
    print_verdict(err, summary)
    out.print(escape(str(record)), soft_wrap=True)
