"""Define a finding: what is wrong in a document, where, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

KeyPath = tuple[str | int, ...]
"""Place in a document: keys and list indices, from the top."""


def path_text(path: KeyPath) -> str:
    """Return a path as text, as `stages[0].hold.tolerance`; the whole document is `.`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "."


@dataclass(frozen=True)
class Finding:
    """One mistake, or one value that is allowed but perhaps not intended."""

    severity: Severity
    """An error prevents the run; a warning does not."""
    code: str
    """Stable kebab-case name, listed in docs/protocol-file.md."""
    path: str
    """Place, as `stages[0].hold.tolerance`; `.` for the whole document."""
    message: str
    """Text that says what is wrong."""
    hint: str
    """Text that says what to write instead."""
    line: int | None = None
    """Line in the file, from 1; None for a protocol that was built in Python."""
    column: int | None = None
    """Column in the line, from 1."""

    def as_dict(self) -> dict[str, str | int | None]:
        """Return the finding as plain data, for JSON and for tables."""
        return {
            "severity": self.severity,
            "code": self.code,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "hint": self.hint,
        }
