"""What the powder does in a dwell: pressure that falls in a sealed one, creep in a regulated one.

Relaxation of powder compacts has no single time constant. Peleg's law (Peleg, J. Rheology 24 (1980)
451; Peleg and Moreyra, Powder Technology 23 (1979) 277) needs two numbers:

    F0 t / (F0 - F) = k1 + k2 t         F(t) = F0 (1 - t / (k1 + k2 t))

F0/k1 is the first rate of loss, F0/k2 the whole loss after endless time. Its straight line is how
it is usually drawn and a bad way to fit it: at small t the left side divides by a difference that
is all noise. So the curve itself is fitted, by least squares. For a given half time tau = k1/k2 it
is linear in what is left,

    F = F0 - c t / (tau + t),           c = F0/k2,

so that only tau has to be searched for. Creep and supplied oil take the same form without the
normalisation: x - x0 = t / (k1 + k2 t).

A press that leaks loses pressure in a sealed dwell, too. What the leak took, where the profile
knows it, is given back before the curve is fitted; how well it is known goes into every number.

What cannot be told from the data is not reported: the result then says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pressloop.analysis.leak import Leaked
from pressloop.machine.uncertainty import COVERAGE_FACTOR

Floats = npt.NDArray[np.float64]

Quantity = Literal["pressure", "displacement"]

_BINS: Final = 200
"""Means that a dwell is condensed to, spread evenly over the logarithm of time."""
_FEWEST: Final = 100
"""Samples below which no curve is fitted."""
_SKIP_S: Final = 0.3
"""After sealing: valves are still closing."""
_END_SHARE: Final = 0.02
"""Share of the dwell that its end level is the mean of."""
_SEARCH: Final = 80
_MIN_R_SQUARED: Final = 0.9
_LARGEST_ERROR: Final = 0.5
"""Relative standard error of k2 from which on the whole loss cannot be told."""
_LONGEST_HALF_TIME: Final = 2.0
"""In dwells: beyond, the whole change is a guess, and powder and leak look alike."""
_SIGNIFICANT: Final = 6.0
"""The change has to be this many times its own standard error."""


@dataclass(frozen=True)
class Relaxation:
    """The curve of a dwell; the fields below `reason` are None when it could not be fitted.

    Attributes:
        quantity: `pressure` in a sealed dwell, `displacement` in a regulated one.
        unit: Of `initial`, `change` and what follows from them: MPa or mm.
        start_s: Beginning of the stretch, from the first record of the hold.
        duration_s: Length of the stretch: the longest one without a top-up or a gap.
        change: How much was lost (pressure) or closed (displacement) over the stretch, as measured.
            Of a pressure, the leak's part and the powder's are told apart below where the profile
            knows the leak; all else is then of the powder alone.
        fitted: Whether the law could be fitted.
        reason: Why not; empty when it was.
        initial: F0 or x0.
        k1, k2: Pressure: s and no unit. Displacement: s/mm and 1/mm.
        half_time_s: k1/k2: after this time half of the whole change has happened.
        change_final: Extrapolated to endless time: F0/k2 or 1/k2.
        change_rate_per_min: At the end of the stretch, by the law.
        r_squared: Of the curve, against the condensed data.
        residual: Root mean square of what the curve leaves.
        leak_change: What of `change` the press's own leak took; None: not known, and in `change`
            and all that was fitted. So are the next three. Uncertainties are expanded, k = 2.
        powder_change: The rest.
    """

    quantity: Quantity
    unit: str
    start_s: float
    duration_s: float
    change: float | None
    fitted: bool
    reason: str = ""
    initial: float | None = None
    k1: float | None = None
    k1_standard_error: float | None = None
    k2: float | None = None
    k2_standard_error: float | None = None
    half_time_s: float | None = None
    change_final: float | None = None
    change_final_standard_error: float | None = None
    change_rate_per_min: float | None = None
    r_squared: float | None = None
    residual: float | None = None
    leak_change: float | None = None
    leak_change_uncertainty: float | None = None
    powder_change: float | None = None
    powder_change_uncertainty: float | None = None

    def at(self, time_s: Floats) -> Floats:
        """The fitted curve of the powder alone, in `unit`, s after the beginning of the stretch.

        Args:
            time_s: Of any shape, which the result has too.

        Raises:
            ValueError: Nothing was fitted.
        """
        if self.initial is None or self.change_final is None or self.half_time_s is None:
            raise ValueError(f"no curve was fitted: {self.reason}")
        sign = -1 if self.quantity == "pressure" else 1
        share = time_s / (self.half_time_s + time_s)
        return self.initial + sign * self.change_final * share

    def measured_at(self, time_s: Floats) -> Floats:
        """The curve that the readings follow: the powder's, less what the leak took.

        Raises:
            ValueError: Nothing was fitted.
        """
        powder = self.at(time_s)
        if not self.leak_change:
            return powder
        # The leak's rate goes with the pressure: at first it is above its mean.
        assert self.initial is not None and self.change is not None
        first = self.initial / (self.initial - self.change / 2)
        share = time_s / self.duration_s
        return powder - self.leak_change * share * (first + (1 - first) * share)


def fit_relaxation(
    time_s: Floats,
    values: Floats,
    quantity: Quantity,
    *,
    start_s: float = 0.0,
    leaked: Leaked | None = None,
) -> Relaxation:
    """Fit Peleg's law to one stretch of a dwell.

    Args:
        time_s: From the beginning of the stretch, s, ascending, without gaps; shape (n,).
        values: Pressure on the pellet in MPa or displacement in mm; shape (n,), NaN where unknown.
        quantity: Which of the two; pressure falls, displacement grows.
        start_s: Where the stretch begins, for the result.
        leaked: What the leak took of a pressure, per sample; None: not known.
    """
    unit = "MPa" if quantity == "pressure" else "mm"
    duration_s = float(time_s[-1]) if time_s.size else 0.0
    leak = _LeakShare.of(leaked)
    keep = (time_s >= _SKIP_S) & np.isfinite(values)
    if leaked is not None:
        values = values + leaked.mpa
    time_s, values = time_s[keep], values[keep]
    sign = -1.0 if quantity == "pressure" else 1.0

    def without(reason: str, change: float | None) -> Relaxation:
        return Relaxation(quantity, unit, start_s, duration_s, change, False, reason)

    if time_s.size < _FEWEST:
        return without(f"the stretch of {duration_s:.1f} s is too short for a curve", None)
    time, value, weight = _condensed(time_s, values)
    line = _fit(time, sign * value, weight)
    if leaked is not None:
        # The same fit with a leak that is larger or smaller by its standard uncertainty.
        _, more, _ = _condensed(time_s, leaked.uncertainty_mpa[keep] / COVERAGE_FACTOR)
        line = line.also(
            _fit(time, sign * (value + more), weight), _fit(time, sign * (value - more), weight)
        )
    # The end as measured, the beginning as fitted: there the first samples are still on the move.
    end = values[time_s >= time_s[-1] - max(_END_SHARE * duration_s, _SKIP_S)].mean()
    change = float(sign * end - line.initial)
    if not change > _SIGNIFICANT * line.change_error:
        seen = without(
            "the change is smaller than its own uncertainty", float(sign * (value[-1] - value[0]))
        )
    elif reason := _objection(line, quantity, duration_s, change, leak.uncertainty):
        seen = without(reason, change)
    else:
        seen = _relaxation(line, quantity, unit, start_s, duration_s, change)
    return leak.told_apart(seen, line.change_error)


def _objection(
    line: _Line, quantity: Quantity, duration_s: float, change: float, leak_uncertainty: float
) -> str:
    """Why the law may not be told from a change that is there; empty when it may."""
    if change <= leak_uncertainty:
        return "what the leak leaves of the loss is within the leak's own uncertainty"
    if line.r_squared < _MIN_R_SQUARED:
        return f"the law explains only {line.r_squared:.2f} of the data"
    if line.tau_s > _LONGEST_HALF_TIME * duration_s:
        return "half of the whole change would take several such dwells, or it is a leak"
    if not line.final_error < _LARGEST_ERROR * line.final:
        return "the whole change cannot be told from so short a dwell"
    if quantity == "pressure" and line.final > -line.initial:
        return "more than all pressure would be lost: a leak rather than the powder"
    return ""


@dataclass(frozen=True)
class _LeakShare:
    """What the leak took over a whole stretch; None: not known."""

    taken: float | None
    uncertainty: float

    @classmethod
    def of(cls, leaked: Leaked | None) -> _LeakShare:
        if leaked is None or not leaked.mpa.size:
            return cls(None, 0.0)
        return cls(float(leaked.mpa[-1]), float(leaked.uncertainty_mpa[-1]))

    def told_apart(self, powder: Relaxation, standard: float) -> Relaxation:
        """Return what was seen of the powder alone, with the leak's part beside it."""
        if self.taken is None or powder.change is None:
            return powder
        return replace(
            powder,
            change=powder.change + self.taken,
            leak_change=self.taken,
            leak_change_uncertainty=self.uncertainty,
            powder_change=powder.change,
            powder_change_uncertainty=math.hypot(COVERAGE_FACTOR * standard, self.uncertainty),
        )


