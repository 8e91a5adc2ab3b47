"""Reads the entries of a journal by their kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pressloop.errors import RecordError
from pressloop.record.entry_form import EntryKind
from pressloop.record.interval import Interval
from pressloop.record.journal import JournalContents
from pressloop.record.model import (
    SCHEMA_VERSION,
    IntervalSums,
    RunEnd,
    RunEvent,
    RunHeader,
    RunStart,
    TruthSums,
)


@dataclass(frozen=True)
class Batch:
    """A batch of telemetry records as received."""

    first: int
    records: bytes


def header_of(contents: JournalContents, path: Path) -> RunHeader:
    """Return the header, which is the first entry.

    Raises:
        RecordError: `record-damaged` when it cannot be read, `record-version` when it is too new.
    """
    if not contents.entries or contents.entries[0]["kind"] != EntryKind.HEADER:
        raise RecordError(
            f"{path} has no readable header",
            code="record-damaged",
            hint="the run was cut off before it began, or this is not a run journal",
        )
    version = contents.entries[0]["schema_version"]
    if version > SCHEMA_VERSION:
        raise RecordError(
            f"{path} has journal version {version}, this Pressloop reads up to {SCHEMA_VERSION}",
            code="record-version",
            hint="pip install --upgrade pressloop",
        )
    try:
        return RunHeader.model_validate(contents.entries[0])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecordError(
            f"{path}: the header cannot be used: {where}: {first['msg']}",
            code="record-damaged",
            hint="restore the folder from a copy; without its header a journal cannot be read",
        ) from error


def start_of(contents: JournalContents) -> RunStart | None:
    """Return the board's answer to start; None when the run was not started."""
    for entry in contents.entries:
        if entry["kind"] == EntryKind.START:
            return RunStart.model_validate(entry)
    return None


def end_of(contents: JournalContents) -> RunEnd | None:
    """Return how the run ended; None when the host died before."""
    for entry in reversed(contents.entries):
        if entry["kind"] == EntryKind.END:
            return RunEnd.model_validate(entry)
    return None


def refuse_ended(contents: JournalContents, folder: Path) -> None:
    """Make sure that the run has not ended, so that its record can be continued.

    Raises:
        RecordError: `record-ended`.
    """
    if any(entry["kind"] == EntryKind.END for entry in contents.entries):
        raise RecordError(
            f"the run in {folder} has ended and cannot be continued",
            code="record-ended",
            hint="read it with RunRecord.open() or pressloop plot; record the next run into "
            "another folder",
        )


def events_of(contents: JournalContents) -> tuple[RunEvent, ...]:
    """Return all events, in the order in which they were recorded."""
    return tuple(
        RunEvent.model_validate({**entry, "kind": entry["event"]})
        for entry in contents.entries
        if entry["kind"] == EntryKind.EVENT
    )


def interval_entry(interval: Interval) -> dict[str, Any]:
    """Return a thinned interval as a journal entry."""
    entry: dict[str, Any] = {
        "kind": EntryKind.INTERVAL,
        "first": interval.first,
        "count": interval.count,
        "offsets": interval.offsets,
        "records": interval.records,
        "sums": interval.sums.model_dump(),
    }
    if interval.truth is not None:
        entry["truth"] = interval.truth.model_dump()
    return entry


def intervals_of(contents: JournalContents) -> Iterator[Interval]:
    """Yield all thinned intervals, in the order of recording."""
    for entry in contents.entries:
        if entry["kind"] == EntryKind.INTERVAL:
            truth = entry.get("truth")
            yield Interval(
                entry["first"],
                entry["count"],
                tuple(entry["offsets"]),
                entry["records"],
                IntervalSums.model_construct(**entry["sums"]),
                None if truth is None else TruthSums.model_construct(**truth),
            )


def telemetry_batches(contents: JournalContents) -> Iterator[Batch]:
    """Yield all batches of telemetry, in the order in which they were received."""
    for entry in contents.entries:
        if entry["kind"] == EntryKind.TELEMETRY:
            yield Batch(entry["first"], entry["records"])
