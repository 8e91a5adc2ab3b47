"""Fits `y = initial + final t / (tau + t)` to the samples of a dwell: Peleg's law in linear form.

The curve itself is fitted, by least squares. For a given half time tau it is linear in the rest, so
only tau has to be searched for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_BINS: Final = 200
"""Means that a dwell is condensed to, spread evenly over the logarithm of time."""
_GRID_POINTS: Final = 80
"""Values of tau that are tried first."""
_LOG_TAU_STEP: Final = 1e-7
"""The search ends when the logarithm of tau is known this well."""


@dataclass(frozen=True)
class PelegCurve:
    """A fitted curve `y = initial + final t / (tau + t)`.

    Attributes:
        initial: Level at t = 0.
        final: Whole change after endless time.
        tau_s: Half time: after it half of the whole change has happened, s.
        covariance: Of initial, final and tau in this order; shape (3, 3).
        change_error: Standard error of the change at the last sample.
        r_squared: Share of the scatter that the curve explains.
        residual: Root mean square of what the curve leaves.
    """

    initial: float
    final: float
    tau_s: float
    covariance: Floats
    change_error: float
    r_squared: float
    residual: float

    @property
    def final_error(self) -> float:
        """Standard error of `final`."""
        return math.sqrt(max(0.0, self.covariance[1, 1]))

    def with_error_between(self, one: PelegCurve, other: PelegCurve) -> PelegCurve:
        """Return the curve with an additional error: one standard error leads to either curve."""
        ends = np.array([[curve.initial, curve.final, curve.tau_s] for curve in (one, other)])
        moved = (ends[0] - ends[1]) / 2
        return replace(self, covariance=self.covariance + np.outer(moved, moved))


def condense(time_s: Floats, values: Floats) -> tuple[Floats, Floats, Floats]:
    """Average samples over bins that are even in the logarithm of time.

    Args:
        time_s: Ascending, above 0, s; shape (n,).
        values: Shape (n,).

    Returns:
        Mean time and mean value of each bin that has samples, and how many it has.
    """
    edges = np.geomspace(time_s[0], time_s[-1] * (1 + 1e-9), _BINS + 1)[1:-1]
    index = np.searchsorted(edges, time_s, side="right")
    count = np.bincount(index, minlength=_BINS).astype(np.float64)
    filled = count > 0
    time = np.bincount(index, time_s, _BINS)[filled] / count[filled]
    value = np.bincount(index, values, _BINS)[filled] / count[filled]
    return time, value, count[filled]


def fit_peleg(time: Floats, value: Floats, weight: Floats) -> PelegCurve:
    """Fit the curve: search tau on a logarithmic grid, then between the neighbours of the best.

    Args:
        time: Ascending, above 0, s; shape (n,).
        value: Values at these times; shape (n,).
        weight: Weight of each value, such as the number of its samples; shape (n,).
    """

    def misfit(log_tau: float) -> float:
        return _fit_linear(time, value, weight, math.exp(log_tau))[2]

    grid = np.linspace(math.log(time[0] / 10), math.log(time[-1] * 100), _GRID_POINTS)
    best = int(np.argmin([misfit(float(log_tau)) for log_tau in grid]))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, _GRID_POINTS - 1)])
    # Golden-section search.
    shrink = (math.sqrt(5) - 1) / 2
    while high - low > _LOG_TAU_STEP:
        left, right = high - shrink * (high - low), low + shrink * (high - low)
        if misfit(left) < misfit(right):
            high = right
        else:
            low = left
    tau = math.exp((low + high) / 2)
    initial, final, squares = _fit_linear(time, value, weight, tau)

    share = time / (tau + time)
    jacobian = np.column_stack([np.ones_like(time), share, -final * share / (tau + time)])
    normal = jacobian.T @ (weight[:, None] * jacobian)
    covariance = np.linalg.pinv(normal) * squares / max(1, time.size - 3)
    at_end = np.array([0.0, share[-1], -final * share[-1] / (tau + time[-1])])
    mean = np.average(value, weights=weight)
    scatter = float(weight @ np.square(value - mean))
    return PelegCurve(
        initial=initial,
        final=final,
        tau_s=tau,
        covariance=covariance,
        change_error=math.sqrt(max(0.0, float(at_end @ covariance @ at_end))),
        r_squared=1 - squares / scatter if scatter > 0 else 0.0,
        residual=math.sqrt(squares / float(weight.sum())),
    )


def _fit_linear(
    time: Floats, value: Floats, weight: Floats, tau: float
) -> tuple[float, float, float]:
    """Return the best initial level and whole change for a half time, and the squares left."""
    share = time / (tau + time)
    total = float(weight.sum())
    share_mean, value_mean = float(weight @ share) / total, float(weight @ value) / total
    centred = share - share_mean
    spread = float(weight @ np.square(centred))
    final = float(weight @ (centred * (value - value_mean))) / spread if spread > 0 else 0.0
    initial = value_mean - final * share_mean
    left = value - initial - final * share
    return initial, final, float(weight @ np.square(left))
