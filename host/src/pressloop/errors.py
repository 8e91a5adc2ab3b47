"""What can go wrong, in words that say what to do next.

Every error of the SDK is a `PressloopError`: a stable `code` for programs, a `message` that says
what failed and where, and a `hint` that names the next step. `str(error)` shows message and hint.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol


class FindingLike(Protocol):
    """What `BadInputError` needs to know of a validation finding."""

    @property
    def path(self) -> str:
        """Where in the document, as `stages[0].steps[1].target`."""

    @property
    def code(self) -> str:
        """Stable name of the mistake, kebab-case."""

    @property
    def message(self) -> str:
        """What is wrong."""

    @property
    def hint(self) -> str:
        """What to write instead."""


class PressloopError(Exception):
    """An error with a stable code, a message and the next step.

    Args:
        message: What failed, and where.
        hint: The next step for whoever reads it.
        code: Stable kebab-case name; each class has a default.
    """

    default_code: ClassVar[str] = "pressloop"

    def __init__(self, message: str, *, hint: str, code: str | None = None) -> None:
        """Keep the parts apart, so that a program need not parse the text."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code if code is not None else self.default_code

    def __str__(self) -> str:
        """Message, then the next step on a line of its own."""
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class NoBoardError(PressloopError):
    """There is no board where one was looked for."""

    default_code = "no-board"


class AmbiguousPortError(PressloopError):
    """More than one board fits; `ports` lists them."""

    default_code = "ambiguous-port"

    def __init__(
        self, message: str, *, hint: str, ports: Sequence[str] = (), code: str | None = None
    ) -> None:
        """Keep the ports that fit."""
        super().__init__(message, hint=hint, code=code)
        self.ports = tuple(ports)


class PortBusyError(PressloopError):
    """The port exists, but another program holds it or the user may not open it."""

    default_code = "port-busy"


class LinkClosedError(PressloopError):
    """The link to the board ended. `console` holds what the board last printed outside frames."""

    default_code = "link-closed"

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        console: Sequence[str] = (),
        record_dir: Path | None = None,
        code: str | None = None,
    ) -> None:
        """Keep the board's last words, and the record of the run that was cut off, if any."""
        super().__init__(message, hint=hint, code=code)
        self.console = tuple(console)
        self.record_dir = record_dir

    def __str__(self) -> str:
        """Message, the board's last console lines, next step."""
        return _with_console(self.message, self.console, self.hint)


class BoardTimeoutError(PressloopError):
    """The board did not answer in time. `console` holds what it last printed outside frames."""

    default_code = "board-timeout"

    def __init__(
        self, message: str, *, hint: str, console: Sequence[str] = (), code: str | None = None
    ) -> None:
        """Keep the board's last words: a traceback explains a silence."""
        super().__init__(message, hint=hint, code=code)
        self.console = tuple(console)

    def __str__(self) -> str:
        """Message, the board's last console lines, next step."""
        return _with_console(self.message, self.console, self.hint)


class CommandRefusedError(PressloopError):
    """The board refused a command; the press was not affected.

    Attributes:
        command: Name of the refused command.
        reason: The board's error code, as in the wire reference; same as `code`.
        step: Index of the plan step at fault, if the code has one.
        field: Name of the field at fault, if the code has one.
        detail: The limit that was passed, in the unit the code names.
    """

    default_code = "command-refused"

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        command: str,
        code: str | None = None,
        step: int | None = None,
        field: str | None = None,
        detail: int | None = None,
    ) -> None:
        """Keep what the board said about the refusal."""
        super().__init__(message, hint=hint, code=code)
        self.command = command
        self.reason = self.code
        self.step = step
        self.field = field
        self.detail = detail


class BadInputError(PressloopError):
    """A file or value that the user gave is not usable. `findings` lists each mistake."""

    default_code = "bad-input"

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        findings: Sequence[FindingLike] = (),
        code: str | None = None,
    ) -> None:
        """Keep the findings."""
        super().__init__(message, hint=hint, code=code)
        self.findings = tuple(findings)

    def __str__(self) -> str:
        """Message, one line per finding, next step."""
        lines = [self.message]
        for finding in self.findings:
            lines.append(f"  {finding.path}: {finding.message} [{finding.code}] {finding.hint}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class VersionMismatchError(PressloopError):
    """Host and board speak different major versions of the protocol."""

    default_code = "version-mismatch"


class RecordError(PressloopError):
    """A run record is missing, unreadable or belongs to another run."""

    default_code = "record"


class RunFailedError(PressloopError):
    """A run ended for another reason than completion; `end_reason` says which."""

    default_code = "run-failed"

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        end_reason: str,
        record_dir: Path | None = None,
        code: str | None = None,
    ) -> None:
        """Keep the end reason and where the record is."""
        super().__init__(message, hint=hint, code=code)
        self.end_reason = end_reason
        self.record_dir = record_dir


class EmulatorError(PressloopError):
    """The emulated board could not be started, or it died."""

    default_code = "emulator"


def _with_console(message: str, console: Sequence[str], hint: str) -> str:
    lines = [message]
    if console:
        lines.append("  the board's console said last:")
        lines.extend(f"    {line}" for line in console)
    if hint:
        lines.append(f"  hint: {hint}")
    return "\n".join(lines)
