"""Learns the friction of the ram's seals from plateaus reached from below and from above.

A transducer measures oil, a load cell or a reference gauge under the die what the pellet gets. The
seals carry the difference: upwards after a rise, downwards after a fall. With O the oil's force, R
the reference's and s = +1 after a rise, -1 after a fall:

    O - R = s (n + c O) + z + g O

n and c are friction without pressure and in proportion to it; z and g are what transducer and
reference differ by in both directions, a zero and a gain, and are no friction. Least squares over
the plateaus give all four; the gain only where both directions have two levels each.

A plateau is the mean of the first seconds after the ramp: ripple and dither move the ram to and
fro, and in a long hold friction falls below its level in sliding, so late readings show too little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pressloop.analysis.student import student_factor
from pressloop.errors import BadInputError
from pressloop.machine.uncertainty import FRICTION_SPREAD

MIN_LEVELS: Final = 2
"""Least number of levels in each direction."""
MIN_SPAN: Final = 1.5
"""Least ratio of the highest level to the lowest: closer ones cannot tell n from c."""
MAX_UNCERTAINTY: Final = 1.0
"""Largest uncertainty, of the friction, with which anything can be taken off a reading."""

# Levels closer than this share of the largest are one level.
_SAME_LEVEL: Final = 0.05
_MAX_PERCENT: Final = 50.0
_MIN_RUNS_FOR_SPREAD: Final = 3

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FrictionModel:
    """Friction as it was learned, with its uncertainty. Forces in N."""

    percent: float
    """In proportion to the oil's force."""
    newtons: float
    """Without pressure."""
    uncertainty_percent: float
    """Limits (+-) of the friction of the next runs' mean, in percent of the friction."""
    fit_percent: float
    """The part of these limits that scatter and reference make (95 %), in percent of it."""
    run_spread_percent: float
    """The part that runs make which differ, in percent of it."""
    zero_n: float
    """By how much transducer and reference differ in both directions, without pressure."""
    gain: float | None
    """The same in proportion to the oil's force; None if the plateaus cannot show it."""
    residual_n: float
    """What the model leaves unexplained, rms."""
    plateaus: int
    runs: int

    def friction_n(self, oil_n: float) -> float:
        """Return the friction at an oil force, N."""
        return self.newtons + self.percent / 100 * oil_n

    def profile_fields(self) -> dict[str, float | int]:
        """Return the fields of a `MachineProfile` that make the board compensate for it."""
        return {
            "friction_percent": round(self.percent, 4),
            "friction_n": round(self.newtons),
            "friction_uncertainty_percent": math.ceil(10 * self.uncertainty_percent) / 10,
        }


def learn_friction(
    oil_n: Floats,
    reference_n: Floats,
    rising: Bools,
    *,
    run: npt.NDArray[np.int64] | None = None,
    reference_error_n: float = 0.0,
) -> FrictionModel:
    """Return the friction that plateaus on the way up and down show.

    Args:
        oil_n: Oil's force at each plateau: reading times ram area, N.
        reference_n: Force at the reference at the same time, N.
        rising: Whether each plateau was reached from below.
        run: Number of the run that each plateau is of; all are of one run if it is left out.
            Runs differ by up to a fifth, so several make the friction of the next one more certain.
        reference_error_n: Limits (+-) within which the reference's readings differ between the
            two directions, N. What is the same in both cancels.

    Raises:
        BadInputError: `friction-not-learned`: too few plateaus or levels, friction that acts in
            the wrong direction, or one that cannot be told from none.
    """
    oil, reference, up = _checked(oil_n, reference_n, rising)
    runs = np.zeros(oil.size, np.int64) if run is None else np.asarray(run, np.int64)
    if runs.shape != oil.shape:
        raise _not_learned("the arrays differ in length", "give one run number for each plateau")
    side = np.where(up, 1.0, -1.0)
    difference = oil - reference
    columns, factors, covariance, residual_n = _fit(oil, side, difference)
    factor = student_factor(oil.size - len(columns))
    newtons = factors[columns.index("n")] if "n" in columns else 0.0
    share = factors[columns.index("c")] if "c" in columns else 0.0
    top_n = float(oil.max())
    # Judged where friction is largest, which is where it matters.
    at_top = np.array([{"n": 1.0, "c": top_n}.get(name, 0.0) for name in columns])
    friction_n = newtons + share * top_n
    if friction_n <= 0:
        raise _not_learned(
            f"friction comes out as {friction_n:.3g} N at {top_n / 1000:.3g} kN of oil force: it "
            "would drive the ram",
            "check that rising and falling plateaus are not swapped, and that the reference reads "
            "the force under the die",
        )
    standard_n = math.sqrt(max(0.0, float(at_top @ covariance @ at_top)))
    # Half of the difference of two readings, each within its limits.
    fit = math.hypot(factor * standard_n, 2 * reference_error_n / math.sqrt(6)) / friction_n
    count = len(np.unique(runs))
    spread = _run_spread(oil, side, difference, runs, (newtons, share, *_offsets(columns, factors)))
    uncertainty = math.hypot(fit, spread)
    if uncertainty > MAX_UNCERTAINTY:
        raise _not_learned(
            f"friction comes out as {friction_n:.3g} N and is uncertain by "
            f"{uncertainty * friction_n:.3g} N at {top_n / 1000:.3g} kN of oil force",
            "take more plateaus, higher ones, or a better reference; or leave the friction at the "
            "limits of its data sheet, which widen the stated uncertainty",
        )
    if 100 * share > _MAX_PERCENT:
        raise _not_learned(
            f"friction comes out as {100 * share:.3g} % of the oil's force, expected below "
            f"{_MAX_PERCENT:g} %",
            "check the ram's area in the profile and the unit of the reference",
        )
    return FrictionModel(
        percent=100 * share,
        newtons=newtons,
        uncertainty_percent=100 * uncertainty,
        fit_percent=100 * fit,
        run_spread_percent=100 * spread,
        zero_n=factors[columns.index("z")],
        gain=factors[columns.index("g")] if "g" in columns else None,
        residual_n=residual_n,
        plateaus=oil.size,
        runs=count,
    )


