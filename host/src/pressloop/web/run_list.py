"""Lists the records in a folder, and opens one of them for a page."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pressloop.catalogue import Catalogue, CatalogueEntry
from pressloop.catalogue.listing import listed_run
from pressloop.errors import BadInputError, RecordError
from pressloop.evaluation import RunRecord
from pressloop.record.columns import SUMMARY_NAME, TELEMETRY_NAME
from pressloop.web.levels import CurveLevels
from pressloop.web.run_result import result_view

_MAX_LISTED: Final = 2000
_MAX_OPEN: Final = 8
"""Records whose levels are kept in memory."""


class RunList:
    """The records below one folder; may be used from any thread."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; it need not exist."""
        self._folder = folder
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[int, CurveLevels]] = OrderedDict()

    def rows(self) -> list[dict[str, Any]]:
        """Return the columns of `pressloop runs` for each record, the newest first."""
        with self._lock:
            try:
                with Catalogue.open(self._folder) as catalogue:
                    entries = catalogue.search()[:_MAX_LISTED]
            except BadInputError:
                return []  # nothing was recorded yet
        return [_row(entry) for entry in entries]

    def view(self, name: str) -> dict[str, Any]:
        """Return result and stages of a record.

        Raises:
            RecordError: `no-record`, or it cannot be read.
        """
        record = RunRecord.open(self._path(name))
        return {
            **result_view(record.summary, name),
            "in_progress": record.in_progress,
            "events": [
                {
                    "kind": event.kind,
                    "at_s": event.unix_time_second - record.summary.started_unix_time_second,
                    "data": event.data,
                }
                for event in record.events
                if event.kind != "note"
            ],
        }

    def curve(self, name: str, start_s: float, stop_s: float | None, points: int) -> dict[str, Any]:
        """Return a window of the curve of a record in about so many points, without losing a peak.

        Raises:
            RecordError: `no-record`, or it cannot be read.
        """
        levels = self._levels(name)
        stop = levels.end_s if stop_s is None else stop_s
        gaps = _gaps(self._path(name))
        return {"end_s": levels.end_s, "gaps": gaps, **levels.curve(start_s, stop, points)}

    def _levels(self, name: str) -> CurveLevels:
        folder = self._path(name)
        telemetry = folder / TELEMETRY_NAME
        stamp = telemetry.stat().st_mtime_ns if telemetry.exists() else None
        with self._lock:
            held = self._open.get(name)
            if held is not None and held[0] == stamp:
                self._open.move_to_end(name)
                return held[1]
        levels = (
            CurveLevels.of_file(telemetry)
            if stamp
            else CurveLevels.of_record(RunRecord.open(folder))
        )
        if stamp:
            with self._lock:
                self._open[name] = (stamp, levels)
                while len(self._open) > _MAX_OPEN:
                    self._open.popitem(last=False)
        return levels

    def _path(self, name: str) -> Path:
        """Return the folder of a record, which is at any depth, and never outside."""
        parts = name.split("/")
        folder = self._folder.joinpath(*parts)
        if any(part in ("", ".", "..") or "\\" in part for part in parts) or not folder.is_dir():
            raise RecordError(
                f"there is no record {name[:100]!r}",
                hint="load the list of runs again",
                code="no-record",
            )
        return folder


def _row(entry: CatalogueEntry) -> dict[str, Any]:
    run = asdict(listed_run(entry))
    run["record"] = run.pop("folder")
    return {**run, "protocol": entry.protocol, "started": entry.started_unix_time_second}


def _gaps(folder: Path) -> list[dict[str, float]]:
    """Return from when to when telemetry is missing in a completed record, s since the start."""
    try:
        data = json.loads((folder / SUMMARY_NAME).read_bytes())
        missing = [gap for gap in data["gaps"] if gap["first_tick"] is not None]
        if not missing:
            return []
        rows = pq.ParquetFile(folder / TELEMETRY_NAME).iter_batches(1, columns=["tick", "time_s"])
        first = next(rows).to_pylist()[0]
        hz = data["header"]["tick_hz"]
    except (OSError, ValueError, KeyError, TypeError, StopIteration, pa.ArrowException):
        return []
    starts = [first["time_s"] + (gap["first_tick"] - first["tick"]) / hz for gap in missing]
    return [
        {"from": start_s, "to": start_s + gap["seconds"]}
        for start_s, gap in zip(starts, missing, strict=True)
    ]
