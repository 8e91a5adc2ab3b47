"""Computes springback: how much a pellet grows when the pressure is released.

A displacement sensor between the platens shows it directly: the platens open from the end of the
dwell until the punch leaves the pellet; the recovery of the punches themselves is subtracted.

Without a sensor it follows from the oil, in principle: the oil that flowed back, less the oil that
the closed press returns by its own compliance C(P),

    A_ram springback = integral of release flow - integral of C(P) dP

The press's share is some fifty times that of a pellet of 1 mm, and the release valve works just
above a dead band that a data sheet states to a few per cent of stroke. So springback is resolved
only for tall or soft samples and on a tuned press. The uncertainty decides, and the result says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pressloop.analysis.leak import compliance_ul_mpa
from pressloop.analysis.metrics import noise_mpa as noise_within_blocks
from pressloop.machine.profile import MachineProfile
from pressloop.machine.uncertainty import COVERAGE_FACTOR

Floats = npt.NDArray[np.float64]

TUNED_PERCENT: Final = 3.0
"""Limits of the oil balance on a tuned press, of its share. Flow, dead band and compliance are
identified together, so an error of one is compensated by another. Measured against the
displacement on 13 simulated presses, two releases each: 1.2 % root mean square, 3.2 % at worst;
the pellets had 0.5-5 % of the press's share."""
DEAD_BAND_PERCENT: Final = 2.0
"""Assumption for a press that was not tuned: limits of the release valve's dead band, of stroke."""
FLOW_PERCENT: Final = 10.0
"""Assumption for a press that was not tuned: limits of the release flow."""
COMPLIANCE_PERCENT: Final = 15.0
"""Assumption for a press that was not tuned: limits of the closed press's compliance."""

_END_S: Final = 0.5
"""Length of the end of a dwell, over which its level is averaged."""
_REFERENCE_MPA: Final = 10.0
"""Oil pressure at which the profile states the release flow."""


SpringbackSource = Literal["displacement", "oil volume"]


@dataclass(frozen=True)
class Springback:
    """Thickness gained on release.

    Attributes:
        source: `displacement` or `oil volume`.
        from_mpa: Pressure at the end of the dwell.
        to_mpa: Pressure at which the punch counts as leaving the pellet.
        resolved: The gain is larger than its uncertainty.
        reason: Why it is not resolved; empty when it is.
        gained_mm: Thickness gained; None when it is not resolved.
        gained_mm_uncertainty: Expanded, k = 2; also when the gain is not resolved.
        gained_percent: Of the thickness under pressure, where that is known.
        punches_included: The recovery of the punches was not given and is part of the gain.
    """

    source: SpringbackSource
    from_mpa: float
    to_mpa: float
    resolved: bool
    reason: str
    gained_mm: float | None
    gained_mm_uncertainty: float
    gained_percent: float | None = None
    punches_included: bool = False


@dataclass(frozen=True)
class ReleaseSamples:
    """The samples from the beginning of a dwell to the loss of contact, without gaps.

    All arrays have the shape (n,), one element per record.

    Attributes:
        time_s: Device clock, s, ascending.
        pressure_mpa: Reading, MPa on the pellet.
        output_percent: Opening of the valves, -100..100; negative release.
        hold_end: Number of samples that belong to the dwell.
        displacement_mm: Closing of the platens, mm; None without a sensor.
    """

    time_s: Floats
    pressure_mpa: Floats
    output_percent: Floats
    hold_end: int
    displacement_mm: Floats | None

    def levels(self) -> tuple[float, float]:
        """Return the pressure at the end of the dwell and at the loss of contact, MPa."""
        return float(self.pressure_mpa[self._end].mean()), float(self.pressure_mpa[-1])

    @property
    def _end(self) -> slice:
        """The last half second of the dwell."""
        first = np.searchsorted(self.time_s, self.time_s[self.hold_end - 1] - _END_S)
        return slice(int(first), self.hold_end)

    def closings(self) -> tuple[float, float, float]:
        """Return the closing at the end of the dwell and at the loss of contact, mm.

        The third value is the standard uncertainty of their difference, mm.

        Raises:
            ValueError: There is no sensor.
        """
        if self.displacement_mm is None:
            raise ValueError("there is no displacement sensor")
        held = self.displacement_mm[: self.hold_end]
        loaded, last = self.displacement_mm[self._end], self.displacement_mm[-3:]
        noise = noise_within_blocks(held) or 0.0
        steps = np.diff(np.unique(self.displacement_mm))
        resolution = float(steps.min()) if steps.size else 0.001
        # Contact was lost somewhere between two records.
        between = abs(float(last[-1] - last[0])) / last.size
        return (
            float(loaded.mean()),
            float(last.mean()),
            math.hypot(
                noise / math.sqrt(loaded.size),
                noise / math.sqrt(last.size),
                resolution / math.sqrt(12),
                resolution / math.sqrt(12),
                between / math.sqrt(3),
            ),
        )


