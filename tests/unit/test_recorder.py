"""Recording: what is held, what is missing, and how a record is continued after a crash."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pressloop.errors import RecordError
from pressloop.evaluation import RunRecord, finalise
from pressloop.record import RunRecorder
from pressloop.record.sequence_ranges import SequenceRanges
from pressloop.wire.schema import RECORD_SIZE

from tests.unit import synthetic_run

HEADER = synthetic_run.header()


def code_of(error: pytest.ExceptionInfo[RecordError]) -> str:
    return error.value.code


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=25),
    st.integers(0, 70),
    st.integers(0, 80),
)
def test_ranges_and_gaps_are_those_of_a_set(
    batches: list[tuple[int, int]], first: int, stop: int
) -> None:
    ranges = SequenceRanges()
    numbers: set[int] = set()
    for start, count in batches:
        ranges.add(start, count)
        numbers.update(range(start, start + count))
    held = ranges.ranges()
    assert {n for a, b in held for n in range(a, b + 1)} == numbers
    assert all(b + 1 < c for (_, b), (c, _) in itertools.pairwise(held))
    missing = ranges.gaps(first, stop)
    assert {n for a, b in missing for n in range(a, b + 1)} == set(range(first, stop)) - numbers
    assert all(b + 1 < c for (_, b), (c, _) in itertools.pairwise(missing))


def test_held_and_gaps_follow_what_was_recorded(tmp_path: Path) -> None:
    with RunRecorder.create(tmp_path, HEADER) as recorder:
        recorder.telemetry(110, bytes(10 * RECORD_SIZE))
        recorder.telemetry(100, bytes(5 * RECORD_SIZE), "backfill")
        recorder.telemetry(130, b"")
        assert recorder.held == [(100, 104), (110, 119)]
        assert recorder.gaps(98, 122) == [(98, 99), (105, 109), (120, 121)]


def test_half_a_record_is_refused(tmp_path: Path) -> None:
    with RunRecorder.create(tmp_path, HEADER) as recorder:
        with pytest.raises(RecordError, match="schema hashes") as refusal:
            recorder.telemetry(0, bytes(RECORD_SIZE + 1))
        assert code_of(refusal) == "record-layout"
        assert recorder.held == []


def test_a_record_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    RunRecorder.create(tmp_path, HEADER).close()
    finalise(tmp_path)
    with pytest.raises(RecordError, match=r"run\.journal, run\.json") as refusal:
        RunRecorder.create(tmp_path, HEADER)
    assert code_of(refusal) == "record-exists"
    RunRecorder.create(tmp_path, HEADER, overwrite=True).close()
    assert [path.name for path in tmp_path.iterdir()] == ["run.journal"]


def test_results_without_a_journal_are_not_overwritten_either(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RecordError) as refusal:
        RunRecorder.create(tmp_path, HEADER)
    assert code_of(refusal) == "record-exists"


def test_a_record_in_progress_is_never_overwritten(tmp_path: Path) -> None:
    with RunRecorder.create(tmp_path, HEADER) as first:
        with pytest.raises(RecordError) as refusal:
            RunRecorder.create(tmp_path, HEADER, overwrite=True)
        assert code_of(refusal) == "record-busy"
        first.event("note", text="still here")
    assert RunRecord.open(tmp_path).events[0].data == {"text": "still here"}


def test_reopening_cuts_the_torn_tail_and_remembers(tmp_path: Path) -> None:
    with RunRecorder.create(tmp_path, HEADER) as recorder:
        recorder.started(100, 7)
        recorder.telemetry(100, bytes(5 * RECORD_SIZE))
    journal = tmp_path / "run.journal"
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[:30])
    with RunRecorder.reopen(tmp_path) as recorder:
        assert recorder.header == HEADER
        assert recorder.held == [(100, 104)]
        recorder.telemetry(105, bytes(RECORD_SIZE))
    assert journal.read_bytes().startswith(whole)
    record = RunRecord.open(tmp_path)
    assert [event.kind for event in record.events] == ["reattached"]
    assert record.events[0].data == {"torn_bytes": 30}
    assert record.summary.gaps == ()
    assert record.summary.records == 6
    assert not any("not readable" in warning for warning in record.summary.warnings)


def test_reopening_removes_results_that_are_out_of_date(tmp_path: Path) -> None:
    RunRecorder.create(tmp_path, HEADER).close()
    assert finalise(tmp_path).end_reason == "interrupted"
    RunRecorder.reopen(tmp_path).close()
    assert not (tmp_path / "run.json").exists()
    assert not (tmp_path / "telemetry.parquet").exists()


def test_a_run_that_ended_is_not_reopened(tmp_path: Path) -> None:
    run = synthetic_run.SyntheticRun(HEADER, 100, 7)
    RunRecorder.create(tmp_path, HEADER).close(run.end())
    with pytest.raises(RecordError) as refusal:
        RunRecorder.reopen(tmp_path)
    assert code_of(refusal) == "record-ended"
    # The refusal has released the lock.
    finalise(tmp_path)


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, "no-record"), (b"", "record-damaged"), (b"x" * 40, "record-damaged")],
)
def test_a_record_that_cannot_be_reopened_is_an_error(
    tmp_path: Path, content: bytes | None, code: str
) -> None:
    if content is not None:
        (tmp_path / "run.journal").write_bytes(content)
    with pytest.raises(RecordError) as refusal:
        RunRecorder.reopen(tmp_path)
    assert code_of(refusal) == code
    assert content is None or (tmp_path / "run.journal").read_bytes() == content


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    newer = HEADER.model_copy(update={"schema_version": 3})
    RunRecorder.create(tmp_path, newer).close()
    with pytest.raises(RecordError, match="version 3") as refusal:
        RunRecord.open(tmp_path)
    assert code_of(refusal) == "record-version"


def test_nothing_is_recorded_after_the_end(tmp_path: Path) -> None:
    recorder = RunRecorder.create(tmp_path, HEADER)
    recorder.close()
    recorder.close()
    with pytest.raises(RecordError) as refusal:
        recorder.event("note")
    assert code_of(refusal) == "record-closed"


@pytest.mark.parametrize("field", ["end_reason", "fault"])
def test_none_is_no_end_reason_and_no_fault(field: str) -> None:
    with pytest.raises(ValueError, match="none"):
        synthetic_run.SyntheticRun(HEADER, 1, 1).end(**{field: "none"})
