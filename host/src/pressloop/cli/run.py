"""`pressloop run` and `pressloop attach`: follow a run live and print its verdict."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.catalogue import load_band
from pressloop.cli import options
from pressloop.cli.die import DIE
from pressloop.cli.findings import check, read_source
from pressloop.cli.live import LiveLine
from pressloop.cli.operator import Operator
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes, print_path
from pressloop.cli.reference import watching
from pressloop.cli.termination import EndSignals, TerminatedError, termination_as_exception
from pressloop.cli.verdict import end_line, print_verdict, who_line
from pressloop.connect import EMULATED
from pressloop.emulator.description import PressDescription
from pressloop.emulator.faults import read_faults
from pressloop.errors import BadInputError, NoBoardError, PressloopError, RecordError
from pressloop.evaluation import RunRecord, RunSummary, finalise
from pressloop.press import DEFAULT_THINNING, Press
from pressloop.record.columns import SUMMARY_NAME
from pressloop.record.header import planned_steps
from pressloop.record.journal import JOURNAL_NAME
from pressloop.record.model import INTERRUPTED
from pressloop.run.active_runs import require_active_folder
from pressloop.run.run import Run
from pressloop.sample import Sample, load_sample
from pressloop.wire.schema import State


def run(
    protocol: Annotated[Path, options.PROTOCOL],
    port: Annotated[str | None, options.PORT] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for the record. Default: runs/DATE-NAME.",
            show_default=False,
        ),
    ] = None,
    press: Annotated[Path | None, options.PRESS] = None,
    seed: Annotated[int, options.SEED] = 1,
    yes: Annotated[bool, options.YES] = False,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Run the emulated press in real time.")
    ] = False,
    every_record: Annotated[
        bool,
        typer.Option(
            "--every-record",
            help="Keep every telemetry record: 8 MB an hour, not 10 MB a week in quiet holds.",
        ),
    ] = False,
    sample: Annotated[
        Path | None,
        typer.Option(
            "--sample",
            help="Sample in the die (YAML): mass, density, thickness. Can also be added later.",
            show_default=False,
        ),
    ] = None,
    operator: Annotated[
        str | None,
        typer.Option(
            "--operator",
            envvar="PRESSLOOP_OPERATOR",
            help="Who presses; kept with the sample.",
            show_default=False,
        ),
    ] = None,
    lot: Annotated[
        str | None,
        typer.Option("--lot", help="Lot of the powder; kept with the sample.", show_default=False),
    ] = None,
    die: Annotated[str | None, DIE] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a record that is already in the folder.")
    ] = False,
    fault: Annotated[list[str] | None, options.FAULT] = None,
    continues: Annotated[
        Path | None,
        typer.Option(
            "--continue",
            metavar="RUN",
            help="Press only the rest of a run that did not complete; a prompt asks first.",
            show_default=False,
        ),
    ] = None,
    from_stage: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="STAGE",
            help="With --continue: where to go on. Default: the first stage that is not done.",
            show_default=False,
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            help="Reference band, from `pressloop compare --save-band`: say at once when the run "
            "leaves it.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a protocol. Ctrl-C aborts the run and releases the pressure."""
    folder = (
        to or Path("runs") / f"{time.strftime('%Y%m%d-%H%M%S')}-{protocol.stem.strip('-') or 'run'}"
    )
    faults = fault or []
    with errors_as_exit_codes(), termination_as_exception() as signals:
        read_faults(faults, port)
        source = read_source(protocol)
        described: PressDescription | Path | None = press
        if port in EMULATED:
            described = options.described(press)
            check(source, options.profile_of(described))
        else:
            source.require_form()
        _check_folder(folder, overwrite)
        band = None if reference is None else load_band(reference)
        pellet = _sample(sample, operator=operator, lot=lot)
        opened = Press.open(
            port, press=described, seed=seed, pacing="real" if real_time else "lockstep"
        )
        with opened as machine:
            plan = check(
                source,
                machine.profile(),
                quiet=port in EMULATED,
                real=not machine.hello.simulated,
            )
            if band is not None:
                band.require_plan(planned_steps(plan), plan.begin.die_um / 1000)
            open_holds = {step.index: step.text for step in plan.sources if step.is_open}
            _introduce(machine, protocol, folder)
            with LiveLine(err, simulated=machine.hello.simulated) as line:
                person = Operator(err, line, yes=yes, open_holds=open_holds, port=_named(machine))
                if open_holds and not person.is_at_hand:
                    _require_a_way_to_end()
                die_um = None
                if not plan.protocol.is_isostatic:
                    die_um = person.confirm_die(die, simulated=machine.hello.simulated)
                folder.mkdir(parents=True, exist_ok=True)
                vents = plan.protocol.on_host_loss.action == "vent"
                signals.keep()
                handle = machine.start(
                    source,
                    out=folder,
                    on_status=person.show,
                    overwrite=overwrite,
                    thinning=None if every_record else DEFAULT_THINNING,
                    sample=pellet,
                    die=None if die_um is None else f"{die_um} um",
                    faults=faults,
                    continues=continues,
                    from_stage=from_stage,
                )
                with person.steering(handle), watching(handle, band, line):
                    _follow_to_end(handle, person, line, signals, vents=vents)
        summary = RunRecord.open(folder).summary
        _explain_left(handle, folder)
    _report(summary, folder)


