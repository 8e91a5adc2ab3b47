"""Writes the head of the plot: the run, what is wrong with it, and whether it was simulated."""

from __future__ import annotations

import textwrap
from datetime import datetime, timezone
from typing import Final

from pressloop.evaluation import RunRecord
from pressloop.extras import needs_extra
from pressloop.plotting.style import WRONG, mark_simulated
from pressloop.units import duration_text

with needs_extra("plot"):
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

_TITLE_LETTERS: Final = 80
_TITLE_SIZE: Final = 12
_MAX_TITLE_POINTS: Final = 650
"""Width of the title that leaves room for the badge of a simulated run."""


def draw_title(figure: Figure, record: RunRecord) -> None:
    """Write the name of the run, in red what is wrong with it, and whether it was simulated.

    A run that is still being recorded is in progress: what it has not reached yet is not wrong.
    """
    summary = record.summary
    moment = datetime.fromtimestamp(summary.started_unix_time_second, timezone.utc)
    title = textwrap.fill(summary.protocol_name, _TITLE_LETTERS)
    which = f"{moment:%Y-%m-%d %H:%M} UTC · run {summary.run_id}"
    title += (" · " if len(title) + len(which) + 3 <= _TITLE_LETTERS else "\n") + which
    ended = summary.end_reason.replace("-", " ")
    if summary.fault:
        ended += f" ({summary.fault.replace('-', ' ')})"
    in_progress = record.in_progress
    parts = []
    if summary.end_reason != "completed" and not in_progress:
        parts.append(f"NOT COMPLETED: {ended}")
    if summary.gaps:
        missing = sum(gap.seconds for gap in summary.gaps)
        parts.append(f"{duration_text(missing, 2)} of telemetry missing (hatched)")
    unreached = [s.name for s in summary.stages if s.outcome == "not reached"]
    if unreached and not in_progress:
        parts.append(f"not reached: {textwrap.shorten(', '.join(unreached), 60, placeholder='…')}")
    said = ["in progress", *parts] if in_progress else parts
    if said:
        title += "\n" + " · ".join(said)
    figure.suptitle(
        title,
        fontsize=_title_size(title),
        fontweight="bold",
        color=WRONG if parts else "black",
        x=0.02,
        ha="left",
    )
    if summary.simulated:
        mark_simulated(figure)


def _title_size(title: str) -> float:
    """Return the font size at which the longest line ends before the badge: capitals are wide."""
    bold = FontProperties(weight="bold", size=_TITLE_SIZE)
    width = max(TextPath((0, 0), line, prop=bold).get_extents().width for line in title.split("\n"))
    return _TITLE_SIZE * min(1.0, _MAX_TITLE_POINTS / width)
