"""Says what a list of runs shows of each, in the same words in the terminal and on the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pressloop.catalogue.entry import CatalogueEntry


@dataclass(frozen=True)
class ListedRun:
    """The columns of one run, as text.

    Attributes:
        moment: When it began, in the local time of this computer; `-` if that is not known.
        verdict: Of the whole run, as in `CatalogueEntry`.
        kind: `simulated` or `real`.
        folder: Of the record, relative to the folder of the catalogue.
        about: Protocol; sample, lot and operator, as far as the record gives them.
        problem: Why the record cannot be trusted or read; empty when nothing is wrong.
    """

    moment: str
    verdict: str
    kind: str
    folder: str
    about: str
    problem: str


def listed_run(entry: CatalogueEntry) -> ListedRun:
    """Return what a list shows of a run."""
    pellet = [entry.sample or entry.material, entry.lot and f"lot {entry.lot}", entry.operator]
    about = filter(None, [entry.protocol, ", ".join(filter(None, pellet))])
    return ListedRun(
        moment=_moment(entry.started_unix_time_second),
        verdict=entry.verdict,
        kind="simulated" if entry.simulated else "real",
        folder=entry.folder,
        about="; ".join(about) or "-",
        problem=entry.problem,
    )


def _moment(unix_time_second: float | None) -> str:
    if unix_time_second is None:
        return "-"
    return f"{datetime.fromtimestamp(unix_time_second):%Y-%m-%d %H:%M}"
