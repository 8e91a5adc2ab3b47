"""Reads and writes the journal file, whose entries survive a cut at any byte.

The file is a CBOR sequence (RFC 8742), so any CBOR tool reads it. Each entry is an array of two:
a CRC-32 and a byte string, both with heads of full width, so that the eleven bytes before an
entry's payload also frame it::

    82  1A <crc-32 of the payload, u32>  5A <length, u32>  <payload: one CBOR map>

A reader takes entries as long as length and CRC agree and the content has the form of its kind
(`entry_form`). Where they do not, it looks for the next entry that is whole and reports the bytes
between as unreadable: a torn tail costs one entry.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from binascii import crc32
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cbor2

from pressloop.errors import RecordError
from pressloop.record.entry_form import is_well_formed
from pressloop.record.file_lock import lock_file, lock_path

JOURNAL_NAME: Final = "run.journal"

_HEAD: Final = struct.Struct(">BBIBI")
_ARRAY_OF_TWO: Final = 0x82
_U32: Final = 0x1A
_BYTES_U32: Final = 0x5A
_MARK: Final = bytes((_ARRAY_OF_TWO, _U32))

SYNC_INTERVAL_S: Final = 1.0
"""A killed host loses nothing that was written; a power cut loses up to this much time."""


@dataclass(frozen=True)
class UnreadableBytes:
    """A range of bytes in a journal that is not part of any whole entry."""

    offset: int
    length: int


@dataclass(frozen=True)
class JournalContents:
    """All that could be read from a journal; `end` is the offset behind the last whole entry."""

    entries: list[dict[str, Any]]
    unreadable: list[UnreadableBytes]
    end: int


def encode_entry(entry: Mapping[str, Any]) -> bytes:
    """Return the bytes of one entry, with its head."""
    payload = cbor2.dumps(entry)
    head = _HEAD.pack(_ARRAY_OF_TWO, _U32, crc32(payload), _BYTES_U32, len(payload))
    return head + payload


def read_journal(path: Path) -> JournalContents:
    """Read all whole entries of a journal, also while it is being written.

    Raises:
        RecordError: `no-record`, when there is no such file; `record-unreadable`.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RecordError(
            f"{path.parent} holds no run record ({path.name} is missing)",
            code="no-record",
            hint="name the folder that was given to --out",
        ) from error
    except OSError as error:
        raise RecordError(
            f"cannot read {path}: {error.strerror or error}",
            code="record-unreadable",
            hint="check the permissions of the folder and the disk",
        ) from error
    entries = []
    unreadable = []
    end = 0
    for offset, stop, entry in whole_entries(data):
        if offset > end:
            unreadable.append(UnreadableBytes(end, offset - end))
        entries.append(entry)
        end = stop
    if end < len(data):
        unreadable.append(UnreadableBytes(end, len(data) - end))
    return JournalContents(entries, unreadable, end)


