"""Turns SIGTERM and SIGHUP into an exception, so that a run is ended or left in good order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

import typer

from pressloop.cli.output import ExitCode, err

_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""What a service manager and a closing terminal send. Windows has no SIGHUP."""


class TerminatedError(BaseException):
    """Says that the program was asked to end; like KeyboardInterrupt, it is no Exception."""

    def __init__(self, name: str) -> None:
        """Store the name of the signal."""
        super().__init__(name)
        self.name = name


@contextmanager
def termination_as_exception() -> Iterator[None]:
    """Raise TerminatedError in the block at the first signal to end; later ones are ignored.

    If the error leaves the block, exit with `NOT_COMPLETED`. A signal that is ignored, as under
    nohup, stays ignored. Does nothing outside the main thread.
    """
    before: dict[signal.Signals, Any] = {}

    def end(number: int, _frame: FrameType | None) -> None:
        for name in before:
            signal.signal(name, signal.SIG_IGN)
        raise TerminatedError(signal.Signals(number).name)

    with suppress(ValueError):  # only the main thread may set a handler
        for name in _SIGNALS:
            if signal.getsignal(name) is signal.SIG_DFL:
                before[name] = signal.signal(name, end)
    try:
        yield
    except TerminatedError as error:
        err.print(f"[bad]ended[/bad] by {error.name}")
        raise typer.Exit(ExitCode.NOT_COMPLETED) from error
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
