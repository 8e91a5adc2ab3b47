"""Finds recorded runs, and compares them with each other.

`Catalogue` lists the runs below a folder. Its database is made from the `run.json` of each run,
may be deleted at any time, and is never the truth. `runs_frame` and `stages_frame` are the same as
data frames. All of it needs the extra `data`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pressloop.extras import import_public

if TYPE_CHECKING:
    from pressloop.catalogue.band import ReferenceBand, load_band, make_band
    from pressloop.catalogue.band_watch import BandWatch, Departure
    from pressloop.catalogue.catalogue import Catalogue
    from pressloop.catalogue.comparison import Comparison, OddFinding, OddRun, compare_runs
    from pressloop.catalogue.entry import CatalogueEntry, CatalogueStage
    from pressloop.catalogue.frames import runs_frame, stages_frame
    from pressloop.catalogue.search import RunSearch

_HOMES: Final = {
    "BandWatch": "band_watch",
    "Catalogue": "catalogue",
    "CatalogueEntry": "entry",
    "CatalogueStage": "entry",
    "Comparison": "comparison",
    "Departure": "band_watch",
    "OddFinding": "comparison",
    "OddRun": "comparison",
    "ReferenceBand": "band",
    "RunSearch": "search",
    "compare_runs": "comparison",
    "load_band": "band",
    "make_band": "band",
    "runs_frame": "frames",
    "stages_frame": "frames",
}

__all__ = [
    "BandWatch",
    "Catalogue",
    "CatalogueEntry",
    "CatalogueStage",
    "Comparison",
    "Departure",
    "OddFinding",
    "OddRun",
    "ReferenceBand",
    "RunSearch",
    "compare_runs",
    "load_band",
    "make_band",
    "runs_frame",
    "stages_frame",
]


def __getattr__(name: str) -> object:
    """Import a public name on first use: it needs numpy and pyarrow (the extra `data`)."""
    return import_public(__name__, _HOMES, name)
