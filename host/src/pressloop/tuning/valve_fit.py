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
from pressloop.tuning.robust_fit import Descent, descend
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

# Five windows overlap.
_OVERLAP: Final = 5.0
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
    problem = _Problem(records, prior)
    lags = _START_LAGS if prior.lag_ticks is None else (prior.lag_ticks.value,)
    starts = [_start(records, prior, lag) for lag in lags]
    fits = [descend(problem, start) for start in starts if start is not None]
    return _valve(problem, min(fits, key=lambda fit: fit.cost)) if fits else None


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

    overlap = _OVERLAP

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


def _valve(problem: _Problem, descent: Descent) -> ValveFit:
    """Return the valve with the uncertainties of its parameters."""
    found, covariance = descent.parameters, descent.covariance()

    def estimate(at: int, least: float = 0.0) -> Estimate:
        return Estimate(float(found[at]), math.hypot(math.sqrt(covariance[at, at]), least))

    late = covariance[_DELAY, _DELAY] + covariance[_LAG, _LAG] + 2 * covariance[_DELAY, _LAG]
    late_doubt = math.hypot(math.sqrt(max(0.0, late)), _LEAST_DOUBT_TICKS)
    return ValveFit(
        dead_band=estimate(_EDGE, _LEAST_DOUBT),
        drift_per_s=estimate(_DRIFT),
        middle_s=problem.middle_s,
        hystereses=tuple(estimate(at, _LEAST_DOUBT) for at in range(_PLAY, problem.valve_count)),
        delay_ticks=estimate(_DELAY, _LEAST_DOUBT_TICKS),
        lag_ticks=estimate(_LAG, _LEAST_DOUBT_TICKS),
        late_ticks=Estimate(float(found[_DELAY] + found[_LAG]), late_doubt),
        factors=found[problem.valve_count :],
    )
