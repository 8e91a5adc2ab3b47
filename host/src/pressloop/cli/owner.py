"""Finds the program that owns the board which the user of another terminal means."""

from __future__ import annotations

from pressloop.connect import names_emulated
from pressloop.errors import AmbiguousPortError, NoBoardError
from pressloop.press import Press
from pressloop.run.active_runs import ActiveRun, active_runs


def find_run(port: str | None) -> ActiveRun | None:
    """Return the active run on a port, or the only one on this machine.

    Args:
        port: What the user gave as `--port`.

    Returns:
        The run; None if no program of this user follows one there: the board is free.

    Raises:
        AmbiguousPortError: There are several.
        NoBoardError: `port` means an emulated board, and none has a run.
    """
    found = [run for run in active_runs() if port is None or run.is_on(port)]
    if len(found) > 1:
        runs = "; ".join(f"{run.protocol!r} on {run.url}" for run in found)
        raise AmbiguousPortError(
            f"there are {len(found)} active runs: {runs}",
            hint="name one of them with --port",
            ports=[run.url for run in found],
        )
    if not found and port is not None and names_emulated(port):
        raise NoBoardError(
            "there is no active run on an emulated board",
            hint="start one with pressloop run --port emulated",
        )
    return found[0] if found else None


def open_free_board(port: str | None, *, take_over: bool = False) -> Press:
    """Open a board that no program of this user follows.

    Args:
        port: What the user gave as `--port`.
        take_over: Open it even if there is such a program, because it does not answer.

    Raises:
        NoBoardError: There is none; without a port, the message says that no run is active either.
        PressloopError: As `Press.open`.
    """
    try:
        return Press.open(port, take_over=take_over)
    except NoBoardError as error:
        if port is not None:
            raise
        raise NoBoardError(
            f"no run is active on this machine, and there is {error.message}",
            hint=f"name the board with --port; {error.hint}",
            code=error.code,
        ) from error
