"""What is to be said about a protocol on a press."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.protocol import Protocol
from pressloop.validation.any_source import LoadedProtocol
from pressloop.yaml import SourceMap


@dataclass(frozen=True)
class Validation:
    """What is to be said about a protocol on a press."""

    source: LoadedProtocol
    """The protocol as it was given."""
    protocol: Protocol | None
    """None if there are errors."""
    findings: tuple[Finding, ...]
    """In the order of the text."""

    @property
    def marks(self) -> SourceMap:
        """Where each key stands in the text, to place what the board may still refuse."""
        return self.source.draft.marks

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What keeps the protocol from being run."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is worth a second look."""
        return tuple(f for f in self.findings if f.severity == "warning")

    def checked(self) -> Protocol:
        """Return the protocol.

        Raises:
            BadInputError: there are errors.
        """
        if self.protocol is None:
            raise BadInputError(
                f"{self.source.name} cannot be run on this press",
                hint="correct what is listed; docs/protocol-file.md explains every key and code",
                findings=self.errors,
            )
        return self.protocol

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {
            "source": self.source.name,
            "valid": self.protocol is not None,
            "findings": [finding.as_dict() for finding in self.findings],
        }
