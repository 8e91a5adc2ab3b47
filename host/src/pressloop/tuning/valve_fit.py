"""One fit of a valve: dead band, drift, hysteresis, delay and lag, with the gain of the press.

Found one after the other, each of them takes over the errors of the others: hysteresis that the
dither leaves passes for lag or for another dead band, and so does a coil that warms. So all are
found at once, from the rise of the pressure in each window of one or more records:

    rise = (flow of the valve - leak) / compliance

The readings' noise is in the rise alone, so it does not bias what is found. Windows that the model
does not explain (contact, a ram that sticks after it has turned) count no more than in proportion
to their distance. The uncertainty comes from how much blocks of windows disagree, so that neither
overlapping windows nor what the model leaves out make it look smaller.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pressloop.tuning.records import Floats
from pressloop.tuning.spool import flow_share, follow_command, play
from pressloop.tuning.windows import TICK_S, WINDOW_TICKS, VolumeBalance

# Positions of the parameters; the hysteresis of each record and the factors of the compliance
# follow.
_EDGE, _DRIFT, _DELAY, _LAG, _PLAY = range(5)
_LOWEST: Final = (0.0, -0.0004, 0.3, 0.5)
_HIGHEST: Final = (0.5, 0.0004, 4.0, 25.0)
MAX_HYSTERESIS: Final = 0.08
"""Of full stroke; a wider one is none that dither could take away."""
# For the derivatives.
_STEPS: Final = (1e-5, 1e-7, 0.02, 0.02)
_PLAY_STEP: Final = 2e-5

# What is known beforehand, and how well: a coil on a voltage drifts by less than half a per cent of
# stroke in a run, a driver takes one to two ticks.
_DRIFT_DOUBT: Final = 0.00002
_USUAL_DELAY: Final = 1.5
_DELAY_DOUBT: Final = 1.0

# Starting points; a fit that starts between two hollows ends in the nearer one.
_START_LAGS: Final = (3.0, 8.0, 14.0)
_START_EDGES: Final = np.linspace(0.0, 0.48, 97)
_START_HYSTERESIS: Final = 0.002
_START_STRIDE: Final = 4
# Share of a ramp's windows in which the dead band must let oil pass: dead bands at which nothing
# would flow while the pressure was moving would explain only the jolt at contact.
_MIN_SHARE_PASSING: Final = 0.95

_MAX_STEPS: Final = 30
_MAX_TRIALS: Final = 8
_FIRST_DAMPING: Final = 1e-3
_SMALL_GAIN: Final = 1e-5
# In standard deviations; beyond, a window counts in proportion to its distance.
_HUBER: Final = 2.0
# Five windows overlap.
_OVERLAP: Final = 5.0
_BLOCK_WINDOWS: Final = 25
# A window is explained to this share of its rise and of its pressure at best.
_RISE_SHARE: Final = 0.01
_PRESSURE_SHARE: Final = 1e-4
_LEAST_MPA: Final = 1e-4
_LEAST_COMPLIANCE: Final = 1e-9
# Standard uncertainties that no record makes smaller: openings are rounded, and between two ticks a
# command is taken to move in a line.
_LEAST_DOUBT: Final = 0.00005
_LEAST_DOUBT_TICKS: Final = 0.25


@dataclass(frozen=True)
class Estimate:
    """A value with its standard uncertainty."""

    value: float
    standard: float

    @property
    def expanded(self) -> float:
        """The uncertainty for k = 2."""
        return 2 * self.standard


@dataclass(frozen=True)
class ValveRecord:
    """What one run shows of a valve: its command in every tick, and what the pressure did."""

    command: Floats
    """Of full stroke, without dither."""
    full_flow: Floats
    """Of the fully open valve in each tick, uL/s; in other units the factors are, too."""
    balance: VolumeBalance
    rise_mpa: Floats
    """In the direction in which the valve moves the pressure."""
    shapes: Floats
    """Of the compliance: a row per window, a column per factor."""
    leaked: Floats
    """Volume that leaks in each window against the valve, per factor."""
    noise_mpa: float
    """Standard deviation of `rise_mpa` by the readings' noise."""

    def doubt_mpa(self) -> Floats:
        """Return the standard deviation of each rise, less what only this press has."""
        return np.asarray(
            np.sqrt(
                self.noise_mpa**2
                + (_RISE_SHARE * self.rise_mpa) ** 2
                + (_PRESSURE_SHARE * self.balance.oil_start_mpa) ** 2
                + _LEAST_MPA**2
            )
        )

    @property
    def middle_s(self) -> Floats:
        """Time of each window since the start of the record, s."""
        return np.asarray((self.balance.start + WINDOW_TICKS / 2) * TICK_S)