def from_displacement(release: ReleaseSamples, punches_um_mpa: float | None) -> Springback:
    """Return the springback that the displacement sensor measured.

    Args:
        release: With displacement.
        punches_um_mpa: Closing of the empty die per pressure; None: not known.
    """
    high, low = release.levels()
    loaded, contact, standard = release.closings()
    punches = (punches_um_mpa or 0.0) / 1000 * (high - low)
    gained = loaded - contact - punches
    uncertainty = COVERAGE_FACTOR * standard
    reason = ""
    if punches and gained < -uncertainty:
        reason = (
            f"the platens opened by {1000 * (loaded - contact):.1f} um, but by punches_um_mpa the "
            f"punches alone recover {1000 * punches:.1f} um: measure it again with the empty die"
        )
    elif gained <= uncertainty:
        reason = (
            f"{1000 * gained:.1f} um is within the uncertainty of ± {1000 * uncertainty:.1f} um"
        )
    result = _result("displacement", release, gained, uncertainty, reason)
    return replace(result, punches_included=punches_um_mpa is None)


def from_oil(release: ReleaseSamples, profile: MachineProfile, die_mm: float) -> Springback:
    """Return the springback that follows from the oil, where its uncertainty allows."""
    at = slice(release.hold_end, None)
    oil_mpa = np.maximum(release.pressure_mpa[at], 0.0) / profile.lever(die_mm)
    step_s = np.diff(release.time_s[at], append=release.time_s[-1])
    dead = profile.release_dead_band_percent
    # mm3 per per cent of opening beyond the dead band.
    per_percent = (
        1000 * profile.release_flow_ml_s / (100 - dead) * np.sqrt(oil_mpa / _REFERENCE_MPA) * step_s
    )
    opening = -release.output_percent[at]
    is_open = opening > dead
    returned = float((per_percent * np.clip(opening - dead, 0, None)).sum())
    press = float(np.abs(np.diff(oil_mpa) * compliance_ul_mpa(profile, oil_mpa)[1:]).sum())
    limits: tuple[float, ...] = (TUNED_PERCENT / 100 * press,)
    if profile.compliance_curve_ul_mpa is None:
        limits = (
            DEAD_BAND_PERCENT * float(per_percent[is_open].sum()),
            FLOW_PERCENT / 100 * returned,
            COMPLIANCE_PERCENT / 100 * press,
        )
    area_mm2 = 100 * profile.ram_area_cm2
    uncertainty = COVERAGE_FACTOR * math.hypot(*limits) / math.sqrt(3) / area_mm2
    gained = (returned - press) / area_mm2
    reason = ""
    if gained <= uncertainty:
        reason = (
            f"the pellet's share of {press:.0f} mm3 of oil is uncertain by ± "
            f"{uncertainty * area_mm2:.0f} mm3 (± {uncertainty:.2g} mm)"
        )
    return _result("oil volume", release, gained, uncertainty, reason)


def _result(
    source: SpringbackSource,
    release: ReleaseSamples,
    gained_mm: float,
    uncertainty_mm: float,
    reason: str,
) -> Springback:
    """Return the result; without the number when there is a reason against it."""
    high, low = release.levels()
    return Springback(
        source=source,
        from_mpa=high,
        to_mpa=low,
        resolved=not reason,
        reason=reason,
        gained_mm=None if reason else gained_mm,
        gained_mm_uncertainty=uncertainty_mm,
    )
