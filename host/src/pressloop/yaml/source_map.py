"""Where keys and values stand in a text, so that what is wrong with one knows its line."""

from __future__ import annotations

from dataclasses import dataclass, field

from pressloop.findings import Finding, KeyPath, Severity, path_text


@dataclass(frozen=True)
class Mark:
    """A place in the text, both numbers from 1."""

    line: int
    column: int


@dataclass
class SourceMap:
    """Where keys and values of the document stand in the text."""

    _keys: dict[KeyPath, Mark] = field(default_factory=dict)
    _values: dict[KeyPath, Mark] = field(default_factory=dict)

    def record(self, path: KeyPath, *, key: Mark | None, value: Mark) -> None:
        """Remember where a key and its value stand; list items have no key."""
        if key is not None:
            self._keys[path] = key
        self._values[path] = value

    def value(self, path: KeyPath) -> Mark | None:
        """Return where a value stands, or what is nearest around it."""
        while path not in self._values and path:
            path = path[:-1]
        return self._values.get(path)

    def key(self, path: KeyPath) -> Mark | None:
        """Return where a key stands, or what is nearest around it."""
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
        """Return a finding that knows its line."""
        mark = self.key(path) if at_key else self.value(path)
        line, column = (mark.line, mark.column) if mark else (None, None)
        return Finding(severity, code, path_text(path), message, hint, line, column)
