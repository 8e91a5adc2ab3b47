"""A protocol that may have mistakes: what is known of it, and what is only a stand-in."""

from __future__ import annotations

from dataclasses import dataclass, field

from pressloop.findings import Finding, KeyPath
from pressloop.protocol import Protocol
from pressloop.yaml import SourceMap


@dataclass
class Draft:
    """What a text says, as far as it can be understood."""

    marks: SourceMap
    findings: list[Finding]
    protocol: Protocol | None = None
    """With stand-ins at the unreliable places; None when nothing can be made of the text."""
    unreliable: set[KeyPath] = field(default_factory=set)

    def is_unreliable(self, path: KeyPath) -> bool:
        """Whether a place, or something around it, is a stand-in."""
        return any(path[:length] in self.unreliable for length in range(len(path) + 1))