@dataclass(frozen=True)
class Prior:
    """What is known of a valve before its records are looked at."""

    delay_ticks: Estimate
    drift_per_s: Estimate
    lag_ticks: Estimate | None = None
    max_hysteresis: float = 1.5 * MAX_HYSTERESIS


UNKNOWN: Final = Prior(Estimate(_USUAL_DELAY, _DELAY_DOUBT), Estimate(0.0, _DRIFT_DOUBT))


@dataclass(frozen=True)
class ValveFit:
    """A valve as its records show it."""

    dead_band: Estimate
    """Of full stroke, in the middle of the first record."""
    drift_per_s: Estimate
    """By how much the dead band widens, of full stroke per second."""
    middle_s: float
    """Time of that middle since the start of a record, s."""
    hystereses: tuple[Estimate, ...]
    """Of full stroke, one for each record: what its dither has left of it."""
    delay_ticks: Estimate
    lag_ticks: Estimate
    late_ticks: Estimate
    """Delay and lag together, which are known better than each."""
    factors: Floats
    """Of the columns of `ValveRecord.shapes`."""

    def dead_bands(self, record: ValveRecord) -> Floats:
        """Return the dead band in each tick of a record."""
        return _edges(record, self.dead_band.value, self.drift_per_s.value, self.middle_s)

    def position(self, record: ValveRecord, index: int = 0) -> Floats:
        """Return where the spool is in each tick of the record with this index."""
        half = self.hystereses[index].value / 2
        dragged = play(record.command, half)
        return follow_command(dragged, self.delay_ticks.value, self.lag_ticks.value)

    def passed(self, record: ValveRecord, index: int = 0) -> Floats:
        """Return the share of its full flow that the valve passes in each tick of a record."""
        return flow_share(self.position(record, index), self.dead_bands(record))

    def fed(self, record: ValveRecord, index: int = 0) -> Floats:
        """Return the volume that the valve passes in each window of a record."""
        return record.balance.fed(self.passed(record, index) * record.full_flow)


def fit_valve(records: Sequence[ValveRecord], prior: Prior = UNKNOWN) -> ValveFit | None:
    """Return the valve that explains its records best; None if no dead band explains them at all.

    All records are of one valve on one press; each has a hysteresis of its own, as dither differs.
    """
    fits = []
    lags = _START_LAGS if prior.lag_ticks is None else (prior.lag_ticks.value,)
    for lag in lags:
        start = _start(records, prior, lag)
        if start is not None:
            fits.append(_descend(_Problem(records, prior), start))
    return min(fits, key=lambda fit: fit.cost).result() if fits else None


def _edges(record: ValveRecord, edge: float, drift: float, middle_s: float) -> Floats:
    return np.asarray(edge + drift * (np.arange(len(record.command)) * TICK_S - middle_s))


