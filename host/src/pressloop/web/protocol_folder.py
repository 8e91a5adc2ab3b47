"""Lists, reads and saves the protocols of a folder; the ready-made ones can be read only."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pressloop.errors import BadInputError
from pressloop.protocol.goals import GOALS, READY

READY_PREFIX: Final = "ready:"
_SUFFIXES: Final = (".yaml", ".yml")
_NAME: Final = re.compile(r"[\w][\w .()+-]{0,79}\.ya?ml", re.ASCII)
_MAX_LISTED: Final = 500
_MAX_BYTES: Final = 128 * 1024


@dataclass(frozen=True)
class ProtocolFile:
    """A protocol as text, from a file or ready-made.

    Attributes:
        id: Name of the file in the folder, or `ready:NAME`.
        text: The text as it was read.
        ready: Whether it comes with Pressloop and cannot be changed.
        aim: What a ready-made one is for; empty for a file.
    """

    id: str
    text: str
    ready: bool
    aim: str = ""

    @property
    def sha256(self) -> str:
        """Hash of the text: a page shows it again when it starts or saves what it has shown."""
        return text_hash(self.text)


def text_hash(text: str) -> str:
    """Return the SHA-256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class ProtocolFolder:
    """The protocols of one folder, without its subfolders."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; it need not exist."""
        self.folder = folder

    def files(self) -> list[ProtocolFile]:
        """Return all protocols that can be read: those of the folder, then the ready-made."""
        found = []
        with suppress(OSError):
            for path in sorted(self.folder.iterdir())[:_MAX_LISTED]:
                if path.suffix in _SUFFIXES and path.is_file():
                    with suppress(BadInputError):
                        found.append(self.read(path.name))
        return found + [
            ProtocolFile(f"{READY_PREFIX}{goal.name}", goal.text, True, goal.aim)
            for goal in GOALS + READY
        ]

    def read(self, name: str) -> ProtocolFile:
        """Read one protocol.

        Raises:
            BadInputError: `no-protocol`, if there is none of this name or it cannot be read.
        """
        for goal in GOALS + READY:
            if name == f"{READY_PREFIX}{goal.name}":
                return ProtocolFile(name, goal.text, True, goal.aim)
        path = self._path(name)
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise _missing(name, f"it is larger than {_MAX_BYTES} bytes")
            # As it is: a changed line end would be another text than the one that is pressed.
            text = path.read_bytes().decode("utf-8")
        except OSError as error:
            raise _missing(name, error.strerror or str(error)) from error
        except UnicodeDecodeError as error:
            raise _missing(name, "it is not UTF-8 text") from error
        return ProtocolFile(name, text, False)

    def save(self, name: str, text: str, known_sha256: str | None) -> ProtocolFile:
        """Write a protocol, whole or not at all.

        Args:
            name: Name of its file.
            text: The text.
            known_sha256: Hash of the text that the page has loaded; None for a new file.

        Raises:
            BadInputError: `bad-name`, `exists` or `changed-on-disk`; `not-saved`, if the disk
                refused.
        """
        path = self._path(name)
        if len(text.encode()) > _MAX_BYTES:
            raise BadInputError(
                f"the protocol is larger than {_MAX_BYTES} bytes",
                hint="shorten it",
                code="not-saved",
            )
        if path.exists():
            if known_sha256 is None:
                raise BadInputError(
                    f"there is already a file {name}", hint="choose another name", code="exists"
                )
            if self.read(name).sha256 != known_sha256:
                raise BadInputError(
                    f"{name} was changed by another program since this page has loaded it",
                    hint="save under another name, or load it again and repeat your change",
                    code="changed-on-disk",
                )
        try:
            _replace(path, text)
        except OSError as error:
            raise BadInputError(
                f"{name} could not be saved: {error.strerror or error}",
                hint="check that the folder exists and that there is space on the disk",
                code="not-saved",
            ) from error
        return self.read(name)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise BadInputError(
                f"{name[:100]!r} is no name for a protocol file",
                hint="use letters, digits, spaces and - _ . and end it with .yaml",
                code="bad-name",
            )
        return self.folder / name


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        new.chmod(0o644 if not path.exists() else path.stat().st_mode & 0o777)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _missing(name: str, why: str) -> BadInputError:
    return BadInputError(
        f"the protocol {name} cannot be read: {why}",
        hint="load the list of protocols again",
        code="no-protocol",
    )
