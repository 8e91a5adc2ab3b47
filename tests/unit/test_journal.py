"""The journal file: whole entries survive damage to the rest."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pressloop.errors import RecordError
from pressloop.record import file_lock, journal
from pressloop.record.file_lock import is_locked
from pressloop.record.journal import JournalWriter, UnreadableBytes, encode_entry, read_journal
from pressloop.record.pending import grew_lately
from pressloop.wire.schema import RECORD_SIZE

ENTRIES: list[dict[str, Any]] = [
    {"kind": "header", "schema_version": 1, "name": "x"},
    {"kind": "telemetry", "first": 7, "records": bytes(range(3 * RECORD_SIZE))},
    # A payload that looks like the head of an entry must not start one.
    {
        "kind": "event",
        "event": "note",
        "unix_time_second": 1.5,
        "bytes": b"\x82\x1a\x00\x00\x00\x00\x5a\x00\x00\x00\x01",
    },
    {"kind": "end", "end_reason": "completed"},
]
PIECES = [encode_entry(entry) for entry in ENTRIES]


def write(folder: Path, data: bytes) -> Path:
    path = folder / "run.journal"
    path.write_bytes(data)
    return path


def test_any_cbor_reader_can_read_it() -> None:
    stream = io.BytesIO(b"".join(PIECES))
    decoder = cbor2.CBORDecoder(stream)
    payloads = [decoder.decode()[1] for _ in ENTRIES]
    assert [cbor2.loads(payload) for payload in payloads] == ENTRIES


def test_cut_at_every_byte_it_yields_the_entries_before_the_cut(tmp_path: Path) -> None:
    data = b"".join(PIECES)
    ends = [sum(map(len, PIECES[: n + 1])) for n in range(len(PIECES))]
    for cut in range(len(data) + 1):
        contents = read_journal(write(tmp_path, data[:cut]))
        whole = sum(end <= cut for end in ends)
        end = ([0] + ends)[whole]
        assert contents.entries == ENTRIES[:whole]
        assert contents.end == end
        assert contents.unreadable == ([UnreadableBytes(end, cut - end)] if cut > end else [])


@given(st.data())
def test_a_damaged_entry_loses_no_other(tmp_path_factory: Any, data: st.DataObject) -> None:
    victim = data.draw(st.integers(0, len(PIECES) - 1))
    position = data.draw(st.integers(0, len(PIECES[victim]) - 1))
    change = data.draw(st.integers(1, 255))
    piece = bytearray(PIECES[victim])
    piece[position] ^= change
    pieces = [*PIECES[:victim], bytes(piece), *PIECES[victim + 1 :]]
    contents = read_journal(write(tmp_path_factory.mktemp("journal"), b"".join(pieces)))
    assert contents.entries == ENTRIES[:victim] + ENTRIES[victim + 1 :]
    assert sum(damage.length for damage in contents.unreadable) == len(piece)


def test_zeros_that_a_power_cut_left_are_unreadable(tmp_path: Path) -> None:
    contents = read_journal(write(tmp_path, b"".join(PIECES) + bytes(500)))
    assert contents.entries == ENTRIES
    assert [damage.length for damage in contents.unreadable] == [500]


def test_an_entry_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    writer = JournalWriter(path, create=True)
    for number, entry in enumerate(ENTRIES):
        writer.append(entry)
        assert read_journal(path).entries == ENTRIES[: number + 1]
    writer.close()


def test_a_full_disk_is_an_error_and_leaves_no_torn_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.journal"
    writer = JournalWriter(path, create=True)
    writer.append(ENTRIES[0])
    write_bytes = os.write
    calls = []

    def half_then_full(descriptor: int, data: memoryview) -> int:
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half_then_full)
    with pytest.raises(RecordError, match="No space left") as refusal:
        writer.append(ENTRIES[1])
    assert refusal.value.code == "record-write"
    monkeypatch.undo()
    writer.append(ENTRIES[2])
    writer.close()
    contents = read_journal(path)
    assert contents.entries == [ENTRIES[0], ENTRIES[2]]
    assert contents.unreadable == []


def test_a_write_that_the_disk_lost_later_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(journal, "SYNC_INTERVAL_S", 0.001)
    writer = JournalWriter(tmp_path / "run.journal", create=True)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", lost)
        writer.append(ENTRIES[0])
        writer._syncer.join(10)
    with pytest.raises(RecordError, match="Input/output error"):
        writer.append(ENTRIES[1])
    writer.close()


def test_a_second_writer_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    first = JournalWriter(path, create=True)
    first.append({"kind": "header", "schema_version": 1, "pid": 4711})
    with pytest.raises(RecordError, match="4711") as refusal:
        JournalWriter(path, create=False)
    assert refusal.value.code == "record-busy"
    first.close()
    JournalWriter(path, create=False).close()


WRITER = """
import sys, time
from pathlib import Path
from pressloop.record.journal import JournalWriter
writer = JournalWriter(Path(sys.argv[1]), create=True)
writer.append({"kind": "header", "schema_version": 1, "pid": 1})
print("written", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_the_lock_of_a_killed_writer_is_gone_and_its_entries_are_not(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    process = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline() == b"written\n"
        with pytest.raises(RecordError, match="being recorded"):
            JournalWriter(path, create=False)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
    JournalWriter(path, create=False).close()
    assert len(read_journal(path).entries) == 1


def test_looking_whether_a_journal_is_written_disturbs_no_writer(tmp_path: Path) -> None:
    """A program that plots runs looks all the time; others start, continue and finalise theirs."""
    path = tmp_path / "run.journal"
    JournalWriter(path, create=True).close()
    stop = threading.Event()
    looks: list[bool | None] = []

    def look() -> None:
        while not stop.is_set():
            looks.append(is_locked(path))

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(300):
            descriptor = os.open(path, os.O_RDWR)
            file_lock.lock_file(descriptor, path)
            assert is_locked(path)
            os.close(descriptor)
    finally:
        stop.set()
        for looker in lookers:
            looker.join()
    assert looks
    assert is_locked(path) is False


@pytest.mark.skipif(sys.platform == "win32", reason="needs flock")
def test_a_writer_waits_for_one_that_looks_and_not_for_a_writer(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    path = tmp_path / "run.journal"
    JournalWriter(path, create=True).close()
    with path.open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        timer = threading.Timer(0.2, looking.close)
        timer.start()
        writer = JournalWriter(path, create=False)
        timer.join()
    with pytest.raises(RecordError, match="being recorded"):
        JournalWriter(path, create=False)
    writer.close()


def test_a_journal_that_cannot_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.journal"
    assert is_locked(path) is False
    JournalWriter(path, create=True).close()

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    if file_lock._fcntl is not None:  # as on a network file system without a lock service
        monkeypatch.setattr(file_lock._fcntl, "flock", no_locks)
        assert is_locked(path) is None
    assert grew_lately(tmp_path)
    for name in ("run.journal", "run.recent-1"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1, 1))
    assert not grew_lately(tmp_path)
    os.utime(tmp_path / "run.recent-1")
    assert grew_lately(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs modes of files")
def test_a_journal_of_another_user_that_may_only_be_read_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    writer = JournalWriter(path, create=True)
    path.chmod(0o444)
    assert is_locked(path) is True
    writer.close()
    assert is_locked(path) is False


def test_a_folder_without_a_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no run record") as refusal:
        read_journal(tmp_path / "run.journal")
    assert refusal.value.code == "no-record"
