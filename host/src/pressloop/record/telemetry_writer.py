"""Writes the telemetry of a run into its record: thinned, with nothing lost while it is undecided.

Telemetry goes into the journal, whole or as intervals; records that are not decided on yet go into
the pending files, and the true state of an emulated press into the record's truth file.
"""

from __future__ import annotations

import struct
import threading
import time
from pathlib import Path
from typing import Final

from pressloop.errors import RecordError
from pressloop.record.columns import TRUTH_NAME
from pressloop.record.entries import interval_entry, telemetry_batches
from pressloop.record.entry_form import EntryKind
from pressloop.record.journal import JournalWriter
from pressloop.record.model import BatchSource, RunHeader
from pressloop.record.pending import PendingRecords, read_pending
from pressloop.record.sequence_ranges import SequenceRanges
from pressloop.record.thinning import RawBatch, RecordPiece, Thinner
from pressloop.record.truth_copy import TruthCopy
from pressloop.wire.schema import RECORD_FORMAT, RECORD_SIZE

_MAX_ENTRY_BYTES: Final = 1000 * RECORD_SIZE
"""Of the records in one journal entry: a torn tail costs one entry."""

_MAX_UNCOPIED_BYTES: Final = 200_000 * RECORD_SIZE
"""Of records kept whole, before their true state is copied, too."""

_TICK: Final = struct.Struct(RECORD_FORMAT[:2])


class TelemetryWriter:
    """Takes batches of telemetry and writes what the record keeps of them.

    All methods may be called from any thread.
    """

    def __init__(
        self, journal: JournalWriter, header: RunHeader, held: SequenceRanges, truth: Path | None
    ) -> None:
        """Write nothing yet.

        Args:
            journal: Of the record.
            header: Of the run, with its rules of thinning.
            held: Sequence numbers that the record holds already.
            truth: Where an emulated press writes its true state.
        """
        folder = journal.path.parent
        self._journal = journal
        self._held = held
        self._mutex = threading.Lock()
        self._pending = PendingRecords(folder)
        self._truth = None if truth is None else TruthCopy(truth, folder / TRUTH_NAME)
        self._uncopied_bytes = 0
        self._thinner: Thinner | None = None
        if header.thinning is not None:
            self._thinner = Thinner(
                header.steps,
                header.record_interval_s,
                header.thinning,
                None if self._truth is None else self._truth.interval,
            )

    @property
    def held(self) -> list[tuple[int, int]]:
        """Sequence numbers in the record, as inclusive ranges (first, last)."""
        with self._mutex:
            return self._held.ranges()

    def gaps(self, first: int, stop: int) -> list[tuple[int, int]]:
        """Return what is missing among `first` .. `stop - 1`, as inclusive ranges."""
        with self._mutex:
            return self._held.gaps(first, stop)

    def write(self, first: int, records: bytes, source: BatchSource) -> None:
        """Write a batch as received.

        Args:
            first: Sequence number of the first record.
            records: Packed telemetry records.
            source: How the batch came.

        Raises:
            RecordError: `record-layout`, when `records` is not a whole number of records;
                `record-write`, when the disk refuses.
        """
        count, surplus = divmod(len(records), RECORD_SIZE)
        if surplus:
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
                    self._pending.append(first, records, time.time(), undecided)
                for piece in pieces:
                    self._keep(piece, source)
            self._held.add(first, count)

    def adopt_pending(self) -> None:
        """Write into the journal what was pending when an earlier host was killed."""
        with self._mutex:
            for batch in telemetry_batches(read_pending(self._journal.path)):
                stop = batch.first + len(batch.records) // RECORD_SIZE
                for first, last in self._held.gaps(batch.first, stop):
                    low, high = (RECORD_SIZE * (n - batch.first) for n in (first, last + 1))
                    self._keep(RawBatch(first, batch.records[low:high]), "live")
                    self._held.add(first, last - first + 1)
            self._pending.discard()

    def flush(self) -> None:
        """Write into the journal what is not decided on yet, whole."""
        with self._mutex:
            if self._thinner is not None and not self._journal.closed:
                for piece in self._thinner.flush():
                    self._keep(piece, "live")
                self._pending.discard()

    def copy_truth(self) -> None:
        """Copy the true state that the emulated press has written so far into the record."""
        if self._truth is not None:
            with self._mutex:
                self._truth.copy_rest()
                self._truth.close()

    def close(self) -> None:
        """Close the pending files."""
        self._pending.close()

    def _keep(self, piece: RecordPiece, source: BatchSource) -> None:
        """Write a piece into the journal, and the true state that belongs to it."""
        if isinstance(piece, RawBatch):
            self._keep_whole(piece, source)
            return
        self._journal.append(interval_entry(piece))
        if self._truth is not None:
            # After the journal: rows that are in neither file yet are still in the board's own.
            self._truth.append(piece.truth_rows)
            self._uncopied_bytes = 0

    def _keep_whole(self, piece: RawBatch, source: BatchSource) -> None:
        for at in range(0, len(piece.records), _MAX_ENTRY_BYTES):
            self._journal.append(
                {
                    "kind": EntryKind.TELEMETRY,
                    "first": piece.first + at // RECORD_SIZE,
                    "records": piece.records[at : at + _MAX_ENTRY_BYTES],
                    "unix_time_second": time.time(),
                    "source": source,
                }
            )
        self._uncopied_bytes += len(piece.records)
        if self._truth is not None and self._thinner and self._uncopied_bytes > _MAX_UNCOPIED_BYTES:
            self._truth.move_before(_TICK.unpack_from(piece.records)[0])
            self._uncopied_bytes = 0
