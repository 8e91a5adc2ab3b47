"""`pressloop watch`: show live what a press is doing."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.live import LiveLine
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes
from pressloop.cli.owner import find_run, open_free_board
from pressloop.run.active_runs import ActiveRun
from pressloop.run.remote_run import RemoteRun

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
                _watch_run(run)
        except KeyboardInterrupt:
            err.print("[dim]stopped watching; the press was not affected[/dim]")


def _watch_run(run: ActiveRun) -> None:
    """Show the status lines of the program that follows a run."""
    err.print(f"[dim]{escape(run.protocol)} -> {escape(run.record)}[/dim]", soft_wrap=True)
    remote = RemoteRun(run)
    with LiveLine(err, simulated=run.simulated) as line:
        for status in remote.watch():
            line.update(status)
    err.print(f"the run has ended: {remote.end_reason}")
    raise typer.Exit(ExitCode.COMPLETED)


def _watch_free_board(port: str | None) -> None:
    with (
        open_free_board(port) as machine,
        LiveLine(err, simulated=machine.hello.simulated) as line,
    ):
        while True:
            line.update(machine.status())
            time.sleep(_POLL_S)
