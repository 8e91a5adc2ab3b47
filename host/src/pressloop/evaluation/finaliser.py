"""Writes `run.json`, `telemetry.parquet` and their checksums from the journal of a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from pressloop.evaluation.evaluate import evaluate
from pressloop.evaluation.manifest import describe_files
from pressloop.evaluation.summary import RunSummary
from pressloop.evaluation.table import write_parquet
from pressloop.evaluation.truth import truth_in
from pressloop.record.columns import (
    INTERVALS_NAME,
    MANIFEST_NAME,
    SIGNATURE_NAME,
    SUMMARY_NAME,
    TELEMETRY_NAME,
)
from pressloop.record.journal import JOURNAL_NAME, JournalWriter, sync_folder, writing_record
from pressloop.record.pending import read_record


def finalise(directory: str | Path, truth: str | Path | None = None) -> RunSummary:
    """Write `run.json` and `telemetry.parquet` from the journal, also from that of a killed host.

    Each appears whole or not at all: the tables, `run.json`, and last `manifest.json` with the
    checksums of all files. May be repeated.

    Args:
        directory: Folder of the record.
        truth: True state of the emulated press; by default `run.truth` in the folder, if there.

    Raises:
        RecordError: `no-record`, `record-damaged`, `record-version`, `no-truth`, or `record-busy`
            while the run is still being recorded; `record-write`, when the disk refuses.
    """
    folder = Path(directory)
    journal = folder / JOURNAL_NAME
    # Before the journal is locked, which needs a file: without one the error is `no-record`.
    read_record(journal)
    writer = JournalWriter(journal, create=False)
    with writing_record(folder), closing(writer):
        contents = read_record(journal)
        result = evaluate(contents, journal, truth_in(folder) if truth is None else Path(truth))
        # Without a manifest a reader does not compare files of which some are new and some old.
        (folder / MANIFEST_NAME).unlink(missing_ok=True)
        # A signature is of the old result, and does not fit the new one.
        (folder / SIGNATURE_NAME).unlink(missing_ok=True)
        _write_whole(folder / TELEMETRY_NAME, lambda path: write_parquet(result.telemetry, path))
        if result.intervals is not None:
            intervals = result.intervals
            _write_whole(folder / INTERVALS_NAME, lambda path: write_parquet(intervals, path))
        text = result.summary.model_dump_json(indent=2) + "\n"
        _write_whole(folder / SUMMARY_NAME, lambda path: path.write_text(text, "utf-8"))
        listed = describe_files(folder, result.summary.run_id).model_dump_json(indent=2) + "\n"
        _write_whole(folder / MANIFEST_NAME, lambda path: path.write_text(listed, "utf-8"))
    return result.summary


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside it and rename that: a reader sees the old file or the whole new one."""
    beside = path.with_name(path.name + ".part")
    write(beside)
    with beside.open("rb+") as file:
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)
