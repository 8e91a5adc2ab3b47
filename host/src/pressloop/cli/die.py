"""Lets the operator confirm the die of a run: by the option --die, or by typing what is on it.

The question does not say which die the protocol names: what is typed must come from the die.
"""

from __future__ import annotations

from typing import Any, Final

import typer
from rich.console import Console
from rich.markup import escape

from pressloop.cli.keyboard import Keyboard
from pressloop.run.die import unconfirmed
from pressloop.units import LENGTH, UnitError, parse

DIE: Any = typer.Option(
    "--die",
    help="Diameter that is on the die in the press, such as 10 or '10 mm'. On a real press it is "
    "asked for if the option is left out; --yes does not answer it.",
    show_default=False,
)

_HOW: Final = "give it as --die DIAMETER, or start the run at a terminal to be asked"


def diameter_um(text: str) -> int:
    """Return a diameter that was typed, um; a number alone is in mm.

    Raises:
        UnitError: It is no length.
    """
    try:
        float(text)
    except ValueError:
        return round(parse(text, LENGTH).value)
    return round(parse(f"{text} mm", LENGTH).value)


def confirmed_die_um(
    console: Console, keyboard: Keyboard, die: str | None, *, simulated: bool, yes: bool
) -> int | None:
    """Return the die that the operator confirms, um; None on a simulated press without --die.

    Raises:
        BadInputError: `die-unconfirmed`: it can be neither taken from --die nor asked for.
        UnitError: --die is no length.
    """
    if die is not None:
        return diameter_um(die)
    if simulated:
        return None
    if yes:
        raise unconfirmed("--yes does not confirm the die", _HOW)
    with keyboard.asking():
        keyboard.clear()
        while True:
            console.print(
                "[note]operator[/note] [bold]Read the diameter off the die in the press[/bold] and "
                "type it, in mm: ",
                end="",
            )
            try:
                answer = keyboard.read_line(lambda: True)
            except EOFError:
                console.print()
                raise unconfirmed("standard input is closed", _HOW) from None
            try:
                return diameter_um(answer or "")
            except UnitError as error:
                console.print(f"         {escape(error.message)}", soft_wrap=True)