def whole_entries(data: bytes) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield offset, end and content of each whole entry; bytes between them are skipped."""
    offset = data.find(_MARK)
    while offset >= 0:
        stop, entry = _entry_at(data, offset)
        if entry is not None:
            yield offset, stop, entry
        offset = data.find(_MARK, stop)


def _entry_at(data: bytes, offset: int) -> tuple[int, dict[str, Any] | None]:
    """Return the end of the entry at `offset`, and the entry; without one, where to search on."""
    nothing = offset + 1, None
    if offset + _HEAD.size > len(data):
        return nothing
    array, unsigned, crc, text, length = _HEAD.unpack_from(data, offset)
    start = offset + _HEAD.size
    stop = start + length
    if (array, unsigned, text) != (_ARRAY_OF_TWO, _U32, _BYTES_U32) or stop > len(data):
        return nothing
    payload = data[start:stop]
    if crc32(payload) != crc:
        return nothing
    try:
        entry = cbor2.loads(payload)
    # cbor2 raises more than its own error for tags that name a date or a number.
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError):
        return nothing
    return (stop, entry) if is_well_formed(entry) else nothing


class JournalWriter:
    """Writes a journal: unbuffered, synced once a second, locked against other writers.

    The lock is one of the operating system on the journal itself (`file_lock`). It ends with the
    process that holds it, however that process ends, so a lock is never stale.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open and lock the file.

        Raises:
            RecordError: `record-busy`, when another recorder writes it.
            FileExistsError: With `create`, when the file exists.
            FileNotFoundError: Without `create`, when it does not.
        """
        flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)
        if create:
            flags |= os.O_CREAT | os.O_EXCL
        self.path = path
        self._file = os.open(path, flags, 0o644)
        try:
            self._unlock = _lock(self._file, path)
        except BaseException:
            os.close(self._file)
            raise
        self._size = os.fstat(self._file).st_size
        self._failure: OSError | None = None
        self._dirty = False
        self._mutex = threading.Lock()
        self._closing = threading.Event()
        # Syncing can take seconds on a slow card. The caller must not wait for it: it also
        # keeps the board's host watchdog from expiring.
        self._syncer = threading.Thread(target=self._sync_regularly, name="journal", daemon=True)
        self._syncer.start()

    @property
    def closed(self) -> bool:
        """Whether the journal is closed."""
        return self._closing.is_set()

    def truncate(self, size: int) -> None:
        """Cut the file after `size` bytes."""
        with self._mutex:
            os.ftruncate(self._file, size)
            self._size = size
            self._dirty = True

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write one entry and hand it to the operating system at once.

        Raises:
            RecordError: `record-write`, when the disk refuses; the file then ends before the entry.
        """
        data = encode_entry(entry)
        with self._mutex:
            if self._closing.is_set():
                raise RecordError(
                    f"{self.path} is closed",
                    code="record-closed",
                    hint="reopen the record before adding to it",
                )
            try:
                if self._failure is not None:
                    raise self._failure
                self._write(data)
            except OSError as error:
                raise write_error(self.path, error) from error
            self._size += len(data)
            self._dirty = True

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            os.ftruncate(self._file, self._size)
            raise

    def close(self) -> None:
        """Sync, unlock and close. Harmless when already closed."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._syncer.join()
        with self._mutex:
            try:
                os.fsync(self._file)
            finally:
                os.close(self._file)
                self._unlock()

    def _sync_regularly(self) -> None:
        while not self._closing.wait(SYNC_INTERVAL_S):
            with self._mutex:
                dirty, self._dirty = self._dirty, False
            if dirty:
                try:
                    os.fsync(self._file)
                except OSError as error:
                    # The kernel reports a lost write only once, here: the next append raises it.
                    self._failure = error
                    return


def write_error(path: Path, cause: OSError) -> RecordError:
    """Return the error for a part of a record that the disk refuses."""
    return RecordError(
        f"{path} could not be written: {cause.strerror}",
        code="record-write",
        hint="free some space or check the disk",
    )


@contextmanager
def writing_record(folder: Path) -> Iterator[None]:
    """Turn an OSError in the block into a RecordError `record-write`."""
    try:
        yield
    except OSError as error:
        raise write_error(folder, error) from error


def sync_folder(folder: Path) -> None:
    """Make a rename or a new file in `folder` survive a power cut, where the system can."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _lock(descriptor: int, path: Path) -> Callable[[], None]:
    """Lock a journal and return what ends the lock, apart from closing the file."""
    try:
        return lock_file(descriptor, path)
    except (BlockingIOError, PermissionError, FileExistsError) as error:
        pid = _writer_pid(path)
        hint = "wait until that run has ended, or record into another folder"
        if isinstance(error, FileExistsError):
            hint += f"; if that process has ended, delete {lock_path(path)}"
        raise RecordError(
            f"{path.parent} is being recorded by process {pid if pid else '(unknown)'}",
            code="record-busy",
            hint=hint,
        ) from error
    except OSError as error:
        raise RecordError(
            f"{path.parent} is on a file system without locks: {error.strerror}",
            code="record-lock",
            hint="record into a folder on a local disk",
        ) from error


def _writer_pid(path: Path) -> int | None:
    for entry in reversed(read_journal(path).entries):
        pid = entry.get("pid")
        if isinstance(pid, int):
            return pid
    return None
