"""Records a run while it lasts."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pressloop.errors import RecordError
from pressloop.record.columns import INTERVALS_NAME, SUMMARY_NAME, TELEMETRY_NAME, TRUTH_NAME
from pressloop.record.entries import (
    EntryKind,
    header_of,
    interval_entry,
    intervals_of,
    refuse_ended,
    telemetry_batches,
)
from pressloop.record.journal import JOURNAL_NAME, JournalWriter, read_journal, sync_folder
from pressloop.record.model import BatchSource, EventKind, RunEnd, RunEvent, RunHeader, RunStart
from pressloop.record.pending import PENDING_NAMES, PendingRecords, read_pending
from pressloop.record.sequence_ranges import SequenceRanges
from pressloop.record.thinning import RawBatch, RecordPiece, Thinner
from pressloop.record.truth_copy import TruthCopy
from pressloop.wire.schema import RECORD_FORMAT, RECORD_SIZE

_DERIVED: Final = (SUMMARY_NAME, TELEMETRY_NAME, INTERVALS_NAME)
_MAX_BYTES: Final = 1000 * RECORD_SIZE
"""Of one journal entry: a torn tail costs one entry."""

_MAX_TRUTH_WAITS: Final = 200_000 * RECORD_SIZE
"""Bytes of records kept whole, after which their truth is moved, too."""

_TICK: Final = struct.Struct(RECORD_FORMAT[:2])


class RunRecorder:
    """The append-only side of a run record. All methods may be called from any thread.

    Every call is in the operating system's hands when it returns, so a killed host loses nothing
    that was recorded. Leave with `close(end)`; leaving the `with` block without it keeps the
    record open-ended, and it reads as interrupted.
    """

    def __init__(
        self, writer: JournalWriter, header: RunHeader, held: SequenceRanges, truth: Path | None
    ) -> None:
        """Use `create` or `reopen`."""
        self._writer = writer
        self._held = held
        self._mutex = threading.Lock()
        self.header = header
        self.directory = writer.path.parent
        self._recent = PendingRecords(self.directory)
        self._truth = None if truth is None else TruthCopy(truth, self.directory / TRUTH_NAME)
        self._truth_waits = 0
        self._thinner: Thinner | None = None
        if header.thinning is not None:
            self._thinner = Thinner(
                header.steps,
                header.record_interval_s,
                header.thinning,
                None if self._truth is None else self._truth.interval,
            )

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
            directory: Made if need be; holds one record.
            header: All that is known now.
            overwrite: Replace the record that is there, unless it is being written.
            truth: Where an emulated press writes its true state.

        Raises:
            RecordError: `record-exists`, `record-busy`, or `record-lock`.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / JOURNAL_NAME
        present = [name for name in (JOURNAL_NAME, *_DERIVED) if (folder / name).exists()]
        if present and not overwrite:
            raise _already_there(folder, present)
        try:
            writer = JournalWriter(path, create=not path.exists())
        except FileExistsError as error:
            raise _already_there(folder, [JOURNAL_NAME]) from error
        try:
            writer.truncate(0)
            _remove(folder, *_DERIVED, *PENDING_NAMES, TRUTH_NAME)
            writer.append({"kind": EntryKind.HEADER, "pid": os.getpid(), **header.model_dump()})
            sync_folder(folder)
        except BaseException:
            writer.close()
            raise
        return cls(writer, header, SequenceRanges(), truth)

    @classmethod
    def reopen(cls, directory: str | Path, *, truth: Path | None = None) -> RunRecorder:
        """Go on with a record whose host died: cut the torn tail, remember what is held.

        Results that were derived from the unfinished record are removed, for they are out of date.

        Raises:
            RecordError: `no-record`, `record-busy`, `record-damaged` or `record-ended`.
        """
        path = Path(directory) / JOURNAL_NAME
        if not path.exists():
            read_journal(path)  # raises no-record
        writer = JournalWriter(path, create=False)
        try:
            contents = read_journal(path)
            header = header_of(contents, path)
            refuse_ended(contents, path.parent)
            torn = path.stat().st_size - contents.end
            if torn:
                writer.truncate(contents.end)
            held = SequenceRanges()
            for interval in intervals_of(contents):
                held.add(interval.first, interval.count)
            for batch in telemetry_batches(contents):
                held.add(batch.first, len(batch.records) // RECORD_SIZE)
            _remove(path.parent, *_DERIVED)
            recorder = cls(writer, header, held, truth)
            recorder._adopt_recent(path)
            recorder._event("reattached", None, {"torn_bytes": torn}, pid=os.getpid())
        except BaseException:
            writer.close()
            raise
        return recorder

    def started(self, run_first: int, start_tick: int) -> None:
        """Record the board's answer to start: first sequence number of the run, device clock."""
        start = RunStart(unix_time_second=time.time(), run_first=run_first, start_tick=start_tick)
        self._writer.append({"kind": EntryKind.START, **start.model_dump()})

    def telemetry(self, first: int, records: bytes, source: BatchSource = "live") -> None:
        """Record a batch exactly as received; batches may repeat, overlap and come in any order.

        Args:
            first: Sequence number of the first record.
            records: Packed telemetry records.
            source: How the batch came.

        Raises:
            RecordError: `record-layout`, when `records` is not a whole number of records;
                `record-write`, when the disk refuses.
        """
        count, rest = divmod(len(records), RECORD_SIZE)
        if rest:
            raise RecordError(
                f"batch {first} has {len(records)} bytes, not a multiple of {RECORD_SIZE}",
                code="record-layout",
                hint="board and host disagree on the telemetry record: compare schema hashes",
            )
        if count == 0:
            return
        with self._mutex:
            if self._thinner is None:
                self._keep(RawBatch(first, records), source)
            else:
                undecided = self._thinner.undecided.start
                pieces = self._thinner.take(first, records)
                if first + count == self._thinner.undecided.stop and self._thinner.undecided:
                    self._recent.append(first, records, time.time(), undecided)
                for piece in pieces:
                    self._keep(piece, source)
            self._held.add(first, count)

    def _keep(self, piece: RecordPiece, source: BatchSource) -> None:
        """Write what was decided into the journal."""
        if isinstance(piece, RawBatch):
            for at in range(0, len(piece.records), _MAX_BYTES):
                self._writer.append(
                    {
                        "kind": EntryKind.TELEMETRY,
                        "first": piece.first + at // RECORD_SIZE,
                        "records": piece.records[at : at + _MAX_BYTES],
                        "record_size": RECORD_SIZE,
                        "unix_time_second": time.time(),
                        "source": source,
                    }
                )
            self._truth_waits += len(piece.records)
            if self._truth is not None and self._thinner and self._truth_waits > _MAX_TRUTH_WAITS:
                self._truth.move_before(_TICK.unpack_from(piece.records)[0])
                self._truth_waits = 0
            return
        self._writer.append(interval_entry(piece))
        if self._truth is not None:
            # Behind the journal: what is in neither yet is still in the board's own file.
            self._truth.append(piece.truth_rows)
            self._truth_waits = 0

    def _adopt_recent(self, journal: Path) -> None:
        """Take what a killed host had not decided on into the journal."""
        for batch in telemetry_batches(read_pending(journal)):
            stop = batch.first + len(batch.records) // RECORD_SIZE
            for first, last in self._held.gaps(batch.first, stop):
                low, high = (RECORD_SIZE * (n - batch.first) for n in (first, last + 1))
                self._keep(RawBatch(first, batch.records[low:high]), "live")
                self._held.add(first, last - first + 1)
        self._recent.discard()

    def event(self, kind: EventKind, *, tick: int | None = None, **data: Any) -> None:
        """Record what happened besides the telemetry.

        Args:
            kind: What happened.
            tick: Device clock, if known.
            data: Whatever explains it, such as `by="operator"` or `text=...`.
        """
        self._event(kind, tick, data)

    def _event(
        self, kind: EventKind, tick: int | None, data: Mapping[str, Any], **extra: int
    ) -> None:
        event = RunEvent(unix_time_second=time.time(), kind=kind, tick=tick, data=dict(data))
        # The entry's own `kind` is taken.
        entry = {**event.model_dump(), "kind": EntryKind.EVENT, "event": event.kind, **extra}
        self._writer.append(entry)

    @property
    def held(self) -> list[tuple[int, int]]:
        """Sequence numbers in the record, as inclusive ranges (first, last)."""
        with self._mutex:
            return self._held.ranges()

    def gaps(self, run_first: int, next_seq: int) -> list[tuple[int, int]]:
        """What is missing among `run_first` .. `next_seq - 1`, as inclusive ranges."""
        with self._mutex:
            return self._held.gaps(run_first, next_seq)

    def close(self, end: RunEnd | None = None) -> None:
        """Write how the run ended, sync and let go of the record.

        Without `end` the record stays open-ended: `reopen` may continue it.
        """
        try:
            self._settle()
            if end is not None:
                self._writer.append({"kind": EntryKind.END, **end.model_dump()})
        finally:
            self._recent.close()
            self._writer.close()

    def _settle(self) -> None:
        """Keep whole what is not decided yet."""
        with self._mutex:
            if self._thinner is not None and not self._writer.closed:
                for piece in self._thinner.flush():
                    self._keep(piece, "live")
                self._recent.discard()

    def fetch_truth(self) -> None:
        """Copy the true state that the emulated press has written so far into the record."""
        if self._truth is not None:
            with self._mutex:
                self._truth.copy_rest()
                self._truth.close()

    def __enter__(self) -> RunRecorder:
        """Record within a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the record."""
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
