"""`pressloop run` and `pressloop attach`: press, show it live, end with a verdict."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.findings import print_findings
from pressloop.cli.live import LiveLine
from pressloop.cli.operator import asker
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out
from pressloop.cli.verdict import end_line, print_verdict
from pressloop.errors import BadInputError
from pressloop.press import Press
from pressloop.record import RunRecord, RunSummary
from pressloop.validation import validate_file
from pressloop.wire.schema import State


def run(
    protocol: Annotated[Path, options.PROTOCOL],
    port: Annotated[str | None, options.PORT] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder of the record; runs/DATE-NAME by default.",
            show_default=False,
        ),
    ] = None,
    press: Annotated[Path | None, options.PRESS] = None,
    seed: Annotated[int, options.SEED] = 1,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer operator prompts.")] = False,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Let the emulated press take its real time.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a record that is in the folder.")
    ] = False,
) -> None:
    """Run a protocol. Ctrl-C aborts the press, not just the program."""
    with errors_as_exit_codes():
        if port == "emulated":
            _check_first(protocol, press)
        folder = to or Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-{protocol.stem}"
        opened = Press.open(
            port, press=press, seed=seed, pacing="real" if real_time else "lockstep"
        )
        with opened as machine:
            _introduce(machine, protocol, folder)
            line = LiveLine(err, simulated=machine.hello.simulated)
            with line:
                try:
                    machine.run(
                        protocol,
                        out=folder,
                        on_prompt=asker(err, line, yes=yes),
                        on_status=line.update,
                        overwrite=overwrite,
                    )
                except KeyboardInterrupt:
                    err.print("[bad]aborted[/bad] by Ctrl-C; the pressure was released")
        summary = RunRecord.open(folder).summary
    _conclude(summary, folder)


def attach(
    record: Annotated[Path, options.RECORD],
    port: Annotated[str | None, options.PORT] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on if the press paused because its host was lost.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer operator prompts.")] = False,
) -> None:
    """Go on with the record of a run whose program was killed; fills the hole it left."""
    with errors_as_exit_codes():
        with Press.reopen(record, port=port) as machine:
            line = LiveLine(err, simulated=machine.hello.simulated)
            with line:
                try:
                    handle = machine.attach(record, on_status=line.update)
                    if handle.is_active and handle.status().state is State.PAUSED:
                        if resume:
                            handle.resume()
                            err.print("[note]resumed[/note]")
                        else:
                            err.print(
                                "[note]paused[/note]: the press holds its pressure; "
                                "call again with --resume to go on, Ctrl-C to abort"
                            )
                    handle.answer_prompts(asker(err, line, yes=yes))
                except KeyboardInterrupt:
                    handle.abort_and_wait("operator")
                    err.print("[bad]aborted[/bad] by Ctrl-C; the pressure was released")
            handle.result()
        summary = RunRecord.open(record).summary
    _conclude(summary, record)


def _check_first(protocol: Path, press: Path | None) -> None:
    """Find mistakes before a board is started, with line and column."""
    result = validate_file(protocol, options.profile_of(press))
    print_findings(err, str(protocol), result.findings)
    if result.errors:
        raise BadInputError(
            f"{protocol} has {len(result.errors)} error(s), nothing was pressed",
            hint=f"put them right, then: pressloop validate {protocol}",
        )


def _introduce(machine: Press, protocol: Path, folder: Path) -> None:
    hello = machine.hello
    kind = "[note]simulated press[/note]" if hello.simulated else "press"
    err.print(
        f"{kind} on board [bold]{escape(hello.board)}[/bold] {hello.unique_id.hex()}, "
        f"firmware {escape(hello.firmware)} ({escape(hello.build)}), {escape(hello.python)}"
    )
    err.print(f"[dim]{escape(str(protocol))} -> {escape(str(folder))}[/dim]", soft_wrap=True)


def _conclude(summary: RunSummary, folder: Path) -> None:
    print_verdict(err, summary)
    err.print(end_line(summary))
    err.print("record in", end=" ")
    sys.stderr.flush()
    out.print(str(folder), soft_wrap=True)
    completed = summary.end_reason == "completed"
    raise typer.Exit(ExitCode.COMPLETED if completed else ExitCode.NOT_COMPLETED)
