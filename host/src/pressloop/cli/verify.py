"""`pressloop verify`: compare records with their checksums and their journals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import ExitCode, errors_as_exit_codes, out
from pressloop.errors import BadInputError, RecordError
from pressloop.evaluation import Verification, finalise
from pressloop.evaluation import verify as verify_record


def verify(
    records: Annotated[list[Path], options.RECORDS],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Write damaged results again, from a whole journal.")
    ] = False,
    signers: Annotated[
        Path | None,
        typer.Option("--signers", help="Allowed signers (OpenSSH): who must have signed."),
    ] = None,
) -> None:
    """Check that the files of a run are unchanged and that its result follows from its journal.

    Exits with 1 when a record is not sound.
    """
    with errors_as_exit_codes():
        found = [_verified(record, signers) for record in records]
        if repair:
            found = [_repaired(one, signers) for one in found]
    if as_json:
        out.print_json(json.dumps([_document(one) for one in found]))
    else:
        for one in found:
            _print(one)
    if not all(one.sound for one in found):
        raise typer.Exit(ExitCode.NOT_COMPLETED)


def _verified(record: Path, signers: Path | None) -> Verification:
    """Verify one record; one whose journal cannot be used is a problem, not the end of the list."""
    try:
        return verify_record(record, signers)
    except (RecordError, BadInputError) as error:
        # Of the second kind is a sample.json that cannot be read.
        if error.code not in ("record-damaged", BadInputError.default_code):
            raise
        return Verification(record, problems=(error.message,))


def _repaired(one: Verification, signers: Path | None) -> Verification:
    """Make the derived files again, unless the journal or the truth itself is damaged."""
    if not one.repairable:
        return one
    finalise(one.directory)
    return _verified(one.directory, signers)


def _document(one: Verification) -> dict[str, object]:
    return {
        "directory": str(one.directory),
        "sound": one.sound,
        "files": one.files,
        "problems": one.problems,
        "notes": one.notes,
        "signer": one.signer,
    }


def _print(one: Verification) -> None:
    word = "[good]sound[/good]" if one.sound else "[bad]NOT SOUND[/bad]"
    out.print(f"{escape(str(one.directory))}: {word}", soft_wrap=True)
    for name, state in one.files.items():
        mark = "[dim]ok[/dim]" if state == "ok" else f"[bad]{state}[/bad]"
        out.print(f"  {escape(name)}: {mark}", soft_wrap=True)
    if one.signer is not None:
        out.print(f"  signed by {escape(one.signer)}", soft_wrap=True)
    for problem in one.problems:
        out.print(f"  [bad]problem[/bad] {escape(problem)}", soft_wrap=True)
    for note in one.notes:
        out.print(f"  [note]note[/note] {escape(note)}", soft_wrap=True)