def _checked(oil_n: Floats, reference_n: Floats, rising: Bools) -> tuple[Floats, Floats, Bools]:
    """Return the arrays if they can show friction.

    Raises:
        BadInputError: `friction-not-learned`.
    """
    oil = np.asarray(oil_n, np.float64)
    reference = np.asarray(reference_n, np.float64)
    up = np.asarray(rising, np.bool_)
    if oil.ndim != 1 or not oil.shape == reference.shape == up.shape:
        raise _not_learned("the arrays differ in length", "give one value for each plateau")
    if not (np.all(np.isfinite(oil)) and np.all(np.isfinite(reference))):
        raise _not_learned("a reading is missing", "leave out plateaus without a reading")
    for name, mine in (("from below", up), ("from above", ~up)):
        count = _levels(oil[mine])
        if count < MIN_LEVELS:
            raise _not_learned(
                f"there are {count} levels reached {name}, expected at least {MIN_LEVELS}",
                "press at least two levels on the way up and the same ones on the way down",
            )
        if oil[mine].max() < MIN_SPAN * oil[mine].min():
            raise _not_learned(
                f"the levels reached {name} go from {oil[mine].min() / 1000:.3g} to "
                f"{oil[mine].max() / 1000:.3g} kN, expected a ratio of at least {MIN_SPAN:g}",
                "spread the levels over the range that you press in",
            )
    return oil, reference, up


def _fit(
    oil: Floats, side: Floats, difference: Floats
) -> tuple[list[str], list[float], Floats, float]:
    """Return the terms, their values and covariance, and the rms that is left.

    A term of friction that comes out below zero is left out: neither part can drive the ram.
    """
    terms = {"n": side, "c": side * oil, "z": np.ones_like(oil), "g": oil}
    columns = ["n", "c", "z", "g"]
    # The gain needs a level more than the zero, and a plateau that checks the fit.
    if oil.size < len(columns) + 1:
        columns.remove("g")
    while True:
        matrix = np.column_stack([terms[name] for name in columns])
        scale = np.linalg.norm(matrix, axis=0)
        inverse = np.linalg.pinv(matrix / scale, rcond=1e-9)
        factors = inverse @ difference / scale
        left = difference - matrix @ factors
        worst = min(("n", "c"), key=lambda name: _value(columns, factors, name))
        if _value(columns, factors, worst) >= 0 or not {"n", "c"} <= set(columns):
            break
        columns.remove(worst)
    free = max(1, oil.size - len(columns))
    variance = float(left @ left) / free
    covariance = variance * (inverse @ inverse.T) / np.outer(scale, scale)
    values = [float(value) for value in factors]
    return columns, values, covariance, math.sqrt(float(left @ left) / oil.size)


def _value(columns: list[str], factors: Floats, name: str) -> float:
    return float(factors[columns.index(name)]) if name in columns else math.inf


def _offsets(columns: list[str], factors: list[float]) -> tuple[float, float]:
    return factors[columns.index("z")], factors[columns.index("g")] if "g" in columns else 0.0


def _run_spread(
    oil: Floats,
    side: Floats,
    difference: Floats,
    runs: npt.NDArray[np.int64],
    fitted: tuple[float, float, float, float],
) -> float:
    """Return the limits (+-) of the mean over all runs, of the friction, from how runs differ.

    Three or more runs show it themselves; fewer are taken to differ by `FRICTION_SPREAD`.
    """
    newtons, share, zero, gain = fitted
    friction = newtons + share * oil
    factors = []
    for number in np.unique(runs):
        mine = runs == number
        model = side[mine] * friction[mine]
        factors.append(float(model @ (difference - zero - gain * oil)[mine] / (model @ model)))
    count = len(factors)
    if count < _MIN_RUNS_FOR_SPREAD:
        return FRICTION_SPREAD / math.sqrt(count)
    deviation = float(np.std(factors, ddof=1))
    # Few runs show it badly; then what is usual counts, unless they differ by more.
    limit = min(student_factor(count - 1) * deviation, max(FRICTION_SPREAD, 2 * deviation))
    return limit / math.sqrt(count)


def _levels(oil_n: Floats) -> int:
    """Return the number of distinct levels."""
    if not oil_n.size:
        return 0
    ordered = np.sort(oil_n)
    return 1 + int(np.count_nonzero(np.diff(ordered) > _SAME_LEVEL * abs(ordered[-1])))


def _not_learned(what: str, hint: str) -> BadInputError:
    return BadInputError(
        f"friction was not learned: {what}", hint=hint, code="friction-not-learned"
    )
