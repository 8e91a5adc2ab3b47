"""A protocol from any source that a script may have (object, file, text), read once.

A user may save the file at any moment. So its bytes are read once, and checks, plan, upload and
record all take them from here: the record cannot show another protocol than the one that was
pressed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pressloop.protocol import Protocol
from pressloop.protocol.loading import (
    PROTOCOL_FILE_HINT,
    Draft,
    draft_of_bytes,
    draft_of_text,
    require_form,
)
from pressloop.yaml import SourceMap, read_file_bytes


@dataclass(frozen=True)
class LoadedProtocol:
    """A protocol as it was given, with its text and what the text says; it may have mistakes.

    Attributes:
        name: What messages call it, such as the path of its file.
        data: Bytes of its file, or of its text as UTF-8.
        draft: Protocol, findings and positions that were read from these bytes.
    """

    name: str
    data: bytes = field(repr=False)
    draft: Draft = field(repr=False)

    @classmethod
    def of(cls, source: ProtocolSource) -> LoadedProtocol:
        """Read a protocol from whatever a script has.

        Raises:
            BadInputError: It is a file that cannot be read. Mistakes in it are findings.
        """
        if isinstance(source, LoadedProtocol):
            return source
        if isinstance(source, Protocol):
            return cls.of_object(source)
        if isinstance(source, str) and "\n" in source:
            return cls.of_text(source, "the protocol")
        return cls.of_file(source)

    @classmethod
    def of_file(cls, path: Path | str) -> LoadedProtocol:
        """Read a file.

        Raises:
            BadInputError: It cannot be read. Mistakes in it are findings.
        """
        return cls.of_bytes(read_file_bytes(path, hint=PROTOCOL_FILE_HINT), str(path))

    @classmethod
    def of_bytes(cls, data: bytes, name: str) -> LoadedProtocol:
        """Take the bytes of a YAML text, as a file or a pipe gives them; never raises."""
        return cls(name, data, draft_of_bytes(data))

    @classmethod
    def of_text(cls, text: str, name: str) -> LoadedProtocol:
        """Take YAML text; never raises, whatever the text."""
        # Surrogates cannot come from a file, but from a script they can.
        return cls(name, text.encode(errors="replace"), draft_of_text(text))

    @classmethod
    def of_object(cls, protocol: Protocol) -> LoadedProtocol:
        """Take a protocol that was built in Python; its text is its YAML."""
        draft = Draft(SourceMap(), [], protocol)
        return cls(f"protocol '{protocol.name}'", protocol.to_yaml().encode(), draft)

    @property
    def text(self) -> str:
        """The text exactly as it was written: `sha256sum` of the file is the hash of this."""
        return self.data.decode(errors="replace")

    def require_form(self) -> None:
        """Check the form alone, without a press.

        Raises:
            BadInputError: With one finding per mistake.
        """
        require_form(self.draft, self.name)


ProtocolSource = LoadedProtocol | Protocol | Path | str
"""A protocol: loaded, built in Python, the path of a file, or YAML text of more than one line."""
