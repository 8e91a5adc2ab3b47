"""`pressloop attach`: follow a run again whose program has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pressloop.cli import options
from pressloop.cli.follow import explain_left, follow_to_end, named_port, report_end
from pressloop.cli.live import LiveLine
from pressloop.cli.operator import Operator
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes
from pressloop.cli.termination import termination_as_exception
from pressloop.errors import NoBoardError
from pressloop.evaluation import RunRecord, RunSummary, finalise
from pressloop.press import Press
from pressloop.record.columns import SUMMARY_NAME
from pressloop.record.model import INTERRUPTED
from pressloop.run.run import Run
from pressloop.wire.schema import State


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
            report_end(ended, record)
        with _reopened(record, port) as machine:
            steps = RunRecord.open(record).header.steps
            open_holds = {step.index: step.text for step in steps if step.open}
            with LiveLine(err, simulated=machine.hello.simulated) as line:
                operator = Operator(
                    err, line, yes=yes, open_holds=open_holds, port=named_port(machine)
                )
                signals.keep()
                handle = machine.attach(record, on_status=operator.show)

                def resume_first() -> None:
                    if handle.is_active and handle.status().state is State.PAUSED:
                        _resume(handle, operator, line, resume)

                with operator.steering(handle):
                    follow_to_end(handle, operator, line, signals, vents=False, first=resume_first)
        summary = RunRecord.open(record).summary
        explain_left(handle, record)
    report_end(summary, record)


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