def attach(
    record: Annotated[Path, options.RECORD],
    port: Annotated[str | None, options.PORT] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Resume the run if it paused when the host was lost."),
    ] = False,
    yes: Annotated[bool, options.YES] = False,
) -> None:
    """Reconnect to a run after a crash and recover missing data."""
    with errors_as_exit_codes(), termination_as_exception() as signals:
        ended = _ended(record)
        if ended is not None:
            err.print("this run has ended; there is nothing to reconnect to")
            _report(ended, record)
        with _reopened(record, port) as machine:
            steps = RunRecord.open(record).header.steps
            open_holds = {step.index: step.text for step in steps if step.open}
            with LiveLine(err, simulated=machine.hello.simulated) as line:
                operator = Operator(err, line, yes=yes, open_holds=open_holds, port=_named(machine))
                signals.keep()
                handle = machine.attach(record, on_status=operator.show)

                def resume_first() -> None:
                    if handle.is_active and handle.status().state is State.PAUSED:
                        _resume(handle, operator, line, resume)

                with operator.steering(handle):
                    _follow_to_end(handle, operator, line, signals, vents=False, first=resume_first)
        summary = RunRecord.open(record).summary
        _explain_left(handle, record)
    _report(summary, record)


def _sample(path: Path | None, *, operator: str | None, lot: str | None) -> Sample | None:
    """Return the sample of a file with what the options say; None if nothing says anything."""
    said = {name: text for name, text in (("operator", operator), ("lot", lot)) if text}
    described = None if path is None else load_sample(path)
    return (described or Sample()).model_copy(update=said) if said else described


def _require_a_way_to_end() -> None:
    """Refuse a run with an open hold that nothing could end: no keys, and no other terminal."""
    try:
        require_active_folder()
    except (OSError, PressloopError) as error:
        why = error.message if isinstance(error, PressloopError) else str(error)
        raise BadInputError(
            "nothing could end the open hold of this protocol: standard input is no terminal, and "
            f"other terminals cannot reach the run ({why})",
            hint="run it in a terminal, or set XDG_RUNTIME_DIR to a folder that only you can "
            "write to, so that pressloop end works",
            code="no-way-to-end",
        ) from error


def _named(machine: Press) -> str | None:
    """Return what names the board in another terminal; None if it is found without."""
    return machine.session.url if machine.hello.simulated else None


def _ended(record: Path) -> RunSummary | None:
    """Return the summary of a run that has ended, None if its end was not recorded.

    The program may have died after the end was written; run.json is then written now.
    """
    summary = RunRecord.open(record).summary
    if summary.end_reason == INTERRUPTED:
        return None
    return summary if (record / SUMMARY_NAME).exists() else finalise(record)


def _reopened(record: Path, port: str | None) -> Press:
    """Connect to the press of a record; explain if it was emulated and no longer exists."""
    try:
        return Press.reopen(record, port=port)
    except NoBoardError as error:
        if port is None and RunRecord.open(record).header.emulated_press is not None:
            error.hint = (
                "the emulated board of this record has ended, and so has its run; "
                f"plot what was recorded: pressloop plot {record}"
            )
        raise


