"""Fits the straight line by which an indication of force is off a reference: zero and gain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pressloop.analysis.student import student_factor
from pressloop.machine.uncertainty import COVERAGE_FACTOR

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StraightLine:
    """A zero and a gain by which an indication is too high.

    Attributes:
        zero_n: Without load, N.
        gain: In proportion to the indication.
        zero_uncertainty_n: Expanded uncertainty (95 %) of the zero and of low levels, N.
        gain_uncertainty: The same of the gain and of high levels, relative.
        factors: By how much the friction of each run differs from the mean; empty without it.
    """

    zero_n: float
    gain: float
    zero_uncertainty_n: float
    gain_uncertainty: float
    factors: tuple[float, ...] = ()

    def corrected(self, newtons: float) -> float:
        """Return an indication, N, without zero and gain."""
        return newtons * (1 - self.gain) - self.zero_n


def fit_line(shown: Floats, off: Floats, columns: Mapping[int, Floats]) -> StraightLine:
    """Return the line by which an indication is off, beside what further columns explain."""
    matrix = np.column_stack([np.ones_like(shown), shown, *columns.values()])
    scale = np.linalg.norm(matrix, axis=0)
    inverse = np.linalg.pinv(matrix / scale, rcond=1e-9)
    factors = inverse @ off / scale
    left = off - matrix @ factors
    free = max(1, len(shown) - matrix.shape[1])
    covariance = float(left @ left) / free * (inverse @ inverse.T) / np.outer(scale, scale)
    factor = student_factor(free)
    means = _level_means(shown, left)
    upper = np.abs(shown) > 0.5 * np.max(np.abs(shown))
    return StraightLine(
        zero_n=float(factors[0]),
        gain=float(factors[1]),
        zero_uncertainty_n=math.hypot(
            factor * math.sqrt(covariance[0, 0]),
            COVERAGE_FACTOR * float(np.sqrt(np.mean(means[~upper] ** 2))),
        ),
        gain_uncertainty=math.hypot(
            factor * math.sqrt(covariance[1, 1]),
            COVERAGE_FACTOR * float(np.sqrt(np.mean((means[upper] / shown[upper]) ** 2))),
        ),
        factors=tuple(float(each) for each in factors[2:]),
    )


def _level_means(shown: Floats, left: Floats) -> Floats:
    """Return for each value the mean of what is left at its level: noise is no bend."""
    near = np.abs(shown[:, None] - shown[None, :]) < 0.05 * np.max(np.abs(shown))
    return np.asarray((near @ left) / near.sum(axis=1))
