"""A line of millions of records, thinned so that it looks the same."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from pressloop.extras import needs_extra
from pressloop.plotting.telemetry import Floats, Telemetry

with needs_extra("plot"):
    import numpy as np
    from matplotlib.axes import Axes

_POINTS: Final = 3000
"""Points per line: more than a page has columns, few enough for a vector file."""


def draw_line(
    axes: Axes, telemetry: Telemetry, values: Floats, colour: str, label: str, **style: Any
) -> None:
    """Draw a column of the telemetry over time; gaps break the line."""
    time, thinned = thin(telemetry.time, values)
    axes.plot(time, thinned, color=colour, label=label, **style)


def thin(time: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The line, its breaks kept, thinned so that no extreme is lost."""
    times, thinned = [], []
    for part in np.split(np.arange(time.size), np.flatnonzero(np.isnan(time))):
        points = max(4, _POINTS * part.size // max(time.size, 1))
        # A break leads its part; where there is none, the first sample may as well stay.
        lead = part[:1]
        kept_time, kept = min_max(time[part[1:]], values[part[1:]], points)
        times += [time[lead], kept_time]
        thinned += [values[lead], kept]
    return np.concatenate(times), np.concatenate(thinned)


def min_max(time: Floats, values: Floats, points: int) -> tuple[Floats, Floats]:
    """At most about `points` samples that look the same: of each stretch of time four.

    First, least, greatest and last. Of time and not of samples: a thinned record has a thousand
    times as many samples where something happened as where nothing did.
    """
    if time.size <= points:
        return time, values
    edges = np.linspace(time[0], time[-1], max(2, points // 4 + 1))[1:-1]
    bounds = np.unique(np.concatenate(([0], np.searchsorted(time, edges), [time.size])))
    keep = set()
    for start, stop in pairwise(bounds.tolist()):
        part = values[start:stop]
        keep |= {start, start + int(part.argmin()), start + int(part.argmax()), stop - 1}
    kept = np.array(sorted(keep))
    return time[kept], values[kept]
