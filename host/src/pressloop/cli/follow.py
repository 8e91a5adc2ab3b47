"""Follows a run to its end, whatever key or signal comes, and says how it ended."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import typer
from rich.markup import escape

from pressloop.cli.live import LiveLine
from pressloop.cli.operator import Operator
from pressloop.cli.output import ExitCode, err, print_path
from pressloop.cli.termination import EndSignals, TerminatedError
from pressloop.cli.verdict import end_line, print_verdict, who_line
from pressloop.evaluation import RunSummary, finalise
from pressloop.press import Press
from pressloop.run.run import Run


def named_port(machine: Press) -> str | None:
    """Return what names the board in another terminal; None if it is found without."""
    return machine.session.url if machine.hello.simulated else None


def follow_to_end(
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


def explain_left(handle: Run, folder: Path) -> None:
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


def report_end(summary: RunSummary, folder: Path) -> None:
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
