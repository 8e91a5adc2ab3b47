"""`pressloop doctor`: what keeps this computer from pressing, and the command that mends it."""

from __future__ import annotations

import json
from typing import Annotated, Final

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out
from pressloop.install.diagnosis import Computer, Diagnosis
from pressloop.install.doctor import examine

_WORDS: Final = {"ok": "[good]ok[/good]  ", "warn": "[note]warn[/note]", "bad": "[bad]bad[/bad] "}


def doctor(
    port: Annotated[str | None, options.PORT] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Check computer and board, and name the command that mends what is wrong.

    Works without a board. Exits with 1 if something prevents pressing.
    """
    with errors_as_exit_codes():
        found = []
        for each in examine(Computer(port)):
            found.append(each)
            if not as_json:
                _print(each)
    if as_json:
        out.print_json(json.dumps([each.as_dict() for each in found]))
    bad = sum(each.grade == "bad" for each in found)
    warnings = sum(each.grade == "warn" for each in found)
    err.print(f"{bad} bad, {warnings} warnings")
    raise typer.Exit(ExitCode.NOT_COMPLETED if bad else ExitCode.COMPLETED)


def _print(each: Diagnosis) -> None:
    out.print(
        f"{_WORDS[each.grade]} [bold]{each.check}[/bold]: {escape(each.what)}", soft_wrap=True
    )
    if each.mend:
        out.print(f"     [note]mend[/note] {escape(each.mend)}", soft_wrap=True)
