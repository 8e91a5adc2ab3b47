"""Gives the runs of a catalogue and their stages as data frames, for notebooks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from pressloop.catalogue.catalogue import Catalogue
from pressloop.catalogue.entry import CatalogueEntry
from pressloop.catalogue.search import RunSearch
from pressloop.extras import DataFrame


def runs_frame(root: str | Path = "runs", search: RunSearch | None = None) -> DataFrame:
    """Return one row per run below a folder, the newest first.

    Columns are the attributes of `CatalogueEntry`, `started` as a time in UTC; `path` is the folder
    of the record.

    Args:
        root: Folder below which the records are.
        search: Which runs; None: all.

    Raises:
        BadInputError: `no-folder`, `bad-date` or `bad-choice`.
    """
    import pandas as pd  # optional, and slow to import: only when a frame is asked for

    names = [name for name in CatalogueEntry.__dataclass_fields__ if name != "stages"]
    with Catalogue.open(root) as catalogue:
        rows = [
            {name: getattr(entry, name) for name in names} for entry in catalogue.search(search)
        ]
    frame = pd.DataFrame(rows, columns=names)
    frame.insert(0, "path", [str(Path(root) / place) for place in frame["folder"]])
    seconds = pd.to_numeric(frame["started_unix_time_second"])
    frame.insert(1, "started", pd.to_datetime(seconds, unit="s", utc=True))
    return frame.drop(columns=["folder", "started_unix_time_second"])


def stages_frame(root: str | Path = "runs", search: RunSearch | None = None) -> DataFrame:
    """Return one row per stage of each run below a folder, the newest run first.

    Columns are `path`, `run_id`, `sample`, `lot` and the attributes of `CatalogueStage`.

    Args:
        root: Folder below which the records are.
        search: Which runs; None: all.

    Raises:
        BadInputError: `no-folder`, `bad-date` or `bad-choice`.
    """
    import pandas as pd  # optional, and slow to import: only when a frame is asked for

    with Catalogue.open(root) as catalogue:
        rows = [
            {
                "path": str(Path(root) / entry.folder),
                "run_id": entry.run_id,
                "sample": entry.sample,
                "lot": entry.lot,
                **asdict(stage),
            }
            for entry in catalogue.search(search)
            for stage in entry.stages
        ]
    return pd.DataFrame(rows)
