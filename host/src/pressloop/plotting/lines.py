"""Draws lines of millions of records, thinned so that they look the same."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from pressloop.extras import needs_extra
from pressloop.plotting.telemetry import DrawnTelemetry, Floats

with needs_extra("plot"):
    import numpy as np
    from matplotlib.axes import Axes

_POINTS: Final = 3000
"""Points per line: more than a page has columns, few enough for a vector file."""


def draw_line(
    axes: Axes, telemetry: DrawnTelemetry, values: Floats, colour: str, label: str, **style: Any
) -> None:
    """Draw a column of the telemetry over time; gaps break the line."""
    time, thinned = thin(telemetry.time, values)
    axes.plot(time, thinned, color=colour, label=label, **style)


def thin(time: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return a line thinned so that no extreme is lost; its breaks stay."""
    times, thinned = [], []
    for part in np.split(np.arange(time.size), np.flatnonzero(np.isnan(time))):
        points = max(4, _POINTS * part.size // max(time.size, 1))
        # A part begins with its break; the first part begins with a sample, which stays as well.
        lead = part[:1]
        kept_time, kept = min_max(time[part[1:]], values[part[1:]], points)
        times += [time[lead], kept_time]
        thinned += [values[lead], kept]
    return np.concatenate(times), np.concatenate(thinned)


def min_max(time: Floats, values: Floats, points: int) -> tuple[Floats, Floats]:
    """Return about `points` samples at most, which look the same as all of them.

    Of each stretch of time four stay: first, least, greatest and last. Stretches are equal in time,
    not in samples: a thinned record has a thousand times as many samples where something happened
    as where nothing did.
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