@dataclass(frozen=True)
class _Line:
    """`y = initial + final t / (tau + t)`, fitted; covariance of the three in this order."""

    initial: float
    final: float
    tau_s: float
    covariance: Floats
    change_error: float
    r_squared: float
    residual: float

    def also(self, one: _Line, other: _Line) -> _Line:
        """Return the line with an error that makes it `one` or `other`, one standard each way."""
        ends = np.array([[line.initial, line.final, line.tau_s] for line in (one, other)])
        moved = (ends[0] - ends[1]) / 2
        return replace(self, covariance=self.covariance + np.outer(moved, moved))

    @property
    def final_error(self) -> float:
        return math.sqrt(max(0.0, self.covariance[1, 1]))


def _condensed(time_s: Floats, values: Floats) -> tuple[Floats, Floats, Floats]:
    """Means over bins that are even in the logarithm of time, and the samples in each."""
    edges = np.geomspace(time_s[0], time_s[-1] * (1 + 1e-9), _BINS + 1)[1:-1]
    index = np.searchsorted(edges, time_s, side="right")
    count = np.bincount(index, minlength=_BINS).astype(np.float64)
    filled = count > 0
    time = np.bincount(index, time_s, _BINS)[filled] / count[filled]
    value = np.bincount(index, values, _BINS)[filled] / count[filled]
    return time, value, count[filled]


