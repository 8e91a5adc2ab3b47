"""The commands, by name."""

from __future__ import annotations

from typing import Annotated

import typer

from pressloop._version import __version__
from pressloop.cli.flash import flash
from pressloop.cli.look import abort, clear, info, watch
from pressloop.cli.output import out
from pressloop.cli.plot import plot
from pressloop.cli.ports import ports
from pressloop.cli.protocols import protocols
from pressloop.cli.run import attach, run
from pressloop.cli.sample import sample
from pressloop.cli.simulate import simulate
from pressloop.cli.tune import tune
from pressloop.cli.validate import validate

app = typer.Typer(
    name="pressloop",
    help="Press cells by protocol: the same pressures, durations and records, every time.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
for _command in (
    run,
    validate,
    simulate,
    tune,
    attach,
    plot,
    protocols,
    sample,
    ports,
    info,
    watch,
    abort,
    clear,
    flash,
):
    app.command()(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass
