"""Hold a protocol that may have mistakes, and the places where it has stand-ins."""

from __future__ import annotations

from dataclasses import dataclass, field

from pressloop.findings import Finding, KeyPath
from pressloop.protocol import Protocol
from pressloop.yaml import SourceMap


@dataclass
class Draft:
    """A protocol as far as its text can be understood."""

    marks: SourceMap
    findings: list[Finding]
    protocol: Protocol | None = None
    """The protocol, with stand-ins at the unreliable places; None if the text cannot be read."""
    unreliable: set[KeyPath] = field(default_factory=set)
    """Places of stand-ins, and of keys that were misspelt."""

    def is_unreliable(self, path: KeyPath) -> bool:
        """Return whether a place, or a part around it, is a stand-in."""
        return any(path[:length] in self.unreliable for length in range(len(path) + 1))
