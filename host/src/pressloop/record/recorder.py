"""Records a run while it lasts."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from pressloop.errors import RecordError
from pressloop.record.columns import DERIVED_NAMES, TRUTH_NAME
from pressloop.record.entries import (
    header_of,
    intervals_of,
    refuse_ended,
    telemetry_batches,
)
from pressloop.record.entry_form import EntryKind
from pressloop.record.journal import (
    JOURNAL_NAME,
    JournalWriter,
    read_journal,
    sync_folder,
    writing_record,
)
from pressloop.record.model import BatchSource, EventKind, RunEnd, RunEvent, RunHeader, RunStart
from pressloop.record.pending import PENDING_NAMES
from pressloop.record.sequence_ranges import SequenceRanges
from pressloop.record.telemetry_writer import TelemetryWriter
from pressloop.wire.schema import RECORD_SIZE


class RunRecorder:
    """Appends to the record of a run while it lasts. All methods may be called from any thread.

    Every call has given its data to the operating system when it returns, so a killed host loses
    nothing that was recorded. End a record with `close(end)`. Leaving the `with` block without it
    keeps the record open, and it reads as interrupted.
    """

    def __init__(
        self, journal: JournalWriter, header: RunHeader, held: SequenceRanges, truth: Path | None
    ) -> None:
        """Use `create` or `reopen`."""
        self._journal = journal
        self._telemetry = TelemetryWriter(journal, header, held, truth)
        self.header = header
        self.directory = journal.path.parent

    @classmethod
    def create(
        cls,
        directory: str | Path,
        header: RunHeader,
        *,
        overwrite: bool = False,
        truth: Path | None = None,
    ) -> RunRecorder:
        """Begin a record, before the press moves.

        Args:
            directory: Folder of this one record; made if it is missing.
            header: All that is known now.
            overwrite: Replace a record that is there, unless it is being written.
            truth: Where an emulated press writes its true state.

        Raises:
            RecordError: `record-exists`, `record-busy`, or `record-lock`.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / JOURNAL_NAME
        present = [name for name in (JOURNAL_NAME, *DERIVED_NAMES) if (folder / name).exists()]
        if present and not overwrite:
            raise _already_there(folder, present)
        try:
            journal = JournalWriter(path, create=not path.exists())
        except FileExistsError as error:
            raise _already_there(folder, [JOURNAL_NAME]) from error
        try:
            journal.truncate(0)
            _remove(folder, *DERIVED_NAMES, *PENDING_NAMES, TRUTH_NAME)
            journal.append({"kind": EntryKind.HEADER, "pid": os.getpid(), **header.model_dump()})
            sync_folder(folder)
        except BaseException:
            journal.close()
            raise
        return cls(journal, header, SequenceRanges(), truth)

    @classmethod
    def reopen(cls, directory: str | Path, *, truth: Path | None = None) -> RunRecorder:
        """Continue a record whose host died; a torn entry at its end is cut off.

        Results that were derived from the unfinished record are removed, because they are out of
        date.

        Args:
            directory: Folder of the record.
            truth: Where an emulated press writes its true state.

        Raises:
            RecordError: `no-record`, `record-busy`, `record-damaged` or `record-ended`.
        """
        path = Path(directory) / JOURNAL_NAME
        if not path.exists():
            read_journal(path)  # raises no-record
        journal = JournalWriter(path, create=False)
        try:
            contents = read_journal(path)
            header = header_of(contents, path)
            refuse_ended(contents, path.parent)
            torn = path.stat().st_size - contents.end
            if torn:
                journal.truncate(contents.end)
            held = SequenceRanges()
            for interval in intervals_of(contents):
                held.add(interval.first, interval.count)
            for batch in telemetry_batches(contents):
                held.add(batch.first, len(batch.records) // RECORD_SIZE)
            _remove(path.parent, *DERIVED_NAMES)
            recorder = cls(journal, header, held, truth)
            recorder._telemetry.adopt_pending()
            recorder._event("reattached", None, {"torn_bytes": torn}, pid=os.getpid())
        except BaseException:
            journal.close()
            raise
        return recorder

    def started(self, run_first: int, start_tick: int) -> None:
        """Record the board's answer to start: first sequence number of the run, device clock."""
        start = RunStart(unix_time_second=time.time(), run_first=run_first, start_tick=start_tick)
        self._journal.append({"kind": EntryKind.START, **start.model_dump()})

    def telemetry(self, first: int, records: bytes, source: BatchSource = "live") -> None:
        """Record a batch as received; batches may repeat, overlap and come in any order.

        Args:
            first: Sequence number of the first record.
            records: Packed telemetry records.
            source: How the batch came.

        Raises:
            RecordError: `record-layout`, when `records` is not a whole number of records;
                `record-write`, when the disk refuses.
        """
        with writing_record(self.directory):
            self._telemetry.write(first, records, source)

    def event(self, kind: EventKind, *, tick: int | None = None, **data: Any) -> None:
        """Record what happened besides the telemetry.

        Args:
            kind: What happened.
            tick: Device clock, if known.
            data: What explains it, such as `by="operator"` or `text=...`.
        """
        self._event(kind, tick, data)

    def _event(
        self, kind: EventKind, tick: int | None, data: Mapping[str, Any], **extra: int
    ) -> None:
        event = RunEvent(unix_time_second=time.time(), kind=kind, tick=tick, data=dict(data))
        # The entry has a `kind` of its own.
        entry = {**event.model_dump(), "kind": EntryKind.EVENT, "event": event.kind, **extra}
        self._journal.append(entry)

    @property
    def held(self) -> list[tuple[int, int]]:
        """Sequence numbers in the record, as inclusive ranges (first, last)."""
        return self._telemetry.held

    def gaps(self, run_first: int, next_seq: int) -> list[tuple[int, int]]:
        """Return what is missing among `run_first` .. `next_seq - 1`, as inclusive ranges."""
        return self._telemetry.gaps(run_first, next_seq)

    def close(self, end: RunEnd | None = None) -> None:
        """Write how the run ended, sync and close the record.

        Without `end` the record has no end: `reopen` may continue it.

        Raises:
            RecordError: `record-write`, when the disk refuses; the record is closed all the same.
        """
        with writing_record(self.directory), ExitStack() as steps:
            # Each step is done even if those before it failed; the last one comes first here.
            steps.callback(self._journal.close)
            steps.callback(self._telemetry.close)
            if end is not None:
                steps.callback(self._journal.append, {"kind": EntryKind.END, **end.model_dump()})
            self._telemetry.flush()

    def fetch_truth(self) -> None:
        """Copy the true state that the emulated press has written so far into the record."""
        with writing_record(self.directory):
            self._telemetry.copy_truth()

    def __enter__(self) -> RunRecorder:
        """Record within a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the record; without an end, if it was not closed before."""
        self.close()


def _already_there(folder: Path, present: Sequence[str]) -> RecordError:
    return RecordError(
        f"{folder} already holds a run record ({', '.join(present)})",
        code="record-exists",
        hint="choose another folder, or allow overwriting: --overwrite, or overwrite=True",
    )


def _remove(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
