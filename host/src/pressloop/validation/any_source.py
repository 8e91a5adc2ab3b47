"""A protocol in whichever form a script has it: an object, a file, or text."""

from __future__ import annotations

from pathlib import Path

from pressloop.machine.profile import MachineProfile
from pressloop.protocol import Protocol
from pressloop.validation import Validation, validate_file, validate_protocol, validate_text

ProtocolSource = Protocol | Path | str
"""A protocol: built in Python, the path of a file, or YAML text of more than one line."""


def validate(protocol: ProtocolSource, profile: MachineProfile) -> Validation:
    """Check a protocol against a press.

    Raises:
        BadInputError: It is a file that cannot be read.
    """
    if isinstance(protocol, Protocol):
        return validate_protocol(protocol, profile)
    if _is_text(protocol):
        return validate_text(str(protocol), "the protocol", profile)
    return validate_file(protocol, profile)


def text_of(protocol: ProtocolSource) -> str:
    """Return a protocol as it was written, or as YAML if it was built in Python."""
    if isinstance(protocol, Protocol):
        return protocol.to_yaml()
    if _is_text(protocol):
        return str(protocol)
    return Path(protocol).read_text(encoding="utf-8")


def _is_text(protocol: Path | str) -> bool:
    return isinstance(protocol, str) and "\n" in protocol
