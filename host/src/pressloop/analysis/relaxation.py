"""Describes the powder in a dwell: falling pressure in a sealed one, creep in a regulated one.

Relaxation of powder compacts has no single time constant. Peleg's law (Peleg, J. Rheology 24 (1980)
451; Peleg and Moreyra, Powder Technology 23 (1979) 277) needs two numbers:

    F0 t / (F0 - F) = k1 + k2 t         F(t) = F0 (1 - t / (k1 + k2 t))

F0/k1 is the first rate of loss, F0/k2 the whole loss after endless time. It is usually drawn as the
straight line on the left, which is a bad way to fit it: at small t the left side divides by a
difference that is all noise. So the curve itself is fitted (`peleg.py`), with the half time
tau = k1/k2:

    F = F0 - c t / (tau + t),           c = F0/k2

Creep takes the same form without the normalisation: x - x0 = t / (k1 + k2 t).

A press that leaks loses pressure in a sealed dwell, too. Where the profile has the leak, the
pressure that it took is added back before the curve is fitted, and the uncertainty of the leak goes
into every number.

A number that the data do not determine is not reported; the result gives the reason instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pressloop.analysis.leak import Leaked
from pressloop.analysis.peleg import PelegCurve, condense, fit_peleg
from pressloop.errors import required
from pressloop.machine.uncertainty import COVERAGE_FACTOR

Floats = npt.NDArray[np.float64]

Quantity = Literal["pressure", "displacement"]

_MIN_SAMPLES: Final = 100
"""With fewer samples no curve is fitted."""
_SKIP_S: Final = 0.3
"""Samples up to this time after sealing are left out: the valves are still closing."""
_END_SHARE: Final = 0.02
"""The end level is the mean over this share of the dwell."""
_MIN_R_SQUARED: Final = 0.9
_MAX_RELATIVE_ERROR: Final = 0.5
"""Of k2, standard: with a larger one the whole change is not known."""
_MAX_HALF_TIME_DWELLS: Final = 2.0
"""With a longer half time the whole change is a guess, and powder and leak look alike."""
_MIN_CHANGE_ERRORS: Final = 6.0
"""The change has to be at least this many times its own standard error."""


@dataclass(frozen=True)
class Relaxation:
    """The relaxation of one dwell; the fields after `reason` are None when it could not be fitted.

    Attributes:
        quantity: `pressure` in a sealed dwell, `displacement` in a regulated one.
        unit: Of `initial`, `change` and what follows from them: MPa or mm.
        start_s: Beginning of the stretch, from the first record of the hold, s.
        duration_s: Length of the stretch, the longest one without a top-up or a gap, s.
        change: Pressure lost or platens closed over the stretch, as measured. Where the profile
            has the leak, `leak_change` and `powder_change` part it, and all other numbers are
            those of the powder alone.
        fitted: Whether the law could be fitted.
        reason: Why it could not; empty when it could.
        initial: F0 or x0.
        k1, k2: Pressure: s and no unit. Displacement: s/mm and 1/mm.
        half_time_s: k1/k2: after this time half of the whole change has happened, s.
        change_final: Whole change, extrapolated to endless time: F0/k2 or 1/k2.
        change_rate_per_min: At the end of the stretch, by the law.
        r_squared: Share of the scatter of the condensed data that the curve explains.
        residual: Root mean square of the difference between data and curve.
        leak_change: Part of `change` that the press's own leak took. None when the leak is not
            known, as are the next three; all numbers then contain it. Uncertainties are expanded,
            k = 2.
        powder_change: The rest of `change`.
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
        """Return the fitted curve of the powder alone, in `unit`.

        Args:
            time_s: Since the beginning of the stretch, s; of any shape, which the result has too.

        Raises:
            ValueError: Nothing was fitted.
        """
        if self.initial is None or self.change_final is None or self.half_time_s is None:
            raise ValueError(f"no curve was fitted: {self.reason}")
        sign = -1 if self.quantity == "pressure" else 1
        share = time_s / (self.half_time_s + time_s)
        return self.initial + sign * self.change_final * share

    def measured_at(self, time_s: Floats) -> Floats:
        """Return the curve that the readings follow: the powder's, less what the leak took.

        Raises:
            ValueError: Nothing was fitted.
        """
        powder = self.at(time_s)
        if not self.leak_change:
            return powder
        # The leak's rate is proportional to the pressure, so at first it is above its mean.
        initial = required(self.initial, "the pressure at first")
        change = required(self.change, "the loss of pressure")
        first = initial / (initial - change / 2)
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
        quantity: Which of the two it is; pressure falls, displacement grows.
        start_s: Beginning of the stretch from the first record of the hold, s; only repeated.
        leaked: Pressure that the leak took, per sample; None: not known.
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

    if time_s.size < _MIN_SAMPLES:
        return without(f"the usable part of the dwell, {duration_s:.1f} s, is too short", None)
    time, value, weight = condense(time_s, values)
    curve = fit_peleg(time, sign * value, weight)
    if leaked is not None:
        # Fit again with a leak that is larger and smaller by its standard uncertainty.
        _, more, _ = condense(time_s, leaked.uncertainty_mpa[keep] / COVERAGE_FACTOR)
        curve = curve.with_error_between(
            fit_peleg(time, sign * (value + more), weight),
            fit_peleg(time, sign * (value - more), weight),
        )
    # The end level is measured. The first level is fitted: the valves were still closing there.
    end = values[time_s >= time_s[-1] - max(_END_SHARE * duration_s, _SKIP_S)].mean()
    change = float(sign * end - curve.initial)
    if not change > _MIN_CHANGE_ERRORS * curve.change_error:
        result = without(
            "the change is smaller than its own uncertainty", float(sign * (value[-1] - value[0]))
        )
    elif reason := _reason_against(curve, quantity, duration_s, change, leak.uncertainty):
        result = without(reason, change)
    else:
        result = _relaxation(curve, quantity, unit, start_s, duration_s, change)
    return leak.add_to(result, curve.change_error)


