"""`pressloop ingest`: store finished runs in a PostgreSQL database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out
from pressloop.errors import PressloopError
from pressloop.integrations.postgresql import RunDatabase


def ingest(
    dsn: Annotated[
        str,
        typer.Argument(
            metavar="DSN",
            help="Database: postgresql://USER@HOST/NAME; password from PGPASSWORD or ~/.pgpass.",
            show_default=False,
        ),
    ],
    runs: Annotated[list[Path], options.RECORDS],
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Store a run anew that was evaluated again since."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Store finished runs in a PostgreSQL database, each exactly once.

    May be repeated, also by several computers at once. Makes its tables at the first use. Exits
    with 1 when a run was not stored; the others are.
    """
    refused = 0
    done: list[dict[str, str]] = []
    with errors_as_exit_codes(), RunDatabase(dsn) as database:
        for folder in runs:
            try:
                one = database.ingest(folder, replace=replace)
            except PressloopError as error:
                if error.code == "database":
                    raise
                refused += 1
                err.print(
                    f"[bad]error[/bad] {escape(error.message)} [dim]({error.code})[/dim]\n"
                    f"  [note]hint[/note] {escape(error.hint)}",
                    soft_wrap=True,
                )
                continue
            done.append({"folder": str(folder), "run_id": one.run_id, "outcome": one.outcome})
            if not as_json:
                out.print(f"{escape(str(folder))}: {one.outcome}", soft_wrap=True)
    if as_json:
        out.print_json(json.dumps(done))
    if refused:
        raise typer.Exit(ExitCode.NOT_COMPLETED)
