"""Define the errors of the SDK; each says what failed, where, and what to do next.

Every error is a `PressloopError`: a stable `code` for programs, a `message` that says what failed
and where, and a `hint` that names the next step. `str(error)` shows message and hint.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar

T = TypeVar("T")


class FindingLike(Protocol):
    """The parts of a validation finding that `BadInputError` uses."""

    @property
    def path(self) -> str:
        """Place in the document, as `stages[0].hold.target`."""

    @property
    def code(self) -> str:
        """Stable name of the mistake, in kebab-case."""

    @property
    def line(self) -> int | None:
        """Line in the document, from 1; None where it has none."""

    @property
    def message(self) -> str:
        """Text that says what is wrong."""

    @property
    def hint(self) -> str:
        """Text that says what to write instead."""


class PressloopError(Exception):
    """An error with a stable code, a message and the next step.

    Args:
        message: What failed, and where.
        hint: The next step for the user.
        code: Stable kebab-case name; each class has a default.
    """

    default_code: ClassVar[str] = "pressloop"

    def __init__(self, message: str, *, hint: str, code: str | None = None) -> None:
        """Store the parts separately, so that a program need not parse the text."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code if code is not None else self.default_code

    def __str__(self) -> str:
        """Return the message, then the hint on a line of its own."""
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class NoBoardError(PressloopError):
    """No board was found at the address or port that was searched."""

    default_code = "no-board"


class AmbiguousPortError(PressloopError):
    """More than one board was found; `ports` lists them."""

    default_code = "ambiguous-port"

    def __init__(
        self, message: str, *, hint: str, ports: Sequence[str] = (), code: str | None = None
    ) -> None:
        """Store the ports on which a board was found."""
        super().__init__(message, hint=hint, code=code)
        self.ports = tuple(ports)


class PortBusyError(PressloopError):
    """The port exists, but another program holds it or the user may not open it."""

    default_code = "port-busy"


class LinkClosedError(PressloopError):
    """The connection to the board ended.

    `console` holds the last lines that the board printed outside frames.
    """

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
        """Store the board's last console lines, and the folder of the interrupted run, if any."""
        super().__init__(message, hint=hint, code=code)
        self.console = tuple(console)
        self.record_dir = record_dir

    def __str__(self) -> str:
        """Return the message, the board's last console lines, and the hint."""
        return _with_console(self.message, self.console, self.hint)


class BoardTimeoutError(PressloopError):
    """The board did not answer in time.

    `console` holds the last lines that the board printed outside frames.
    """

    default_code = "board-timeout"

    def __init__(
        self, message: str, *, hint: str, console: Sequence[str] = (), code: str | None = None
    ) -> None:
        """Store the board's last console lines: a traceback there explains why it is silent."""
        super().__init__(message, hint=hint, code=code)
        self.console = tuple(console)

    def __str__(self) -> str:
        """Return the message, the board's last console lines, and the hint."""
        return _with_console(self.message, self.console, self.hint)


class CommandRefusedError(PressloopError):
    """The board refused a command; the press was not affected.

    Attributes:
        command: Name of the refused command.
        reason: The board's error code, as in the wire reference; same as `code`.
        step: Index of the plan step that was refused, if the code has one.
        field: Name of the field that was refused, if the code has one.
        detail: The limit that was exceeded, in the unit that belongs to the code.
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
        """Store the details of the board's refusal."""
        super().__init__(message, hint=hint, code=code)
        self.command = command
        self.reason = self.code
        self.step = step
        self.field = field
        self.detail = detail


class BadInputError(PressloopError):
    """A file or value from the user cannot be used. `findings` lists each mistake."""

    default_code = "bad-input"

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        findings: Sequence[FindingLike] = (),
        code: str | None = None,
    ) -> None:
        """Store the findings."""
        super().__init__(message, hint=hint, code=code)
        self.findings = tuple(findings)

    def __str__(self) -> str:
        """Return the message, one line for each finding, and the hint."""
        lines = [self.message]
        for finding in self.findings:
            if finding.message not in self.message:
                lines.append(f"  {finding.path}: {finding.message} [{finding.code}] {finding.hint}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class VersionMismatchError(PressloopError):
    """Host and board were built from different schemas of the wire protocol."""

    default_code = "version-mismatch"


class RecordError(PressloopError):
    """A run record is missing, unreadable or belongs to another run."""

    default_code = "record"


class RunFailedError(PressloopError):
    """A run did not complete; `end_reason` says why it ended."""

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
        """Store the end reason and the folder of the record."""
        super().__init__(message, hint=hint, code=code)
        self.end_reason = end_reason
        self.record_dir = record_dir


class EmulatorError(PressloopError):
    """The emulated board could not be started, or it ended unexpectedly."""

    default_code = "emulator"


def required(value: T | None, what: str) -> T:
    """Return a value that must be there by now; its absence is a defect of Pressloop itself.

    Args:
        value: Value that may be None by its type.
        what: Name of the value, for the message.

    Raises:
        PressloopError: `internal`, if the value is None.
    """
    if value is None:
        raise PressloopError(
            f"{what} is missing where it must be known",
            code="internal",
            hint="this is a defect of Pressloop: report it with what you did before",
        )
    return value


def _with_console(message: str, console: Sequence[str], hint: str) -> str:
    lines = [message]
    if console:
        lines.append("  the board's last console lines:")
        lines.extend(f"    {line}" for line in console)
    if hint:
        lines.append(f"  hint: {hint}")
    return "\n".join(lines)
