"""Follows a journal that another program writes, from a position that can be kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pressloop.errors import RecordError
from pressloop.record.journal import whole_entries

_MAX_PIECE_BYTES: Final = 1 << 20
"""Bytes that are read at once; no entry is that long."""


@dataclass(frozen=True)
class TailEntry:
    """One entry, and where it is in the file: from byte `offset` up to byte `stop`."""

    offset: int
    stop: int
    content: dict[str, Any]


class JournalTail:
    """Reads the entries behind a position; an entry that is still being written is left for later.

    A journal only grows, apart from a torn tail that `RunRecorder.reopen` cuts off. So a position
    behind a whole entry stays valid for the life of the record.
    """

    def __init__(self, path: Path, position: int = 0) -> None:
        """Begin at a position: 0, or the `stop` of an entry that was read before."""
        self.path = path
        self.position = position

    def read(self) -> list[TailEntry]:
        """Return the next whole entries, up to a megabyte of them; empty: there is nothing new.

        Raises:
            RecordError: `record-replaced`: the file is shorter than what was read of it before;
                `record-unreadable`.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(0, 2)
                size = file.tell()
                if size < self.position:
                    raise RecordError(
                        f"{self.path} has {size} bytes, and {self.position} were read before",
                        code="record-replaced",
                        hint="another run was recorded into this folder: begin with it anew",
                    )
                file.seek(self.position)
                data = file.read(_MAX_PIECE_BYTES)
        except OSError as error:
            raise RecordError(
                f"cannot read {self.path}: {error.strerror or error}",
                code="record-unreadable",
                hint="check that the folder is still there and that you may read it",
            ) from error
        entries = [
            TailEntry(self.position + offset, self.position + stop, content)
            for offset, stop, content in whole_entries(data)
        ]
        if entries:
            self.position = entries[-1].stop
        elif len(data) == _MAX_PIECE_BYTES:
            # Nothing but damaged bytes; the next mark may begin in the last of them.
            self.position += _MAX_PIECE_BYTES // 2
        return entries
