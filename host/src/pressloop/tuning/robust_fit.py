"""Least squares within bounds that a few far residuals do not decide, with uncertainties.

The method is Levenberg's and Marquardt's, with Huber's weights and the scale of the residuals'
median. The covariance comes from how much blocks of residuals disagree: neighbours overlap, and
what a model leaves out lasts for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from pressloop.tuning.records import Floats

_MAX_STEPS: Final = 30
_MAX_TRIALS: Final = 8
_FIRST_DAMPING: Final = 1e-3
_SMALL_GAIN: Final = 1e-5
# In standard deviations; beyond, a residual counts in proportion to its distance.
_HUBER: Final = 2.0
_BLOCK: Final = 25


class Problem(Protocol):
    """Residuals of a vector of parameters, and what is known of these beforehand."""

    lowest: Floats
    highest: Floats
    precision: Floats
    """Of the mean of each parameter that is known beforehand; 0 for the others."""
    mean: Floats
    overlap: float
    """How many residuals say the same."""

    def residuals(self, parameters: Floats) -> Floats:
        """Return the residuals, of about their standard deviation."""

    def derivatives(self, parameters: Floats, residuals: Floats) -> Floats:
        """Return how fast each residual falls with each parameter: a row per residual."""


@dataclass(frozen=True)
class Descent:
    """Where a fit has ended."""

    problem: Problem
    parameters: Floats
    residuals: Floats
    scale: float
    """Standard deviation of the residuals without those far off."""
    cost: float
    """By a scale that all starting points share, so that their costs compare."""

    def covariance(self) -> Floats:
        """Return the covariance of the parameters, by how much blocks of residuals disagree."""
        problem = self.problem
        slopes = problem.derivatives(self.parameters, self.residuals)
        weights = _weights(self.residuals, self.scale)
        # In the units of the residuals, in which the prior is that much less certain.
        prior = problem.precision * self.scale**2 * problem.overlap
        curvature = slopes.T @ (slopes * weights[:, None]) + np.diag(prior)
        unit = np.sqrt(np.maximum(np.diag(curvature), 1e-30))
        inverse = np.linalg.pinv(curvature / np.outer(unit, unit), rcond=1e-10)
        inverse /= np.outer(unit, unit)
        blocks = np.arange(len(self.residuals)) // _BLOCK
        pulls = np.zeros((int(blocks[-1]) + 1, slopes.shape[1]))
        np.add.at(pulls, blocks, slopes * (weights * self.residuals)[:, None])
        scatter = pulls.T @ pulls + np.diag(prior) * self.scale**2 * problem.overlap
        return np.asarray(inverse @ scatter @ inverse)


def _weights(residuals: Floats, scale: float) -> Floats:
    return np.asarray(np.minimum(1, _HUBER * scale / np.maximum(np.abs(residuals), 1e-12)))


def _cost(problem: Problem, parameters: Floats, residuals: Floats, scale: float) -> float:
    far = np.abs(residuals) / scale
    data = (
        np.sum(np.where(far < _HUBER, far**2 / 2, _HUBER * far - _HUBER**2 / 2)) / problem.overlap
    )
    return float(data + problem.precision @ (parameters - problem.mean) ** 2 / 2)


def descend(problem: Problem, start: Floats) -> Descent:
    """Find the least cost from a starting point, by Levenberg's and Marquardt's method."""
    parameters = np.clip(start, problem.lowest, problem.highest)
    residuals = problem.residuals(parameters)
    damping = _FIRST_DAMPING
    scale = 1.0
    for _ in range(_MAX_STEPS):
        scale = max(1e-9, 1.4826 * float(np.median(np.abs(residuals))))
        cost = _cost(problem, parameters, residuals, scale)
        slopes = problem.derivatives(parameters, residuals)
        weights = _weights(residuals, scale) / scale**2 / problem.overlap
        curvature = slopes.T @ (slopes * weights[:, None]) + np.diag(problem.precision)
        downhill = slopes.T @ (weights * residuals)
        downhill -= problem.precision * (parameters - problem.mean)
        for _ in range(_MAX_TRIALS):
            trial = _step(problem, parameters, curvature, downhill, damping)
            left = problem.residuals(trial)
            lower = _cost(problem, trial, left, scale)
            if lower < cost:
                break
            damping *= 6
        else:
            break
        damping = max(1e-6, damping / 5)
        parameters, residuals = trial, left
        if cost - lower < _SMALL_GAIN * cost:
            break
    return Descent(
        problem, parameters, residuals, scale, _cost(problem, parameters, residuals, 1.0)
    )


def _step(
    problem: Problem, parameters: Floats, curvature: Floats, downhill: Floats, damping: float
) -> Floats:
    """Return the parameters after a damped step; those that would leave their range stay."""
    stuck = ((parameters <= problem.lowest) & (downhill < 0)) | (
        (parameters >= problem.highest) & (downhill > 0)
    )
    free = np.flatnonzero(~stuck)
    unit = np.sqrt(np.maximum(np.diag(curvature)[free], 1e-30))
    matrix = curvature[np.ix_(free, free)] / np.outer(unit, unit) + damping * np.eye(len(free))
    moved = parameters.copy()
    moved[free] += np.linalg.solve(matrix, downhill[free] / unit) / unit
    return np.clip(moved, problem.lowest, problem.highest)
