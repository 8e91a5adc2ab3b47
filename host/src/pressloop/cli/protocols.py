"""`pressloop protocols`: list ready-made protocols by goal, or print one."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli.live import span
from pressloop.cli.options import described, profile_of
from pressloop.cli.output import err, errors_as_exit_codes, out
from pressloop.plan import compile_plan
from pressloop.protocol.goals import GOALS, find_goal
from pressloop.validation import validate_text


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


def protocols(
    goal: Annotated[
        str | None,
        typer.Argument(metavar="GOAL", help="Goal whose protocol to print.", show_default=False),
    ] = None,
) -> None:
    """List ready-made protocols by goal, or print one.

    For example: pressloop protocols cycle-life > my.yaml
    """
    with errors_as_exit_codes():
        if goal is not None:
            print_text(find_goal(goal).text)
            return
        profile = profile_of(described(None))
        width = max(len(one.name) for one in GOALS)
        for one in GOALS:
            plan = compile_plan(validate_text(one.text, one.name, profile).checked(), profile)
            out.print(
                f"[bold]{one.name:<{width}}[/bold]  {span(plan.expected_s):>8}  {escape(one.aim)}",
                soft_wrap=True,
            )
    err.print("[dim]write one to a file: pressloop protocols GOAL > my.yaml[/dim]")