def _reason_against(
    curve: PelegCurve, quantity: Quantity, duration_s: float, change: float, leak_uncertainty: float
) -> str:
    """Return why the fitted law is not reported although there is a change; empty to report it."""
    if change <= leak_uncertainty:
        return "the powder's part of the loss is within the uncertainty of the leak"
    if curve.r_squared < _MIN_R_SQUARED:
        return f"Peleg's law does not describe the data (r2 = {curve.r_squared:.2f})"
    if curve.tau_s > _MAX_HALF_TIME_DWELLS * duration_s:
        or_leak = ", or the loss is a leak" if quantity == "pressure" else ""
        return f"dwell too short{or_leak}"
    if not curve.final_error < _MAX_RELATIVE_ERROR * curve.final:
        return "dwell too short to extrapolate the whole change"
    if quantity == "pressure" and curve.final > -curve.initial:
        return "the fit would lose more than the whole pressure: probably a leak"
    return ""


@dataclass(frozen=True)
class _LeakShare:
    """Pressure that the leak took over a whole stretch, MPa; `taken` is None when not known."""

    taken: float | None
    uncertainty: float

    @classmethod
    def of(cls, leaked: Leaked | None) -> _LeakShare:
        if leaked is None or not leaked.mpa.size:
            return cls(None, 0.0)
        return cls(float(leaked.mpa[-1]), float(leaked.uncertainty_mpa[-1]))

    def add_to(self, powder: Relaxation, standard_error: float) -> Relaxation:
        """Return a result that was fitted to the powder alone, with the leak's part added.

        Args:
            powder: Its `change` is that of the powder.
            standard_error: Of that change.
        """
        if self.taken is None or powder.change is None:
            return powder
        return replace(
            powder,
            change=powder.change + self.taken,
            leak_change=self.taken,
            leak_change_uncertainty=self.uncertainty,
            powder_change=powder.change,
            powder_change_uncertainty=math.hypot(
                COVERAGE_FACTOR * standard_error, self.uncertainty
            ),
        )


def _relaxation(
    curve: PelegCurve,
    quantity: Quantity,
    unit: str,
    start_s: float,
    duration_s: float,
    change: float,
) -> Relaxation:
    """Return the fitted curve in the terms of the law.

    A falling pressure was fitted with the opposite sign, so that it rises as a displacement does.
    """
    pressure = quantity == "pressure"
    initial, final, tau = curve.initial, curve.final, curve.tau_s
    scale = -initial if pressure else 1.0
    by_initial = -1.0 if pressure else 0.0
    k2, k1 = scale / final, scale * tau / final
    # Derivatives of k2 and k1 by initial, final and tau.
    of_k2 = np.array([by_initial / final, -k2 / final, 0.0])
    of_k1 = np.array([by_initial * tau / final, -k1 / final, k2])

    def error(gradient: Floats) -> float:
        return math.sqrt(max(0.0, float(gradient @ curve.covariance @ gradient)))

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
        change_final_standard_error=curve.final_error,
        change_rate_per_min=60 * final * tau / (tau + duration_s) ** 2,
        r_squared=curve.r_squared,
        residual=curve.residual,
    )
