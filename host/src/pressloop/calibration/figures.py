"""Computes the figures of a calibration as ISO 7500-1 defines them, and judges them.

At each level, with I what the press indicates, F the reference and the mean over the rising series:

    error            q = (I - F) / F
    repeatability    b = largest q - smallest q of the rising series
    reversibility    v = q falling - q rising, of one series
    zero             f0 = indication without load / largest force

Uncertainty of q with k = 2: of the reference, and the standard error of the rising series.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from pressloop.calibration.correction import Correction
from pressloop.calibration.readings import LevelReading
from pressloop.errors import required
from pressloop.machine.uncertainty import COVERAGE_FACTOR

DEFAULT_ACCEPT_PERCENT: Final = 3.0
"""Largest error, repeatability and reversibility after the correction that pass."""


@dataclass(frozen=True)
class LevelFigures:
    """The figures of one level, in per cent of its force.

    Attributes:
        level: Number of the level, from 1.
        force_kn: Mean of the reference on the way up, kN.
        error_percent: Error of what the press indicates, as found.
        repeatability_percent: Largest difference of the rising series, as found.
        reversibility_percent: Falling less rising, as found; None where it was not read.
        uncertainty_percent: Expanded uncertainty (k = 2) of the error.
        error_left_percent: Error after the correction.
        repeatability_left_percent: Repeatability after the correction.
        reversibility_left_percent: Reversibility after the correction.
    """

    level: int
    force_kn: float
    error_percent: float
    repeatability_percent: float
    reversibility_percent: float | None
    uncertainty_percent: float
    error_left_percent: float
    repeatability_left_percent: float
    reversibility_left_percent: float | None


@dataclass(frozen=True)
class Figures:
    """The figures of a calibration.

    Attributes:
        levels: Of each level, the lowest first.
        zero_percent: Indication without load, of the largest force; None where it was not read.
        uncertainty_percent: Expanded uncertainty (k = 2) of zero and gain after the correction, of
            the force.
        uncertainty_n: The same without load, N; both add as squares.
        error_left_percent: Largest error that is left, up or down.
        passed: Whether all that is left is within what was asked for.
        reasons: Why it did not pass, one sentence each.
    """

    levels: tuple[LevelFigures, ...]
    zero_percent: float | None
    uncertainty_percent: float
    uncertainty_n: float
    error_left_percent: float
    passed: bool
    reasons: tuple[str, ...]


def compute_figures(
    readings: Iterable[LevelReading],
    correction: Correction,
    *,
    reference_error: float,
    zeros_kn: Iterable[float] = (),
    accept_percent: float = DEFAULT_ACCEPT_PERCENT,
) -> Figures:
    """Return the figures of readings that all have a reference.

    Args:
        readings: All levels of all series.
        correction: What was learned from them.
        reference_error: Expanded uncertainty (k = 2) of the reference, of its reading.
        zeros_kn: What the controller read without load, kN.
        accept_percent: Largest error, repeatability and reversibility that pass.
    """
    known = list(readings)
    numbers = sorted({reading.level for reading in known})
    levels = tuple(
        _level([r for r in known if r.level == number], correction, reference_error)
        for number in numbers
    )
    top_kn = max(reading.target_kn for reading in known)
    zeros = list(zeros_kn)
    line = correction.line
    left = [
        abs(level.error_left_percent + extra)
        for level in levels
        for extra in (0.0, level.reversibility_left_percent or 0.0)
    ]
    reasons = tuple(_reasons(levels, accept_percent))
    return Figures(
        levels=levels,
        zero_percent=100 * float(np.mean(zeros)) / top_kn if zeros else None,
        uncertainty_percent=100
        * math.hypot(
            reference_error,
            line.gain_uncertainty,
        ),
        uncertainty_n=correction.zero_uncertainty_n,
        error_left_percent=max(left),
        passed=not reasons,
        reasons=reasons,
    )


def _level(
    readings: list[LevelReading], correction: Correction, reference_error: float
) -> LevelFigures:
    found = _errors(readings, lambda r: 1000 * r.indicated_kn)
    left = _errors(readings, correction.left_n)
    rising = np.array(list(found[True].values()))
    reference = [_reference_n(reading) for reading in readings if reading.rising]
    deviation = float(np.std(rising, ddof=1)) if len(rising) > 1 else 0.0
    standard = math.hypot(reference_error / 2, deviation / math.sqrt(len(rising)))
    return LevelFigures(
        level=readings[0].level,
        force_kn=float(np.mean(reference)) / 1000,
        error_percent=100 * float(rising.mean()),
        repeatability_percent=100 * float(np.ptp(rising)),
        reversibility_percent=_reversibility(found),
        uncertainty_percent=100 * COVERAGE_FACTOR * standard,
        error_left_percent=100 * float(np.mean(list(left[True].values()))),
        repeatability_left_percent=100 * float(np.ptp(list(left[True].values()))),
        reversibility_left_percent=_reversibility(left),
    )


def _errors(
    readings: list[LevelReading], indicated_n: Callable[[LevelReading], float | None]
) -> dict[bool, dict[int, float]]:
    """Return the relative error of each reading, by direction and series."""
    errors: dict[bool, dict[int, float]] = {True: {}, False: {}}
    for reading in readings:
        true, shown = _reference_n(reading), indicated_n(reading)
        if shown is not None:
            errors[reading.rising][reading.series] = (shown - true) / true
    return errors


def _reversibility(errors: dict[bool, dict[int, float]]) -> float | None:
    both = [errors[False][series] - errors[True][series] for series in errors[False]]
    return 100 * float(np.mean(both)) if both else None


def _reasons(levels: tuple[LevelFigures, ...], accept: float) -> list[str]:
    reasons = []
    for level in levels:
        for name, value in (
            ("error", level.error_left_percent),
            ("repeatability", level.repeatability_left_percent),
            ("reversibility", level.reversibility_left_percent),
        ):
            if value is not None and abs(value) > accept:
                reasons.append(
                    f"At {level.force_kn:.4g} kN the {name} is {value:+.2f} % after the "
                    f"correction; the limit is {accept:g} %."
                )
    return reasons


def _reference_n(reading: LevelReading) -> float:
    return 1000 * required(reading.reference_kn, f"the reference of {reading.name}")
