"""Can this press run this protocol? Every finding at once, each with its place and what to do.

The limits are those that the board enforces again, checked on the same unrolled steps in the same
integers and reported under the board's own error codes. Beyond them there are warnings for what is
allowed but probably not meant. docs/protocol-file.md lists all codes.
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
