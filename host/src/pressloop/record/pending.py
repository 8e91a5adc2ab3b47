"""Keeps the newest records on disk until it is decided what the journal keeps of them.

A killed host must lose nothing that it had received, but thinning decides minutes later. So pending
records are written here at once, in the journal's format. There are two files: when one is large
and all records of the other are in the journal, the other is emptied and written next.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from pressloop.record.entry_form import EntryKind
from pressloop.record.journal import JOURNAL_NAME, JournalContents, JournalWriter, read_journal
from pressloop.wire.schema import RECORD_SIZE

PENDING_NAMES: Final = ("run.recent-1", "run.recent-2")

_MAX_QUIET_S: Final = 15.0

_MAX_BYTES: Final = 500_000
"""Size from which on the files are changed. About as much as can be pending, so a file grows to
twice that at most."""


class PendingRecords:
    """Writes the pending records; the files are made with the first of them."""

    def __init__(self, folder: Path) -> None:
        """Write into this folder."""
        self._paths = [folder / name for name in PENDING_NAMES]
        self._writers: list[JournalWriter | None] = [None, None]
        self._active = 0
        self._sizes = [0, 0]
        self._newest = [-1, -1]

    def append(self, first: int, records: bytes, unix_time_second: float, undecided: int) -> None:
        """Write records; those with numbers below `undecided` are in the journal already.

        Raises:
            RecordError: `record-write`, when the disk refuses.
        """
        other = 1 - self._active
        if self._sizes[self._active] > _MAX_BYTES and self._newest[other] < undecided:
            self._active = other
            writer = self._writers[other]
            if writer is not None:
                writer.truncate(0)
            self._sizes[other] = 0
        active = self._active
        writer = self._writers[active]
        if writer is None:
            path = self._paths[active]
            writer = self._writers[active] = JournalWriter(path, create=not path.exists())
            writer.truncate(0)
        writer.append(
            {
                "kind": EntryKind.TELEMETRY,
                "first": first,
                "records": records,
                "unix_time_second": unix_time_second,
                "source": "live",
            }
        )
        self._sizes[active] += len(records)
        self._newest[active] = first + len(records) // RECORD_SIZE - 1

    def discard(self) -> None:
        """Remove the files; all of their records are in the journal."""
        self.close()
        for path in self._paths:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files."""
        for index, writer in enumerate(self._writers):
            if writer is not None:
                writer.close()
                self._writers[index] = None


def read_pending(journal: Path) -> JournalContents:
    """Read the pending records beside a journal, or those of a host that was killed."""
    entries = [
        entry
        for name in PENDING_NAMES
        if (path := journal.with_name(name)).exists()
        for entry in read_journal(path).entries
        if entry["kind"] == EntryKind.TELEMETRY
    ]
    return JournalContents(entries, [], 0)


def grew_lately(folder: Path) -> bool:
    """Return whether a file of a record was written within a quarter of a minute.

    A plan may ask for records up to 10 s apart. A clock of a file server may differ by seconds.
    """
    now_s = time.time()
    for name in (JOURNAL_NAME, *PENDING_NAMES):
        with suppress(OSError):
            if abs(now_s - (folder / name).stat().st_mtime) < _MAX_QUIET_S:
                return True
    return False


def read_record(journal: Path) -> JournalContents:
    """Read a journal together with the pending records beside it.

    Raises:
        RecordError: `no-record`.
    """
    # In this order: records that leave the pending files meanwhile are then in the journal.
    pending = read_pending(journal)
    contents = read_journal(journal)
    return JournalContents([*contents.entries, *pending.entries], contents.unreadable, contents.end)
