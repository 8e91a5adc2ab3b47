"""Robust statistics of a few values: what one wrong value among them cannot move.

Location is the median, scale the median absolute deviation (MAD) with a correction for small
samples. Corrections: Croux and Rousseeuw, "Time-efficient algorithms for two highly robust
estimators of scale" (1992), table for n up to 9 and n/(n - 0.8) beyond.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Final

_MAD_TO_SIGMA: Final = 1.4826
"""Of a normal distribution."""

_SMALL: Final = {2: 1.196, 3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}

_WIDE_SHARE: Final = 0.8
_WIDE_TO_SIGMA: Final = 1 / NormalDist().inv_cdf(0.5 + _WIDE_SHARE / 2)
"""Share of the values whose spread also counts: where half of them agree by chance, as readings
with few digits do, the MAD alone would call the others odd."""

_EFFICIENCY: Final = 0.7
"""Of this scale for normal values: so much of a sample says something of its scale. With 0.7, at
most 0.3 % of simulated batches of 5 to 30 sound runs have a false alarm."""


@dataclass(frozen=True)
class Spread:
    """Median, robust standard deviation and extremes of some values."""

    count: int
    median: float
    sigma: float
    low: float
    high: float


def spread_of(values: Sequence[float]) -> Spread:
    """Return the robust spread of at least one value; of one alone sigma is 0."""
    middle = median(values)
    distances = sorted(abs(value - middle) for value in values)
    count = len(values)
    sigma = 0.0
    if count > 1:
        factor = _SMALL.get(count, count / (count - 0.8))
        wide = distances[min(count - 1, math.ceil(_WIDE_SHARE * count) - 1)]
        sigma = factor * max(_MAD_TO_SIGMA * median(distances), _WIDE_TO_SIGMA * wide)
    return Spread(count, middle, sigma, min(values), max(values))


def outlier_limit(count: int, tests: int, *, false_alarm: float = 0.01) -> float:
    """Return how many robust standard deviations a value may be away without being odd.

    So large that all comparisons of a batch of sound runs together give a false alarm in one of a
    hundred batches. The scale is itself uncertain, more so in a small batch, hence Student's t.

    Args:
        count: Values that were compared with each other.
        tests: Comparisons in the whole batch.
        false_alarm: Probability of a false alarm in a batch.
    """
    freedom = max(2.0, _EFFICIENCY * (count - 1))
    return student_quantile(false_alarm / max(1, tests), freedom)


def student_quantile(tail: float, freedom: float) -> float:
    """Return the t with this probability in both tails together.

    Hill, algorithm 396, Communications of the ACM 13 (1970) 619; good to five digits.

    Args:
        tail: Probability that |T| is larger.
        freedom: Degrees of freedom, 2 or more.
    """
    n = freedom
    a = 1 / (n - 0.5)
    b = 48 / a**2
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * n
    y = (d * tail) ** (2 / n)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(tail / 2)
        y = x**2
        if n < 5:
            c += 0.3 * (n - 4.5) * (x + 0.6)
        c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        y = math.expm1(a * y**2)
    else:
        e = ((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3
        y = ((1 / e + 0.5 / (n + 4)) * y - 1) * (n + 1) / (n + 2) + 1 / y
    return math.sqrt(n * y)


def capability(values: Spread, low: float, high: float) -> float | None:
    """Return Cpk: how many times three sigma fit between the median and the nearer limit.

    None for less than two values, or where they do not spread.
    """
    if values.count < 2 or values.sigma <= 0:
        return None
    return min(high - values.median, values.median - low) / (3 * values.sigma)
