"""The leak that a sealed hold on a steel blank shows, and how certain it is.

A laminar leak lets the pressure of a shut press fall exponentially. Steel does not relax, so on a
blank all that is lost is due to the leak or to the oil, which was warmed by its compression and
loses pressure while it cools. A loss that slows down shows that oil cooled; how much of the loss it
caused is then a guess, which makes the leak that much less certain. The scatter of the readings is
the other part of the uncertainty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pressloop.machine.leak import REFERENCE_MPA
from pressloop.wire import schema

Floats = npt.NDArray[np.float64]

DOUBT: Final = 0.1
"""Of a leak, in addition to the uncertainty of its measurement (k = 2). Assumption: oil that is 2 K
warmer is a tenth thinner, and leaks so much more. It also covers what a sample gives back while the
pressure falls and steel does not: 0.9 % of the leak's loss in the median of 200 presses of the
bench's family, 5 % for one in twenty, 12 % at worst."""

# Readings are averaged over half a second, so that noise which is not white does not make the leak
# look too certain; over less where a large leak soon started the pump.
_BLOCK_TICKS: Final = 50
_MIN_BLOCKS: Final = 5
# A loss counts as slowing down from this many standard errors on.
_MIN_BEND_ERRORS: Final = 3.0
COOLING_S: Final = 120.0
"""Assumption: time constant with which the oil in a jack cools after it was compressed."""
_MAX_NL_MIN: Final = next(f.high for f in schema.Profile.FIELDS if f.name == "leak_nl_min")


@dataclass(frozen=True)
class BlankLeak:
    """The share of its pressure that a shut press lost on a steel blank."""

    per_s: float
    """Share of the pressure per second; not below 0."""
    standard_per_s: float
    """Standard uncertainty of the share; infinite if the hold showed nothing."""
    oil_mpa: float
    """Mean pressure of the oil meanwhile."""

    def stored(self, compliance_ul_mpa: float) -> tuple[int, int] | tuple[None, None]:
        """Return leak and uncertainty for the profile, nL/min at 10 MPa of oil.

        A leak that is smaller than its uncertainty is stored as 0, and the uncertainty then covers
        all that it may be. Both are None if the hold showed nothing.

        Args:
            compliance_ul_mpa: Of the closed press at `oil_mpa`.
        """
        if not math.isfinite(self.standard_per_s):
            return None, None
        expanded = 2 * self.standard_per_s
        leak, uncertainty = self.per_s, math.hypot(expanded, DOUBT * self.per_s)
        if leak <= expanded:
            leak, uncertainty = 0.0, leak + expanded
        nl_min = 60 * 1000 * REFERENCE_MPA * compliance_ul_mpa
        return (
            min(_MAX_NL_MIN, round(leak * nl_min)),
            min(_MAX_NL_MIN, math.ceil(uncertainty * nl_min)),
        )


def fit_leak(shut_mpa: Floats) -> BlankLeak:
    """Return the leak that explains the oil pressures of a shut press, one per tick."""
    ticks = min(_BLOCK_TICKS, len(shut_mpa) // _MIN_BLOCKS)
    if not ticks:
        return BlankLeak(0.0, math.inf, 0.0)
    blocks = len(shut_mpa) // ticks
    means = shut_mpa[: blocks * ticks].reshape(blocks, ticks).mean(axis=1)
    if not np.all(means > 0):
        return BlankLeak(0.0, math.inf, 0.0)
    clock = (np.arange(blocks) - (blocks - 1) / 2) * ticks / schema.TICK_HZ
    # Orthogonal to the line, so that slope and bend can be fitted one by one.
    bow = clock**2 - np.mean(clock**2)
    level = np.log(means)
    slope, bend = (float(shape @ level / (shape @ shape)) for shape in (clock, bow))
    residuals = level - level.mean() - slope * clock - bend * bow
    scatter = float(residuals @ residuals) / (blocks - 3)
    standard = math.sqrt(scatter / float(clock @ clock))
    if abs(bend) > _MIN_BEND_ERRORS * math.sqrt(scatter / float(bow @ bow)):
        # A loss that fades with this time constant and bends so much is so large; it cannot be more
        # than the whole loss.
        fading = min(2 * abs(bend) * COOLING_S, abs(slope))
        standard = math.hypot(standard, fading / math.sqrt(3))
    return BlankLeak(max(0.0, -slope), standard, float(means.mean()))