def _fit(time: Floats, value: Floats, weight: Floats) -> _Line:
    """Search tau on a logarithmic grid, then between its neighbours."""

    def misfit(log_tau: float) -> float:
        return _linear(time, value, weight, math.exp(log_tau))[2]

    grid = np.linspace(math.log(time[0] / 10), math.log(time[-1] * 100), _SEARCH)
    best = int(np.argmin([misfit(float(log_tau)) for log_tau in grid]))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, _SEARCH - 1)])
    shrink = (math.sqrt(5) - 1) / 2
    while high - low > 1e-7:
        left, right = high - shrink * (high - low), low + shrink * (high - low)
        if misfit(left) < misfit(right):
            high = right
        else:
            low = left
    tau = math.exp((low + high) / 2)
    initial, final, squares = _linear(time, value, weight, tau)

    share = time / (tau + time)
    jacobian = np.column_stack([np.ones_like(time), share, -final * share / (tau + time)])
    normal = jacobian.T @ (weight[:, None] * jacobian)
    covariance = np.linalg.pinv(normal) * squares / max(1, time.size - 3)
    at_end = np.array([0.0, share[-1], -final * share[-1] / (tau + time[-1])])
    mean = np.average(value, weights=weight)
    scatter = float(weight @ np.square(value - mean))
    return _Line(
        initial=initial,
        final=final,
        tau_s=tau,
        covariance=covariance,
        change_error=math.sqrt(max(0.0, float(at_end @ covariance @ at_end))),
        r_squared=1 - squares / scatter if scatter > 0 else 0.0,
        residual=math.sqrt(squares / float(weight.sum())),
    )


def _linear(time: Floats, value: Floats, weight: Floats, tau: float) -> tuple[float, float, float]:
    """Best initial level and whole change for a half time, and the sum of squares left."""
    share = time / (tau + time)
    total = float(weight.sum())
    share_mean, value_mean = float(weight @ share) / total, float(weight @ value) / total
    centred = share - share_mean
    spread = float(weight @ np.square(centred))
    final = float(weight @ (centred * (value - value_mean))) / spread if spread > 0 else 0.0
    initial = value_mean - final * share_mean
    left = value - initial - final * share
    return initial, final, float(weight @ np.square(left))


def _relaxation(
    line: _Line,
    quantity: Quantity,
    unit: str,
    start_s: float,
    duration_s: float,
    change: float,
) -> Relaxation:
    """In the terms of the law. Pressure was fitted upside down: its level has the other sign."""
    pressure = quantity == "pressure"
    initial, final, tau = line.initial, line.final, line.tau_s
    scale = -initial if pressure else 1.0
    by_initial = -1.0 if pressure else 0.0
    k2, k1 = scale / final, scale * tau / final
    # How k2 and k1 change with initial, final and tau.
    of_k2 = np.array([by_initial / final, -k2 / final, 0.0])
    of_k1 = np.array([by_initial * tau / final, -k1 / final, k2])

    def error(gradient: Floats) -> float:
        return math.sqrt(max(0.0, float(gradient @ line.covariance @ gradient)))

    return Relaxation(
        quantity=quantity,
        unit=unit,
        start_s=start_s,
        duration_s=duration_s,
        change=change,
        fitted=True,
        initial=-initial if pressure else initial,
        k1=k1,
        k1_standard_error=error(of_k1),
        k2=k2,
        k2_standard_error=error(of_k2),
        half_time_s=tau,
        change_final=final,
        change_final_standard_error=line.final_error,
        change_rate_per_min=60 * final * tau / (tau + duration_s) ** 2,
        r_squared=line.r_squared,
        residual=line.residual,
    )
