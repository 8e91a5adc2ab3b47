"""Read from a board's hello which wire schema it speaks, also if the rest has another layout.

The keys that are read here never change their meaning: nonce, versions, firmware, schema hash and
build. A message of another schema may decode to wrong numbers, or not at all; then requests would
go unanswered and telemetry unseen. So a board of another schema is refused at its hello.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cbor2

from pressloop._version import __version__
from pressloop.errors import VersionMismatchError
from pressloop.wire.codec import DecodeError
from pressloop.wire.schema import (
    PROTOCOL_MAJOR,
    PROTOCOL_MINOR,
    SCHEMA_HASH,
    ErrorCode,
    HelloReply,
)

_KEYS = {field.name: field.key for field in HelloReply.FIELDS}


@dataclass(frozen=True)
class SchemaIdentity:
    """What a hello says of its sender's schema; None for what it does not say."""

    nonce: Any
    major: Any
    minor: Any
    firmware: Any
    build: Any
    schema_hash: Any

    @classmethod
    def of(cls, payload: bytes) -> SchemaIdentity:
        """Read the payload of a reply to hello.

        Raises:
            DecodeError: It is no CBOR map.
        """
        try:
            values = cbor2.loads(payload)
        except Exception as error:  # cbor2 raises many kinds for random bytes
            raise _no_map() from error
        if not isinstance(values, dict):
            raise _no_map()
        return cls(**{name: values.get(_KEYS[name]) for name in cls.__dataclass_fields__})

    @property
    def is_ours(self) -> bool:
        """Whether it is the schema of this SDK."""
        return bool(self.major == PROTOCOL_MAJOR and self.schema_hash == SCHEMA_HASH)

    def __str__(self) -> str:
        """Return firmware, version and schema for a message."""
        schema = self.schema_hash.hex() if isinstance(self.schema_hash, bytes) else "unknown"
        return (
            f"firmware {self.firmware} (build {self.build}) speaks wire version "
            f"{self.major}.{self.minor}, schema {schema}"
        )


def schema_mismatch(theirs: SchemaIdentity, url: str) -> VersionMismatchError:
    """Return the error for a board whose hello names another schema."""
    return _mismatch(f"{theirs}", url)


def version_mismatch(major: int | None, url: str) -> VersionMismatchError:
    """Return the error for a board that refused the hello because of its major version."""
    return _mismatch(f"the firmware speaks wire version {major or 'unknown'}", url)


def _mismatch(theirs: str, url: str) -> VersionMismatchError:
    return VersionMismatchError(
        f"board and SDK do not understand each other: at {url}, {theirs}; this SDK, pressloop "
        f"{__version__}, speaks wire version {PROTOCOL_MAJOR}.{PROTOCOL_MINOR}, schema "
        f"{SCHEMA_HASH.hex()}",
        hint="at rest, write the firmware of this SDK onto the board: pressloop flash --port PORT; "
        "or install the SDK version that belongs to the firmware",
    )


def _no_map() -> DecodeError:
    return DecodeError(
        "the board sent a hello that is no map",
        hint="this is perhaps no Pressloop firmware",
        reason=ErrorCode.MALFORMED,
    )
