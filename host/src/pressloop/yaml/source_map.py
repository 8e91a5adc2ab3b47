"""Record where keys and values stand in a text, so that a finding can name its line."""

from __future__ import annotations

from dataclasses import dataclass, field

from pressloop.findings import Finding, KeyPath, Severity, path_text


@dataclass(frozen=True)
class Mark:
    """A position in the text; both numbers count from 1."""

    line: int
    column: int


@dataclass
class SourceMap:
    """Positions of the keys and values of a document; empty for one that was built in Python."""

    _keys: dict[KeyPath, Mark] = field(default_factory=dict)
    _values: dict[KeyPath, Mark] = field(default_factory=dict)

    def record(self, path: KeyPath, *, key: Mark | None, value: Mark) -> None:
        """Record the positions of a key and its value; list items have no key."""
        if key is not None:
            self._keys[path] = key
        self._values[path] = value

    def value(self, path: KeyPath) -> Mark | None:
        """Return the position of a value, or of the innermost part around it that is known."""
        while path not in self._values and path:
            path = path[:-1]
        return self._values.get(path)

    def key(self, path: KeyPath) -> Mark | None:
        """Return the position of a key, or of the innermost part around it that is known."""
        return self._keys.get(path) or self.value(path)

    def finding(
        self,
        severity: Severity,
        code: str,
        path: KeyPath,
        message: str,
        hint: str,
        *,
        at_key: bool = False,
    ) -> Finding:
        """Return a finding with the line and column of its value, or of its key."""
        mark = self.key(path) if at_key else self.value(path)
        line, column = (mark.line, mark.column) if mark else (None, None)
        return Finding(severity, code, path_text(path), message, hint, line, column)
