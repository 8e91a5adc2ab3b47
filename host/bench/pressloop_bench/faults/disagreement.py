"""Says from when on two channels disagree by more than the board allows them, whatever it does.

Counted are the readings as the transducers gave them, before any filter, against the figure that
`pressloop validate` prints for the press, with its part for the lags where the channel that is
behind moves towards the other one and the difference was not there before. Noise alone makes
readings beyond the figure, too, and the next one may be within it, or beyond it on the other side:
then neither reading is wrong for longer than a tick. So a difference counts from the reading on
from which it stays: in all readings of the time in which the board must be sure, or in the mean of
a second. A reading that is missing is no difference; the board counts those for themselves.
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


_MEAN_TICKS: Final = 4
"""Readings of a mean, and those over which a channel moves; as on the board."""

_CALM_READINGS: Final = 3
"""A difference that so many readings show before a movement is not explained by it."""


def figure_mpa(comparison: ChannelComparison, first_mpa: Floats, apart_mpa: Floats) -> Floats:
    """Return by how much the channels may differ at each reading, MPa."""
    highest_kpa = np.nan_to_num(1000 * (first_mpa + np.fmax(apart_mpa, 0.0))).astype(np.int64)
    rates_kpa_s = np.rint(1000 * _catching_up_mpa_s(first_mpa, apart_mpa)).astype(np.int64)
    figures_kpa: list[int] = []
    calm = 0
    for pressure, rate, apart in zip(
        highest_kpa.tolist(), rates_kpa_s.tolist(), np.abs(apart_mpa).tolist(), strict=True
    ):
        at_rest = comparison.allowed_kpa(max(0, pressure))
        moving = comparison.allowed_kpa(max(0, pressure), rate)
        if not 1000 * apart > at_rest:
            calm = 0
        elif calm < _CALM_READINGS:
            calm = 0 if moving > at_rest else calm + 1
        figures_kpa.append(at_rest if calm >= _CALM_READINGS else moving)
    return np.array(figures_kpa, dtype=np.float64) / 1000


def _catching_up_mpa_s(first_mpa: Floats, apart_mpa: Floats) -> Floats:
    """Return how fast the lower channel rises or the higher one falls, 0 if neither does, MPa/s."""
    first = _mean(first_mpa)
    second = _mean(first_mpa + np.nan_to_num(apart_mpa))
    per_s = _MEAN_TICKS * TICK_S
    risen_first, risen_second = _moved(first) / per_s, _moved(second) / per_s
    second_is_lower = np.nan_to_num(apart_mpa) < 0
    lower = np.where(second_is_lower, risen_second, risen_first)
    higher = np.where(second_is_lower, risen_first, risen_second)
    return np.maximum(0.0, np.maximum(lower, -higher))


def _mean(readings_mpa: Floats) -> Floats:
    padded = np.concatenate((np.repeat(readings_mpa[:1], _MEAN_TICKS - 1), readings_mpa))
    return np.convolve(padded, np.full(_MEAN_TICKS, 1 / _MEAN_TICKS), mode="valid")


def _moved(readings_mpa: Floats) -> Floats:
    padded = np.concatenate((np.repeat(readings_mpa[:1], _MEAN_TICKS), readings_mpa))
    return padded[_MEAN_TICKS:] - padded[:-_MEAN_TICKS]


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
