"""Consoles for data and for messages, and the exit code of each error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import IO, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.text import Text
from rich.theme import Theme

from pressloop.errors import (
    AmbiguousPortError,
    BadInputError,
    EmulatorError,
    NoBoardError,
    PortBusyError,
    PressloopError,
    RecordError,
)

_THEME = Theme({"good": "green", "bad": "bold red", "note": "yellow", "dim": "dim"})


class WordConsole(Console):
    """A console that breaks long lines for a terminal between words; a terminal does anywhere."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as Rich does; a long line for a terminal breaks between words, if it may break."""
        if options.get("soft_wrap") and not options.get("no_wrap") and self.is_terminal:
            said = [Text.from_markup(each) if isinstance(each, str) else each for each in objects]
            words = " ".join(map(str, said)).split()
            # A word that is longer than a line, such as a path, must stay whole for copying.
            options["soft_wrap"] = any(cell_len(word) > self.width for word in words)
        super().print(*objects, **options)


class StatusConsole(WordConsole):
    """A console that becomes silent when its output is lost: the run is more important."""

    def on_broken_pipe(self) -> None:
        """Become silent, as the reader of the pipe has gone."""
        self._silence()

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        """Write what was printed in the block; every print and control ends here."""
        try:
            super().__exit__(exc_type, exc_value, traceback)
        except (OSError, ValueError):  # ValueError: the file is closed
            self._silence()

    def _silence(self) -> None:
        self.quiet = True
        discard_output(self.file)


def _discard_unwritable(file: IO[str]) -> None:
    """Discard an output that takes nothing more; a second error at exit would hide the first."""
    try:
        file.flush()
    except (OSError, ValueError):
        discard_output(file)


def discard_output(file: IO[str]) -> None:
    """Send the rest of an output to nowhere: what is still in its buffer fails again at exit."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, file.fileno())
        finally:
            os.close(nowhere)


out = WordConsole(theme=_THEME, highlight=False)
"""Console for data that a script may read."""

err = StatusConsole(theme=_THEME, highlight=False, stderr=True)
"""Console for status, progress and errors."""


class ExitCode(IntEnum):
    """Exit codes of the command line; scripts rely on them."""

    COMPLETED = 0
    NOT_COMPLETED = 1
    BAD_INPUT = 2
    NO_BOARD = 3


_NO_BOARD = (NoBoardError, AmbiguousPortError, PortBusyError, EmulatorError)


def exit_code(error: PressloopError) -> ExitCode:
    """Return the exit code of an error."""
    if error.code == "record-write":
        return ExitCode.NOT_COMPLETED
    if isinstance(error, BadInputError | RecordError) or error.code == "plot-format":
        return ExitCode.BAD_INPUT
    if isinstance(error, _NO_BOARD):
        return ExitCode.NO_BOARD
    return ExitCode.NOT_COMPLETED


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """Print a PressloopError as message and hint, and exit with its code."""
    try:
        yield
    except PressloopError as error:
        print_error(error)
        raise typer.Exit(exit_code(error)) from error
    except BrokenPipeError:
        raise  # the reader of our output has closed the pipe: not an error of ours
    except OSError as error:
        _discard_unwritable(sys.stdout)
        err.print(f"[bad]error[/bad] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(ExitCode.NOT_COMPLETED) from error


def print_path(path: Path) -> None:
    """Print the folder of a run that has ended; a lost output does not change how it ended."""
    try:
        out.print(escape(str(path)), soft_wrap=True)
    except (OSError, SystemExit) as error:  # SystemExit: Rich, when the reader has gone
        discard_output(out.file)
        if isinstance(error, OSError):
            err.print(
                f"[note]note[/note] the folder could not be printed to standard output: "
                f"{escape(error.strerror or str(error))}",
                soft_wrap=True,
            )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError in the block into a BadInputError that names the file."""
    try:
        yield
    except OSError as error:
        raise BadInputError(
            f"cannot write {path}: {error.strerror}",
            hint="choose a file in a folder that exists and that you can write to",
        ) from error


def print_error(error: PressloopError) -> None:
    """Print message, code, findings and hint of an error."""
    findings = error.findings if isinstance(error, BadInputError) else ()
    message = error.message if findings else str(error).partition("\n  hint: ")[0]
    err.print(f"[bad]error[/bad] {escape(message)} [dim]({error.code})[/dim]", soft_wrap=True)
    for finding in findings:
        err.print(
            f"  {'' if finding.line is None else f'line {finding.line}, '}"
            f"[bold]{escape(finding.path)}[/bold] [dim]({finding.code})[/dim] "
            f"{escape(finding.message)}",
            soft_wrap=True,
        )
        if finding.hint:
            err.print(f"    [note]hint[/note] {escape(finding.hint)}", soft_wrap=True)
    if error.hint:
        err.print(f"  [note]hint[/note] {escape(error.hint)}", soft_wrap=True)
