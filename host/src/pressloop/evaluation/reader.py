"""Reads the record of a run, finalised or not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pressloop.arguments import path_argument
from pressloop.errors import RecordError
from pressloop.evaluation.evaluate import evaluate
from pressloop.evaluation.manifest import compare_files, read_manifest
from pressloop.evaluation.summary import RunSummary, read_summary
from pressloop.evaluation.truth import truth_in
from pressloop.extras import DataFrame
from pressloop.record.columns import INTERVALS_NAME, MANIFEST_NAME, SUMMARY_NAME, TELEMETRY_NAME
from pressloop.record.file_lock import is_locked
from pressloop.record.journal import JOURNAL_NAME
from pressloop.record.model import INTERRUPTED, RunEvent, RunHeader
from pressloop.record.pending import grew_lately, read_record

_FINALISED: Final = (SUMMARY_NAME, TELEMETRY_NAME, INTERVALS_NAME)


class RunRecord:
    """The record of a run that has ended, is still being recorded, or was cut off."""

    def __init__(
        self, directory: Path, summary: RunSummary, table: Any | None, intervals: Any | None
    ) -> None:
        """Use `open`."""
        self.directory = directory
        self.summary = summary
        self._table = table
        self._intervals = intervals

    @classmethod
    def open(cls, directory: str | Path) -> RunRecord:
        """Open a record; without `run.json` the journal is evaluated, in memory.

        So it is when `run.json` or a table does not match its checksum: the journal is the record,
        and a warning in the summary says which file is damaged.

        Raises:
            RecordError: `no-record`, `record-damaged` or `record-version`.
        """
        folder = path_argument(directory, "directory")
        damage: str | None = None
        if (folder / SUMMARY_NAME).exists() and (folder / TELEMETRY_NAME).exists():
            try:
                return cls(folder, _finalised_summary(folder), None, None)
            except ValueError as error:
                damage = str(error)
        journal = folder / JOURNAL_NAME
        if damage is not None and not journal.exists():
            raise RecordError(
                f"{folder}: {damage}, and the journal that it was made from is not there",
                code="record-damaged",
                hint=f"restore {JOURNAL_NAME} or the damaged file from a copy",
            )
        result = evaluate(read_record(journal), journal, truth_in(folder))
        summary = result.summary
        if damage is not None:
            warning = f"{damage}; this result was evaluated again from the journal"
            summary = summary.model_copy(update={"warnings": (warning, *summary.warnings)})
        return cls(folder, summary, result.telemetry, result.intervals)

    @property
    def header(self) -> RunHeader:
        """What was known before the press moved: protocol, plan, board, profile."""
        return self.summary.header

    @property
    def events(self) -> tuple[RunEvent, ...]:
        """What happened besides the telemetry, in the order of recording."""
        return self.summary.events

    @property
    def in_progress(self) -> bool:
        """Whether a living program is recording the run at this moment; looking disturbs none.

        Where locks cannot be seen, a record that has grown within a quarter of a minute counts.
        """
        if self.summary.end_reason != INTERRUPTED:
            return False
        locked = is_locked(self.directory / JOURNAL_NAME)
        return grew_lately(self.directory) if locked is None else locked

    def table(self, columns: Sequence[str] | None = None) -> Any:
        """Return the telemetry as a `pyarrow.Table`.

        Args:
            columns: Names of the columns to read, of which those that exist are; None: all.
        """
        path = self.directory / TELEMETRY_NAME
        if columns is None:
            if self._table is None:
                self._table = pq.read_table(path)
            return self._table
        present = pq.read_schema(path) if self._table is None else self._table.schema
        names = [name for name in columns if name in present.names]
        if self._table is None:
            return pq.read_table(path, columns=names)
        return self._table.select(names)

    def intervals(self) -> Any | None:
        """Return the thinned intervals as a `pyarrow.Table`; None when every record is kept."""
        if self._intervals is None and self.summary.thinned is not None:
            self._intervals = pq.read_table(self.directory / INTERVALS_NAME)
        return self._intervals

    def frame(self) -> DataFrame:
        """Return the telemetry as a pandas data frame; "no step" is `<NA>`.

        One row per record that is kept, in the order of time. Columns have their unit in the name;
        docs/run-record.md lists them.
        """
        return self._frame.copy()

    @cached_property
    def _frame(self) -> DataFrame:
        import pandas as pd  # optional, and slow to import: only when a frame is asked for

        nullable = {pa.uint8(): pd.UInt8Dtype()}
        frame: DataFrame = self.table().to_pandas(types_mapper=nullable.get)
        return frame


def _finalised_summary(folder: Path) -> RunSummary:
    """Return the content of `run.json` after a comparison of the derived files with the manifest.

    A record without a manifest, of an older version, is not compared; its tables must be readable.

    Raises:
        ValueError: A file is damaged; the text says which.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        _read_all_pages(folder)
    else:
        for name, state in compare_files(folder, manifest, _FINALISED).items():
            if state != "ok":
                raise ValueError(f"{name} is {state} by {MANIFEST_NAME}")
    return read_summary(folder)


def _read_all_pages(folder: Path) -> None:
    for name in (TELEMETRY_NAME, INTERVALS_NAME):
        if (folder / name).exists():
            try:
                pq.read_table(folder / name, page_checksum_verification=True)
            except (pa.ArrowException, OSError, ValueError) as error:
                raise ValueError(f"{name} is damaged") from error