def _start(records: Sequence[ValveRecord], prior: Prior, lag_ticks: float) -> Floats | None:
    """Return the dead band that leaves least of the volumes unexplained, with its compliance."""
    positions = [
        follow_command(play(r.command, _START_HYSTERESIS / 2), prior.delay_ticks.value, lag_ticks)
        for r in records
    ]
    thin = slice(None, None, _START_STRIDE)
    needed = np.vstack([(r.shapes * r.rise_mpa[:, None] + r.leaked)[thin] for r in records])
    scale = np.linalg.norm(needed, axis=0)
    inverse = np.linalg.pinv(needed / scale, rcond=1e-6)
    rises = np.abs(np.concatenate([r.rise_mpa[thin] for r in records]))
    moving = rises > np.quantile(rises, 0.75) / 2
    best: tuple[float, float, Floats] | None = None
    for edge in _START_EDGES:
        fed = np.concatenate(
            [
                r.balance.fed(flow_share(position, edge) * r.full_flow)[thin]
                for r, position in zip(records, positions, strict=True)
            ]
        )
        if np.mean(fed[moving] > 0) < _MIN_SHARE_PASSING:
            break
        factors = inverse @ fed
        left = fed - needed / scale @ factors
        share = float(np.sqrt(left @ left / (fed @ fed)))
        if best is None or share < best[0]:
            best = share, float(edge), factors / scale
    if best is None:
        return None
    _, edge, factors = best
    factors = np.maximum(factors, 0)
    if not np.all(np.concatenate([r.shapes for r in records]) @ factors > 0):
        factors = np.where(np.arange(len(factors)) == 0, max(1e-9, factors.max()), factors)
    return np.concatenate(
        (
            [edge, 0.0, prior.delay_ticks.value, lag_ticks],
            np.full(len(records), _START_HYSTERESIS),
            factors,
        )
    )


