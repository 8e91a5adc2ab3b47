"""`pressloop watch`: show live what a press is doing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.live import LiveLine
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes
from pressloop.cli.owner import find_run, open_free_board
from pressloop.cli.terminal_mode import silent_keyboard
from pressloop.cli.waiting import Controls, WaitingNotices
from pressloop.errors import PressloopError
from pressloop.evaluation import RunRecord
from pressloop.run.active_runs import ActiveRun
from pressloop.run.remote_run import RemoteRun
from pressloop.wire.schema import State

_POLL_S = 0.2


def watch(port: Annotated[str | None, options.PORT] = None) -> None:
    """Show live what a press is doing. Never disturbs a run, moves and records nothing.

    It ends with the run, or with Ctrl-C; the press is not affected.
    """
    with errors_as_exit_codes():
        run = find_run(port)
        try:
            if run is None:
                _watch_free_board(port)
            else:
                _watch_run(run, port)
        except KeyboardInterrupt:
            err.print("[dim]stopped watching; the press was not affected[/dim]")


def _watch_run(run: ActiveRun, port: str | None) -> None:
    """Show the status lines of the program that follows a run."""
    err.print(f"[dim]{escape(run.protocol)} -> {escape(run.record)}[/dim]", soft_wrap=True)
    remote = RemoteRun(run)
    with silent_keyboard(), LiveLine(err, simulated=run.simulated) as line:
        controls = Controls(port=port, program=f"the program of the run (process {run.pid})")
        notices = WaitingNotices(line.say, controls, _open_holds(run), prompts=True)
        for status in remote.watch():
            line.update(status)
            notices.see(status)
    err.print(f"the run has ended: {remote.end_reason}")
    raise typer.Exit(ExitCode.COMPLETED)


def _open_holds(run: ActiveRun) -> dict[int, str | None]:
    """Return the open holds of a run from its record; none if that cannot be read from here."""
    try:
        steps = RunRecord.open(Path(run.record)).header.steps
    except (PressloopError, OSError):
        return {}
    return {step.index: step.text for step in steps if step.open}


def _watch_free_board(port: str | None) -> None:
    with (
        open_free_board(port) as machine,
        silent_keyboard(),
        LiveLine(err, simulated=machine.hello.simulated) as line,
    ):
        fault_was_named = False
        while True:
            status = machine.status()
            line.update(status)
            if status.state is State.FAULT and not fault_was_named:
                line.say(
                    "[note]fault[/note] type [bold]pressloop clear[/bold] in another terminal "
                    "once its cause is gone"
                )
            fault_was_named = status.state is State.FAULT
            time.sleep(_POLL_S)
