"""The balance of volumes in windows of a fifth of a second, in which one valve alone is at work.

    rising    integral of flow      = C(P) dP + leak
    falling   integral of flow sqrt(P/10 MPa) = -C(P) dP - leak

with P the oil pressure, C the compliance of the closed press, and flow the share of its full flow
that a valve passes once its spool, which follows the command with hysteresis and lag, has left the
dead band.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pressloop.errors import BadInputError
from pressloop.machine.profile import curve_knots
from pressloop.tuning.plausibility import BLANK_HINT
from pressloop.tuning.records import NO_STEP, Bools, Floats, Ints, TuningRecords
from pressloop.wire import schema

KNOTS: Final = 8
"""Points of the compliance curve, at 1/128 ... 1/1 of the profile's highest oil pressure."""
TICK_S: Final = 1 / schema.TICK_HZ
WINDOW_TICKS: Final = 20
"""Length of the windows over which volumes are balanced."""
MIN_WINDOWS: Final = 25
# Shares of the highest pressure; below, a window shows the contact more than the press.
MIN_PRESSURE_SHARE_RISING: Final = 0.01
MIN_PRESSURE_SHARE_FALLING: Final = 0.05

# Readings are averaged over so many ticks, centred: noise in a regressor would bias its factor.
_SMOOTHED_TICKS: Final = 5
SMOOTHED_NOISE: Final = (2 / _SMOOTHED_TICKS) ** 0.5
"""Noise of the rise over a window, of that of a reading."""

_FULL: Final = schema.OUTPUT_FULL
_ATMOSPHERE_MPA: Final = 0.1
# From the start of one window to the start of the next.
_STRIDE_TICKS: Final = 4
# A valve that was commanded to close may still pass oil for so long.
_CLOSING_TICKS: Final = 20


class TooFewWindowsError(BadInputError):
    """A run in which hardly ever one valve alone was at work. Code: `tuning-nonsense`."""


@dataclass(frozen=True)
class VolumeBalance:
    """Windows of a run in which one valve alone was at work."""

    start: Ints
    step: Ints
    oil_start_mpa: Floats
    oil_mpa: Floats
    """At the end of each window."""
    pressure_integral_mpa_s: Floats
    """Integral of the pressure over each window."""

    @classmethod
    def of(
        cls, records: TuningRecords, oil_mpa: Floats, min_share: float, *, releasing: bool
    ) -> VolumeBalance:
        """Find the windows of one valve, above `min_share` of the highest pressure.

        Raises:
            TooFewWindowsError: There are fewer than `MIN_WINDOWS`.
        """
        other = records.output > 0 if releasing else records.output < 0
        excluded = _dilate(other, WINDOW_TICKS + _CLOSING_TICKS)
        excluded |= _dilate(records.approaching, WINDOW_TICKS)
        excluded |= _dilate(np.abs(records.output) == _FULL, WINDOW_TICKS)
        at_work = records.output < 0 if releasing else records.output > 0
        smooth = np.convolve(oil_mpa, np.ones(_SMOOTHED_TICKS) / _SMOOTHED_TICKS, "same")
        ends = np.flatnonzero(
            ~excluded & at_work & (oil_mpa > min_share * oil_mpa.max()) & (records.step < NO_STEP)
        )
        ends = ends[(ends > 2 * WINDOW_TICKS)][::_STRIDE_TICKS]
        if len(ends) < MIN_WINDOWS:
            raise TooFewWindowsError(
                f"tuning found nothing to store: one valve alone was at work in {len(ends)} "
                f"windows of the run, expected at least {MIN_WINDOWS}",
                hint=BLANK_HINT,
                code="tuning-nonsense",
            )
        start = ends - WINDOW_TICKS
        integral = np.concatenate(([0.0], np.cumsum(smooth) * TICK_S))
        return cls(
            start,
            records.step[ends],
            smooth[start],
            smooth[ends],
            integral[ends] - integral[start],
        )

    @property
    def rise_mpa(self) -> Floats:
        """Change of the pressure over each window; negative in a release."""
        return self.oil_mpa - self.oil_start_mpa

    @property
    def moving(self) -> Bools:
        """Whether each window is in a ramp, judged by how far the pressure moved."""
        moved_mpa = np.abs(self.rise_mpa)
        return np.asarray(moved_mpa > np.quantile(moved_mpa, 0.75) / 2)

    def mean_shapes(self, zero_mpa: float) -> Floats:
        """Return the mean of `compliance_shapes` over the pressures of each window."""
        middle_mpa = self.pressure_integral_mpa_s / (WINDOW_TICKS * TICK_S)
        start, middle, end = (
            compliance_shapes(np.maximum(oil_mpa, 0), zero_mpa)
            for oil_mpa in (self.oil_start_mpa, middle_mpa, self.oil_mpa)
        )
        return np.asarray((start + 4 * middle + end) / 6)

    def leaked(self, leak_per_s: float, top_mpa: float, zero_mpa: float) -> Floats:
        """Return the volume that leaks in each window, for each compliance term.

        The leak was measured as a pressure drop at `top_mpa`; its volume is that drop times the
        compliance there.
        """
        at_top = compliance_shapes(np.array([top_mpa]), zero_mpa)
        return np.asarray(leak_per_s * self.pressure_integral_mpa_s[:, None] * at_top)

    def volumes(self, leak_per_s: float, top_mpa: float, zero_mpa: float) -> Floats:
        """Return the oil volume of each compliance term: a row per window, a column per term.

        Leak included; `zero_mpa` is that of `absolute_zero_mpa`.
        """
        taken = _compliance_integrals(self.oil_mpa, zero_mpa)
        taken -= _compliance_integrals(self.oil_start_mpa, zero_mpa)
        return np.asarray(taken + self.leaked(leak_per_s, top_mpa, zero_mpa))

    def fed(self, flow: Floats) -> Floats:
        """Return the volume that a flow per tick feeds in each window."""
        volume = np.concatenate(([0.0], np.cumsum(flow) * TICK_S))
        return volume[self.start + WINDOW_TICKS] - volume[self.start]


def absolute_zero_mpa(profile: schema.Profile) -> float:
    """Return the absolute pressure of the oil at a reading of zero, MPa.

    The zero is taken while the ram travels, when the oil stands under the return spring.
    """
    return _ATMOSPHERE_MPA + (profile.return_oil_kpa or 0) / 1000


def compliance_shapes(oil_mpa: Floats, zero_mpa: float) -> Floats:
    """Return the shapes of compliance over pressure: frame and oil, closing seats, entrained air.

    The fitted compliance is a sum of these columns, each times a factor.
    """
    air = _ATMOSPHERE_MPA / (zero_mpa + oil_mpa) ** 2
    return np.column_stack((np.ones_like(oil_mpa), 1 / (1 + oil_mpa), air))


def _compliance_integrals(oil_mpa: Floats, zero_mpa: float) -> Floats:
    """Return the integrals of `compliance_shapes` over pressure."""
    positive = np.maximum(oil_mpa, 0)
    air = -_ATMOSPHERE_MPA / (zero_mpa + positive)
    return np.column_stack((positive, np.log1p(positive), air))


def knots_mpa(profile: schema.Profile) -> Floats:
    """Return the oil pressures of the compliance curve, MPa."""
    return np.asarray(curve_knots(profile.max_oil_kpa / 1000, KNOTS))


def _dilate(ticks: Bools, count: int) -> Bools:
    """Return the ticks that have one of `ticks` within the last `count`."""
    return np.asarray(np.convolve(ticks, np.ones(count), "full")[: len(ticks)] > 0)
