"""Defines the kinds of journal entry, and checks the form of one.

A checksum shows that bytes are those that were written; it does not show that they make sense. What
passes here can be evaluated without looking at types again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from pressloop.record.model import IntervalSums, RunEnd, RunEvent, RunStart, TruthSums
from pressloop.wire.schema import RECORD_SIZE

_SEQUENCE_SPAN: Final = 1 << 32
_MAX_INTERVAL_RECORDS: Final = 1 << 24
"""Records of an interval; the longest that thinning makes has 6000."""


class EntryKind:
    """Values of the key `kind` of an entry."""

    HEADER: Final = "header"
    START: Final = "start"
    TELEMETRY: Final = "telemetry"
    INTERVAL: Final = "interval"
    EVENT: Final = "event"
    END: Final = "end"


def is_well_formed(entry: object) -> bool:
    """Return whether an entry has the keys and types of its kind.

    A kind that this version does not know is well formed: a newer version wrote it. Of a header
    only the version is looked at, so that a newer header is named as such.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("kind"), str):
        return False
    check = _CHECKS.get(entry["kind"])
    try:
        return check is None or check(entry)
    except ValidationError:
        return False


def _header(entry: Mapping[str, Any]) -> bool:
    return _is_whole(entry.get("schema_version"), 0, _SEQUENCE_SPAN)


def _start(entry: Mapping[str, Any]) -> bool:
    start = RunStart.model_validate(entry)
    return 0 <= start.run_first < _SEQUENCE_SPAN and 0 <= start.start_tick < _SEQUENCE_SPAN


def _telemetry(entry: Mapping[str, Any]) -> bool:
    records = entry.get("records")
    return (
        _is_whole(entry.get("first"), 0, _SEQUENCE_SPAN)
        and isinstance(records, bytes)
        and len(records) % RECORD_SIZE == 0
    )


def _interval(entry: Mapping[str, Any]) -> bool:
    count, offsets, records = entry.get("count"), entry.get("offsets"), entry.get("records")
    if not (
        _is_whole(entry.get("first"), 0, _SEQUENCE_SPAN)
        and _is_whole(count, 1, _MAX_INTERVAL_RECORDS)
        and isinstance(offsets, list | tuple)
        and isinstance(records, bytes)
        and len(records) == len(offsets) * RECORD_SIZE
    ):
        return False
    ascending = all(_is_whole(at, 0, int(count or 0)) for at in offsets) and all(
        earlier < later for earlier, later in itertools.pairwise(offsets)
    )
    IntervalSums.model_validate(entry.get("sums"), strict=True)
    if entry.get("truth") is not None:
        TruthSums.model_validate(entry["truth"])
    return ascending and bool(offsets) and offsets[0] == 0


def _event(entry: Mapping[str, Any]) -> bool:
    RunEvent.model_validate({**entry, "kind": entry.get("event")})
    return True


def _end(entry: Mapping[str, Any]) -> bool:
    end = RunEnd.model_validate(entry)
    return end.last_seq is None or 0 <= end.last_seq < _SEQUENCE_SPAN


def _is_whole(value: object, low: int, stop: int) -> bool:
    """Return whether a value is a whole number from `low` up to `stop`, which is excluded."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value < stop


_CHECKS: Final[Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    EntryKind.HEADER: _header,
    EntryKind.START: _start,
    EntryKind.TELEMETRY: _telemetry,
    EntryKind.INTERVAL: _interval,
    EntryKind.EVENT: _event,
    EntryKind.END: _end,
}
