"""What the press's leak took of a sealed dwell, sample by sample, by its profile.

`pressloop.machine.leak` says how the leak is stated, and works out a single loss without numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pressloop.machine.leak import REFERENCE_MPA
from pressloop.machine.profile import MachineProfile, curve_knots

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Leaked:
    """Pressure on the pellet that the leak has taken since the first sample, for each sample."""

    mpa: Floats
    """Loss since the first sample, MPa."""
    uncertainty_mpa: Floats
    """Expanded uncertainty, k = 2, MPa; it grows with the loss, as the leak's error is constant."""


def leaked(
    profile: MachineProfile, die_mm: float, time_s: Floats, pressure_mpa: Floats
) -> Leaked | None:
    """Return the loss through the leak during a sealed dwell; None if the profile has no leak.

    Args:
        profile: Profile of the press.
        die_mm: Diameter of the die, mm.
        time_s: Time of each sample, s; ascending, without gaps.
        pressure_mpa: Pressure on the pellet at each sample, MPa.
    """
    leak, uncertainty = profile.leak_ul_min, profile.leak_uncertainty_ul_min
    if leak is None or uncertainty is None or not time_s.size:
        return None
    compliance = compliance_ul_mpa(profile, pressure_mpa / profile.lever(die_mm))
    # In MPa/s for each uL/min of leak; integrated by the trapezoidal rule.
    rate = pressure_mpa / (60 * REFERENCE_MPA * compliance)
    taken = np.concatenate(([0.0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(time_s))))
    return Leaked(leak * taken, uncertainty * taken)


def compliance_ul_mpa(profile: MachineProfile, oil_mpa: Floats) -> Floats:
    """Return the compliance of the closed press, uL/MPa, at each oil pressure."""
    curve = profile.compliance_curve_ul_mpa
    if curve is None:
        return np.full(oil_mpa.size, profile.compliance_ul_mpa)
    return np.interp(oil_mpa, curve_knots(profile.max_oil_bar / 10, len(curve)), curve)