class _Problem:
    """Records as residuals of a vector of parameters, with their derivatives."""

    def __init__(self, records: Sequence[ValveRecord], prior: Prior) -> None:
        count = len(records)
        self._records = records
        self.valve_count = _PLAY + count
        columns = records[0].shapes.shape[1]
        self.lowest = np.concatenate((_LOWEST, np.zeros(count + columns)))
        self.highest = np.concatenate(
            (_HIGHEST, np.full(count, prior.max_hysteresis), np.full(columns, np.inf))
        )
        self._steps = (*_STEPS, *(_PLAY_STEP for _ in records))
        self.middle_s = float(np.mean(records[0].middle_s))
        self._rises = np.concatenate([record.rise_mpa for record in records])
        self._doubts = np.concatenate([record.doubt_mpa() for record in records])
        self._played: list[dict[float, Floats]] = [{} for _ in records]
        # Precision and mean of what is known beforehand.
        self.precision = np.zeros(len(self.lowest))
        self.mean = np.zeros(len(self.lowest))
        known = [(_DRIFT, prior.drift_per_s), (_DELAY, prior.delay_ticks)]
        if prior.lag_ticks is not None:
            known.append((_LAG, prior.lag_ticks))
        for at, estimate in known:
            self.precision[at] = 1 / estimate.standard**2
            self.mean[at] = estimate.value

    def residuals(self, parameters: Floats) -> Floats:
        """Return the unexplained part of each rise, of its standard deviation."""
        predicted = np.concatenate([part for part, _, _ in self._predictions(parameters)])
        return np.asarray((self._rises - predicted) / self._doubts)

    def derivatives(self, parameters: Floats, residuals: Floats) -> Floats:
        """Return how fast the prediction of each residual grows with each parameter."""
        columns = []
        for at in range(self.valve_count):
            step = self._steps[at]
            if parameters[at] + step > self.highest[at]:
                step = -step
            moved = parameters.copy()
            moved[at] += step
            columns.append((residuals - self.residuals(moved)) / step)
        by_factor = [
            -(predicted[:, None] * record.shapes + record.leaked) / compliance[:, None]
            for record, (predicted, compliance, _) in zip(
                self._records, self._predictions(parameters), strict=True
            )
        ]
        linear = np.vstack(by_factor) / self._doubts[:, None]
        return np.column_stack((*columns, linear))

    def _predictions(self, parameters: Floats) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Yield the rises of each record by the model, its compliance, and what was fed."""
        factors = parameters[self.valve_count :]
        for index, record in enumerate(self._records):
            position = follow_command(
                self._dragged(index, float(parameters[_PLAY + index])),
                float(parameters[_DELAY]),
                float(parameters[_LAG]),
            )
            edges = _edges(record, parameters[_EDGE], parameters[_DRIFT], self.middle_s)
            fed = record.balance.fed(flow_share(position, edges) * record.full_flow)
            compliance = np.maximum(_LEAST_COMPLIANCE, record.shapes @ factors)
            yield (fed - record.leaked @ factors) / compliance, compliance, fed

    def _dragged(self, index: int, hysteresis: float) -> Floats:
        """Return the command behind the hysteresis; the last ones are kept."""
        kept = self._played[index]
        if hysteresis not in kept:
            if len(kept) > 2:
                del kept[next(iter(kept))]
            kept[hysteresis] = play(self._records[index].command, hysteresis / 2)
        return kept[hysteresis]


@dataclass(frozen=True)
class _Descent:
    """Where a fit has ended."""

    problem: _Problem
    parameters: Floats
    residuals: Floats
    scale: float
    """Standard deviation of the residuals without those far off."""
    cost: float

    def result(self) -> ValveFit:
        """Return the valve with the uncertainties of its parameters."""
        problem, found = self.problem, self.parameters
        covariance = self._covariance()

        def estimate(at: int, least: float = 0.0) -> Estimate:
            return Estimate(float(found[at]), math.hypot(math.sqrt(covariance[at, at]), least))

        late = covariance[_DELAY, _DELAY] + covariance[_LAG, _LAG] + 2 * covariance[_DELAY, _LAG]
        late_doubt = math.hypot(math.sqrt(max(0.0, late)), _LEAST_DOUBT_TICKS)
        return ValveFit(
            dead_band=estimate(_EDGE, _LEAST_DOUBT),
            drift_per_s=estimate(_DRIFT),
            middle_s=problem.middle_s,
            hystereses=tuple(
                estimate(at, _LEAST_DOUBT) for at in range(_PLAY, problem.valve_count)
            ),
            delay_ticks=estimate(_DELAY, _LEAST_DOUBT_TICKS),
            lag_ticks=estimate(_LAG, _LEAST_DOUBT_TICKS),
            late_ticks=Estimate(float(found[_DELAY] + found[_LAG]), late_doubt),
            factors=found[problem.valve_count :],
        )

    def _covariance(self) -> Floats:
        """Return the covariance by how much blocks of windows disagree."""
        problem = self.problem
        slopes = problem.derivatives(self.parameters, self.residuals)
        weights = _weights(self.residuals, self.scale)
        # In the units of the residuals, in which the prior is that much less certain.
        prior = problem.precision * self.scale**2 * _OVERLAP
        curvature = slopes.T @ (slopes * weights[:, None]) + np.diag(prior)
        unit = np.sqrt(np.maximum(np.diag(curvature), 1e-30))
        inverse = np.linalg.pinv(curvature / np.outer(unit, unit), rcond=1e-10)
        inverse /= np.outer(unit, unit)
        blocks = np.arange(len(self.residuals)) // _BLOCK_WINDOWS
        pulls = np.zeros((int(blocks[-1]) + 1, slopes.shape[1]))
        np.add.at(pulls, blocks, slopes * (weights * self.residuals)[:, None])
        scatter = pulls.T @ pulls + np.diag(prior) * self.scale**2 * _OVERLAP
        return np.asarray(inverse @ scatter @ inverse)


def _weights(residuals: Floats, scale: float) -> Floats:
    return np.asarray(np.minimum(1, _HUBER * scale / np.maximum(np.abs(residuals), 1e-12)))


def _cost(problem: _Problem, parameters: Floats, residuals: Floats, scale: float) -> float:
    far = np.abs(residuals) / scale
    data = np.sum(np.where(far < _HUBER, far**2 / 2, _HUBER * far - _HUBER**2 / 2)) / _OVERLAP
    return float(data + problem.precision @ (parameters - problem.mean) ** 2 / 2)


def _descend(problem: _Problem, start: Floats) -> _Descent:
    """Find the least cost from a starting point, by Levenberg's and Marquardt's method."""
    parameters = np.clip(start, problem.lowest, problem.highest)
    residuals = problem.residuals(parameters)
    damping = _FIRST_DAMPING
    scale = 1.0
    for _ in range(_MAX_STEPS):
        scale = max(1e-9, 1.4826 * float(np.median(np.abs(residuals))))
        cost = _cost(problem, parameters, residuals, scale)
        slopes = problem.derivatives(parameters, residuals)
        weights = _weights(residuals, scale) / scale**2 / _OVERLAP
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
    # By a scale that all starting points share, so that their costs compare.
    return _Descent(
        problem, parameters, residuals, scale, _cost(problem, parameters, residuals, 1.0)
    )


def _step(
    problem: _Problem, parameters: Floats, curvature: Floats, downhill: Floats, damping: float
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
