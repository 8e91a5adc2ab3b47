"""Says from when on two channels disagree by more than the board allows them, whatever it does.

Counted are the readings as the transducers gave them, before any filter, against the figure that
`pressloop validate` prints for the press; what the lags explain while the pressure moves is not
taken off. Noise alone makes readings beyond the figure, too, and the next one may be within it, or
beyond it on the other side: then neither reading is wrong for longer than a tick. So a difference
counts from the reading on from which it stays: in all readings of the time in which the board must
be sure, or in the mean of a second. A reading that is missing is no difference; the board counts
those for themselves.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from pressloop.machine.channels import ChannelComparison

from pressloop_bench.control.press_run import TICK_S, Floats

Bools = npt.NDArray[np.bool_]

STAYS_S: Final = 0.1
"""All readings of so long are beyond the figure, on one side."""

MEAN_S: Final = 1.0
"""Or their mean over so long is, whatever the noise."""


def figure_mpa(comparison: ChannelComparison, first_mpa: Floats, apart_mpa: Floats) -> Floats:
    """Return by how much the channels may differ at each reading, MPa."""
    highest_kpa = np.nan_to_num(1000 * (first_mpa + np.fmax(apart_mpa, 0.0))).astype(np.int64)
    kpa = [comparison.allowed_kpa(max(0, pressure)) for pressure in highest_kpa.tolist()]
    return np.array(kpa, dtype=np.float64) / 1000


def disagree_from(apart_mpa: Floats, allowed_mpa: Floats, told: int | None) -> int | None:
    """Return the first reading from which on the channels disagree; None if they never do.

    Args:
        apart_mpa: Second reading less the first; NaN where one is missing or no run is in progress.
        allowed_mpa: The figure at each.
        told: Reading with which a fault was told; None without one. A difference that lasts until
            then counts as one that stays.
    """
    found = [
        tick
        for side in (1.0, -1.0)
        for beyond_mpa in [np.nan_to_num(side * apart_mpa - allowed_mpa, nan=-np.inf)]
        for tick in (_all_beyond(beyond_mpa > 0.0, told), _mean_beyond(beyond_mpa, told))
        if tick is not None
    ]
    return min(found, default=None)


def _all_beyond(beyond: Bools, told: int | None) -> int | None:
    ticks = round(STAYS_S / TICK_S)
    stays = beyond.copy()
    if told is not None:
        stays = np.concatenate((beyond[:told], np.ones(ticks, dtype=np.bool_)))
    if len(stays) < ticks:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(stays, ticks)
    return _first(np.all(windows, axis=1)[: len(beyond) if told is None else told])


def _mean_beyond(beyond_mpa: Floats, told: int | None) -> int | None:
    ticks = round(MEAN_S / TICK_S)
    before = beyond_mpa[:told]
    if len(before) < ticks:
        return None
    means = np.mean(np.lib.stride_tricks.sliding_window_view(before, ticks), axis=1)
    return _first((means > 0.0) & (before[: len(means)] > 0.0))


def _first(found: Bools) -> int | None:
    ticks = np.flatnonzero(found)
    return int(ticks[0]) if ticks.size else None
