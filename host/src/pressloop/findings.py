"""Findings: what is wrong with a protocol, where, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

KeyPath = tuple[str | int, ...]
"""Where in the document: keys and list indices from the top."""


def path_text(path: KeyPath) -> str:
    """Print a path as `stages[0].hold.tolerance`; the document itself is `.`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "."


@dataclass(frozen=True)
class Finding:
    """One mistake, or one thing worth a second look."""

    severity: Severity
    """Errors keep a protocol from being run; warnings do not."""
    code: str
    """Stable kebab-case name, listed in docs/protocol-file.md."""
    path: str
    """As `stages[0].hold.tolerance`; `.` for the whole document."""
    message: str
    """What is wrong."""
    hint: str
    """What to write instead."""
    line: int | None = None
    """In the file, from 1; None for a protocol that was built in Python."""
    column: int | None = None
    """In the line, from 1."""

    def as_dict(self) -> dict[str, str | int | None]:
        """Return plain data, for JSON and for tables."""
        return {
            "severity": self.severity,
            "code": self.code,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "hint": self.hint,
        }
