"""`pressloop run` and `pressloop attach`: press, show it live, end with a verdict."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.findings import check
from pressloop.cli.live import LiveLine
from pressloop.cli.operator import Operator
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, out
from pressloop.cli.verdict import end_line, print_verdict
from pressloop.connect import EMULATED
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError, NoBoardError, RecordError
from pressloop.evaluation import RunRecord, RunSummary, finalise
from pressloop.press import DEFAULT_THINNING, Press
from pressloop.record.columns import SUMMARY_NAME
from pressloop.record.journal import JOURNAL_NAME
from pressloop.record.model import INTERRUPTED
from pressloop.run.run import Run
from pressloop.sample import load_sample
from pressloop.validation import LoadedProtocol
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
    every_record: Annotated[
        bool,
        typer.Option(
            "--every-record",
            help="Thin nothing: 8 MB an hour instead of 10 MB a week in quiet holds.",
        ),
    ] = False,
    sample: Annotated[
        Path | None,
        typer.Option(
            "--sample",
            help="What lies in the die (YAML): mass, density, thickness. Can be said later.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a record that is in the folder.")
    ] = False,
) -> None:
    """Run a protocol. Ctrl-C aborts the press, not just the program."""
    folder = to or Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-{protocol.stem}"
    with errors_as_exit_codes():
        source = LoadedProtocol.of_file(protocol)
        described: PressDescription | Path | None = press
        if port in EMULATED:
            described = options.described(press)
            check(source, options.profile_of(described))
        else:
            source.require_form()
        _check_folder(folder, overwrite)
        pellet = None if sample is None else load_sample(sample)
        opened = Press.open(
            port, press=described, seed=seed, pacing="real" if real_time else "lockstep"
        )
        with opened as machine:
            plan = check(source, machine.profile(), quiet=port in EMULATED)
            open_holds = {step.index: step.text for step in plan.sources if step.is_open}
            _introduce(machine, protocol, folder)
            with LiveLine(err, simulated=machine.hello.simulated) as line:
                operator = Operator(err, line, yes=yes, open_holds=open_holds)
                folder.mkdir(parents=True, exist_ok=True)
                handle = machine.start(
                    source,
                    out=folder,
                    on_status=operator.show,
                    overwrite=overwrite,
                    thinning=None if every_record else DEFAULT_THINNING,
                    sample=pellet,
                )
                _follow_to_end(handle, operator, line)
        summary = RunRecord.open(folder).summary
    _report(summary, folder)


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
        ended = _ended(record)
        if ended is not None:
            err.print("the run of this record has ended: there is nothing to go on with")
            _report(ended, record)
        with _reopened(record, port) as machine:
            steps = RunRecord.open(record).header.steps
            open_holds = {step.index: step.text for step in steps if step.open}
            with LiveLine(err, simulated=machine.hello.simulated) as line:
                operator = Operator(err, line, yes=yes, open_holds=open_holds)
                handle = machine.attach(record, on_status=operator.show)
                if handle.is_active and handle.status().state is State.PAUSED:
                    _resume(handle, operator, line, resume)
                _follow_to_end(handle, operator, line)
        summary = RunRecord.open(record).summary
    _report(summary, record)


def _ended(record: Path) -> RunSummary | None:
    """Return what a record says whose end was written; worked out, if that is all it lacks."""
    summary = RunRecord.open(record).summary
    if summary.end_reason == INTERRUPTED:
        return None
    return summary if (record / SUMMARY_NAME).exists() else finalise(record)


def _reopened(record: Path, port: str | None) -> Press:
    """Connect to the press of a record."""
    try:
        return Press.reopen(record, port=port)
    except NoBoardError as error:
        if port is None and RunRecord.open(record).header.emulated_press is not None:
            error.hint = (
                "the emulated board of this record has ended, and its run with it; what is "
                f"recorded can be read: pressloop plot {record}"
            )
        raise


def _resume(handle: Run, operator: Operator, line: LiveLine, resume: bool) -> None:
    """Go on with a paused run only if somebody says so."""
    wanted = True if resume else operator.ask_to_resume(handle)
    if wanted:
        handle.resume()
        line.say("[note]resumed[/note]")
    elif wanted is False:
        handle.abort("operator")
    elif handle.is_active:
        handle.detach()
        line.say(
            "[note]paused[/note]: left as it was; --resume goes on with the run, "
            "pressloop abort ends it"
        )
        raise typer.Exit(ExitCode.NOT_COMPLETED)


def _follow_to_end(handle: Run, operator: Operator, line: LiveLine) -> None:
    """Follow a run to its end; Ctrl-C ends it."""
    operator.run = handle
    try:
        handle.answer_prompts(operator.ask)
    except KeyboardInterrupt:
        line.say(
            "[bad]aborting[/bad]: releasing the pressure; "
            "Ctrl-C again opens the release valve fully"
        )
        # A third one must not end the program before the pressure is off.
        with suppress(KeyboardInterrupt):
            if not handle.abort_and_wait("operator (Ctrl-C)"):
                return  # closing the press tries once more, and says so if it fails
    handle.result()


def _check_folder(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that cannot take the record before a board is started."""
    if (folder / JOURNAL_NAME).exists() and not overwrite:
        raise RecordError(
            f"{folder} already holds a run record",
            hint="choose another folder, or say --overwrite if the record may be overwritten",
            code="record-exists",
        )
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        problem = f"{nearest} is a file"
    elif not os.access(nearest, os.W_OK):
        problem = f"you may not write into {nearest}"
    else:
        return
    raise BadInputError(
        f"the record cannot go to {folder}: {problem}", hint="name another folder with --out"
    )


def _introduce(machine: Press, protocol: Path, folder: Path) -> None:
    hello = machine.hello
    if hello.simulated:
        kind, board = "[note]simulated press[/note]", hello.board
    else:
        kind, board = "press", f"{hello.board} {hello.unique_id.hex()}"
    err.print(
        f"{kind} on board [bold]{escape(board)}[/bold], firmware {escape(hello.firmware)}, "
        f"{escape(hello.python)}",
        soft_wrap=True,
    )
    err.print(f"[dim]{escape(str(protocol))} -> {escape(str(folder))}[/dim]", soft_wrap=True)


def _report(summary: RunSummary, folder: Path) -> None:
    print_verdict(err, summary)
    err.print(end_line(summary), soft_wrap=True)
    if sys.stdout.isatty() and sys.stderr.isatty():
        err.print("record in", end=" ")
        sys.stderr.flush()
    else:
        err.print(f"record in {escape(str(folder))}", soft_wrap=True)
    out.print(escape(str(folder)), soft_wrap=True)
    completed = summary.end_reason == "completed"
    raise typer.Exit(ExitCode.COMPLETED if completed else ExitCode.NOT_COMPLETED)