def _resume(handle: Run, operator: Operator, line: LiveLine, resume: bool) -> None:
    """Resume a paused run if the operator agrees; without an operator, leave it paused."""
    wanted = True if resume else operator.ask_to_resume(handle)
    if wanted:
        handle.resume("operator (answer at the terminal)")
        line.say("[note]resumed[/note]")
    elif wanted is False:
        handle.abort("operator")
    elif handle.is_active:
        handle.detach()
        line.say(
            "[note]paused[/note]: the run was not changed; continue it with --resume, "
            "or end it with pressloop abort"
        )
        raise typer.Exit(ExitCode.NOT_COMPLETED)


def _follow_to_end(
    handle: Run,
    operator: Operator,
    line: LiveLine,
    signals: EndSignals,
    *,
    vents: bool,
    first: Callable[[], None] | None = None,
) -> None:
    """Follow a run to its end; Ctrl-C aborts it.

    SIGTERM and SIGHUP do what the protocol says of the loss of the host.

    Args:
        handle: The run.
        operator: Answers the prompts.
        line: Where to say that the run is aborted.
        signals: Signals that came while the run was started are delivered here.
        vents: Whether the board vents when it has lost its host; else the run is left to it.
        first: Called before the run is followed.
    """
    try:
        signals.deliver()
        if first is not None:
            first()
        handle.answer_prompts(operator.ask)
    except KeyboardInterrupt:
        if not _abort_at_ctrl_c(handle, line, signals):
            return  # closing the press tries once more, and raises if that fails too
    except TerminatedError as error:
        signals.ignore()
        if not vents:
            handle.detach()
            return
        line.say(f"[bad]aborting[/bad] because of {error.name}: releasing the pressure")
        if not handle.abort_and_wait(error.name):
            return
    handle.result()


def _abort_at_ctrl_c(handle: Run, line: LiveLine, signals: EndSignals) -> bool:
    """Abort the run and wait; return whether the press is at rest, as far as that is known."""
    signals.ignore()
    signals.keep()  # a key that bounces must neither skip the abort nor open the valve
    line.say(
        "[bad]aborting[/bad]: releasing the pressure; "
        "press Ctrl-C again to open the release valve fully"
    )
    with suppress(KeyboardInterrupt):
        signals.deliver()
    # A third Ctrl-C must not end the program before the pressure is off.
    with suppress(KeyboardInterrupt):
        return handle.abort_and_wait("operator (Ctrl-C)")
    return True


def _explain_left(handle: Run, folder: Path) -> None:
    """Complete the record of a run that was left to the board, and exit; else do nothing."""
    if not handle.detached or handle.has_ended:
        return
    finalise(folder)
    err.print(
        "[bad]ended by a signal[/bad]: the board goes on as on_host_loss of the protocol says; "
        f"follow the run again with: pressloop attach {escape(str(folder))}",
        soft_wrap=True,
    )
    raise typer.Exit(ExitCode.NOT_COMPLETED)


def _check_folder(folder: Path, overwrite: bool) -> None:
    """Raise an error if the folder cannot take the record, before a board is started."""
    if (folder / JOURNAL_NAME).exists() and not overwrite:
        raise RecordError(
            f"{folder} already holds a run record",
            hint="choose another folder with --out, or replace the record with --overwrite",
            code="record-exists",
        )
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir():
        problem = f"{nearest} is a file"
    elif not os.access(nearest, os.W_OK):
        problem = f"you have no permission to write to {nearest}"
    else:
        return
    raise BadInputError(
        f"cannot write the record to {folder}: {problem}", hint="choose another folder with --out"
    )


def _introduce(machine: Press, protocol: Path, folder: Path) -> None:
    """Print which press runs which protocol, and where the record goes."""
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
    if hello.simulated:
        err.print(f"[dim]its address for a second terminal: --port {machine.session.url}[/dim]")


def _report(summary: RunSummary, folder: Path) -> None:
    """Print verdict and folder, and exit with the code of the run."""
    err.print(who_line(summary), soft_wrap=True)
    print_verdict(err, summary)
    err.print(end_line(summary), soft_wrap=True)
    if sys.stdout.isatty() and sys.stderr.isatty():
        err.print("record in", end=" ")
        sys.stderr.flush()
    else:
        err.print(f"record in {escape(str(folder))}", soft_wrap=True)
    print_path(folder)
    completed = summary.end_reason == "completed"
    raise typer.Exit(ExitCode.COMPLETED if completed else ExitCode.NOT_COMPLETED)
