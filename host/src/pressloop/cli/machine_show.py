"""`pressloop machine show`: the machine profile of a board, also as a press file."""

from __future__ import annotations

import datetime
import time
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.machine_check import print_summary
from pressloop.cli.output import err, errors_as_exit_codes, out
from pressloop.cli.profile_values import value_table
from pressloop.cli.protocols import print_text
from pressloop.emulator.description.from_profile import press_text
from pressloop.machine.calibration import calibration_status
from pressloop.machine.summary import summarise
from pressloop.press import Press


def machine_show(
    port: Annotated[str | None, options.PORT] = None,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print a press file that gives an equal profile.")
    ] = False,
) -> None:
    """Show the machine profile of a board, or write it as a press file.

    For example: pressloop machine show --yaml > my-press.yaml
    """
    with errors_as_exit_codes(), Press.open(port) as machine:
        profile, hello = machine.profile(), machine.hello
    if as_yaml:
        day = time.strftime("%Y-%m-%d")
        board = f"board {hello.unique_id.hex()}{', simulated' * hello.simulated}"
        print_text(press_text(profile, f"Machine profile of {board}, read on {day}."))
        return
    print_summary(profile, summarise(profile))
    out.print(escape(calibration_status(profile, datetime.date.today()).sentence))
    out.print(value_table(profile))
    err.print("[dim]as a press file: pressloop machine show --yaml > my-press.yaml[/dim]")
