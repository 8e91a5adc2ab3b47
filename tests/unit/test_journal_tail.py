"""A journal that is read while it grows: every whole entry once, from any position."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pressloop.errors import RecordError
from pressloop.record.journal import encode_entry
from pressloop.record.journal_tail import JournalTail


def note(number: int, size: int = 0) -> dict[str, Any]:
    return {"kind": "later", "number": number, "filling": b"x" * size}


def numbers(tail: JournalTail) -> list[int]:
    return [one.content["number"] for one in tail.read()]


def test_an_entry_that_is_half_written_comes_later_and_once(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    whole = encode_entry(note(1))
    for cut in range(1, len(whole)):
        path.write_bytes(encode_entry(note(0)) + whole[:cut])
        tail = JournalTail(path)
        assert numbers(tail) == [0]
        assert numbers(tail) == []
        path.write_bytes(encode_entry(note(0)) + whole)
        assert numbers(tail) == [1]
        assert tail.position == path.stat().st_size


def test_a_position_continues_where_it_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    path.write_bytes(b"".join(encode_entry(note(number)) for number in range(10)))
    for entry in JournalTail(path).read():
        rest = numbers(JournalTail(path, entry.stop))
        assert rest == list(range(entry.content["number"] + 1, 10))


def test_damaged_bytes_are_skipped_like_when_the_whole_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    path.write_bytes(encode_entry(note(0)) + bytes(50) + encode_entry(note(1)))
    assert numbers(JournalTail(path)) == [0, 1]


def test_a_file_of_many_megabytes_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    entries = [encode_entry(note(number, 100_000)) for number in range(40)]
    entries.insert(20, bytes(3_000_000))
    path.write_bytes(b"".join(entries))
    tail, found, reads = JournalTail(path), [], 0
    while tail.position < path.stat().st_size and reads < 100:
        found += numbers(tail)
        reads += 1
    assert found == list(range(40))
    assert reads > 4


def test_a_journal_that_was_replaced_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    path.write_bytes(encode_entry(note(0, 100)))
    tail = JournalTail(path)
    tail.read()
    path.write_bytes(encode_entry(note(0)))
    with pytest.raises(RecordError) as replaced:
        tail.read()
    assert replaced.value.code == "record-replaced"
    with pytest.raises(RecordError):
        JournalTail(tmp_path / "other").read()
