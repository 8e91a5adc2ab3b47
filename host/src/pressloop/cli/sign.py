"""`pressloop sign`: sign records with a key of the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import errors_as_exit_codes, out
from pressloop.evaluation import sign as sign_record
from pressloop.evaluation import verify


def sign(
    records: Annotated[list[Path], options.RECORDS],
    key: Annotated[Path, typer.Option("--key", help="OpenSSH key of the lab.", show_default=False)],
) -> None:
    """Sign the record of a run with an OpenSSH key: a later change by a person is then found.

    Only a sound record is signed.
    """
    with errors_as_exit_codes():
        for record in records:
            found = verify(record)
            if not found.sound:
                out.print(f"{escape(str(record))}: [bad]not signed[/bad]", soft_wrap=True)
                for problem in found.problems:
                    out.print(f"  [bad]problem[/bad] {escape(problem)}", soft_wrap=True)
                raise typer.Exit(1)
            path = sign_record(record, key)
            out.print(f"[good]signed[/good] {escape(str(path))}", soft_wrap=True)
