"""Check whether a press can run a protocol, and report all findings at once.

The board enforces the same limits again; they are checked here on the same unrolled steps in the
same integers, and reported under the board's own error codes. Warnings are for what is allowed but
probably not intended. docs/protocol-file.md lists all codes.
"""

from __future__ import annotations

from pressloop.validation.any_source import LoadedProtocol, ProtocolSource
from pressloop.validation.result import Validation
from pressloop.validation.validate import (
    validate_file,
    validate_loaded,
    validate_protocol,
    validate_text,
)

__all__ = [
    "LoadedProtocol",
    "ProtocolSource",
    "Validation",
    "validate_file",
    "validate_loaded",
    "validate_protocol",
    "validate_text",
]
