"""`pressloop protocols`: list ready-made protocols, or print one."""

from __future__ import annotations

from typing import Annotated, Final

import typer
from rich.markup import escape

from pressloop.cli.options import described, profile_of
from pressloop.cli.output import err, errors_as_exit_codes, out
from pressloop.plan import compile_plan
from pressloop.protocol.goals import GOALS, READY, Goal, find_goal
from pressloop.protocol.loading.load import draft_of_text, require_form
from pressloop.units import rounded_duration_text

_WIDTH: Final = max(len(one.name) for one in GOALS + READY)


def print_text(text: str) -> None:
    """Print a file's text; in UTF-8 where it goes into a file, whatever the console's encoding."""
    stream = out.file
    buffer = None if stream.isatty() else getattr(stream, "buffer", None)
    if buffer is None:
        stream.write(text)
        return
    stream.flush()
    buffer.write(text.encode("utf-8"))
    buffer.flush()


def _expected(goal: Goal) -> str:
    """Return how long a protocol takes at least, whether or not some press can run it."""
    protocol = require_form(draft_of_text(goal.text), goal.name)
    return rounded_duration_text(compile_plan(protocol, profile_of(described(None))).expected_s)


def protocols(
    goal: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Goal or pellet whose protocol to print.", show_default=False
        ),
    ] = None,
) -> None:
    """List ready-made protocols by goal and by pellet, or print one.

    For example: pressloop protocols cycle-life > my.yaml
    """
    with errors_as_exit_codes():
        if goal is not None:
            print_text(find_goal(goal).text)
            return
        for title, goals in (("by goal", GOALS), ("by pellet", READY)):
            err.print(f"[dim]{title}[/dim]")
            for one in goals:
                out.print(
                    f"[bold]{one.name:<{_WIDTH}}[/bold]  {_expected(one):>8}  {escape(one.aim)}",
                    soft_wrap=True,
                )
    err.print("[dim]write one to a file: pressloop protocols NAME > my.yaml[/dim]")
