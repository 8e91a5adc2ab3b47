"""Turns SIGTERM and SIGHUP into an exception, so that a run is ended or left in good order.

An exception out of a signal handler can be raised anywhere, also where it is lost or where nothing
can react to it. So signals are kept while a run is started, and raised once it is followed.
"""

from __future__ import annotations

import signal
import time
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

_MIN_INTERVAL_S: Final = 1.0
"""A second signal that comes sooner is ignored: a shell and the system both send SIGHUP."""


class TerminatedError(BaseException):
    """Says that the program was asked to end; like KeyboardInterrupt, it is no Exception."""

    def __init__(self, name: str) -> None:
        """Store the name of the signal."""
        super().__init__(name)
        self.name = name


class EndSignals:
    """Catches the signals that end the program: raises them at once, or keeps them for a while.

    A signal that is ignored, as under nohup, stays ignored. Outside the main thread nothing is
    caught. Use it through `termination_as_exception`.
    """

    def __init__(self) -> None:
        """Catch nothing yet."""
        self._before: dict[int, Any] = {}
        self._keeps = False
        self._kept: int | None = None
        self._raised_at_s = float("-inf")

    def catch(self) -> None:
        """Begin to raise TerminatedError."""
        for number in _SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                self._install(number)

    def keep(self) -> None:
        """Keep every signal from now on, that of Ctrl-C included, until `deliver`."""
        self._keeps = True
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._install(signal.SIGINT)

    def deliver(self) -> None:
        """Raise a signal at once again, and raise now the first one that was kept.

        Raises:
            KeyboardInterrupt: It was Ctrl-C.
            TerminatedError: It was another one.
        """
        self._keeps = False
        kept, self._kept = self._kept, None
        if kept is not None:
            self._raise(kept)

    def ignore(self) -> None:
        """Ignore later signals to end, because the first one is being carried out; not Ctrl-C."""
        for number in self._before:
            if number != signal.SIGINT:
                signal.signal(number, signal.SIG_IGN)

    def restore(self) -> None:
        """Bring back the handlers from before."""
        while self._before:
            signal.signal(*self._before.popitem())

    def _install(self, number: int) -> None:
        with suppress(ValueError):  # only the main thread may set a handler
            self._before[number] = signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if not self._keeps:
            self._raise(number)
        elif self._kept is None:
            self._kept = number

    def _raise(self, number: int) -> None:
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        now_s = time.monotonic()
        if now_s - self._raised_at_s < _MIN_INTERVAL_S:
            return
        self._raised_at_s = now_s
        raise TerminatedError(signal.Signals(number).name)


@contextmanager
def termination_as_exception() -> Iterator[EndSignals]:
    """Raise TerminatedError in the block at a signal to end; later ones can be ignored.

    If the error leaves the block, exit with `NOT_COMPLETED`.
    """
    signals = EndSignals()
    signals.catch()
    try:
        yield signals
    except TerminatedError as error:
        signals.ignore()
        err.print(f"[bad]ended[/bad] by {error.name}")
        raise typer.Exit(ExitCode.NOT_COMPLETED) from error
    finally:
        signals.restore()
