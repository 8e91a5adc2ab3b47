"""Friction of the ram's seals: Dahl's law along the travel of the ram, with a Stribeck peak.

Dahl (Aerospace Corp. report TOR-0158(3107-18)-1, 1968) lets friction grow with travel, not with
speed, so that a seal is elastic before it slides:

    dz/dx = (Fc - z sign(dx)) / d

with z the friction force on the ram, positive against upward travel x, Fc its level in sliding and
d the pre-sliding distance. The stiffness is Fc/d around z = 0, 2 Fc/d right after a reversal from
full friction and 0 in sliding. Over a travel dx with a constant level the law has the closed form

    z = s Fc - (s Fc - z0) exp(-|dx|/d),   s = sign(dx)

It does not depend on time. Where the level rises with the pressure, z stays: the new contact of
the seal is not sheared yet. Where the level falls below z, z falls with it. This is the model of
Canudas de Wit et al. (IEEE Trans. Automatic Control 40 (1995) 419) without damping. Its Stribeck
curve has the form of Hess and Soom (J. Tribology 112 (1990) 147): with v the speed of the ram

    Fc = c0 + c1 A P + c2 A P / (1 + (v/vs)^2)

Usual for hydraulic seals, as assumptions: c0 20-100 N, c1 2-5 %, c2 0.5-2 %, d 10-50 um. From run
to run the level differs by up to 20 %.

Lengths in mm, forces in N, pressures in MPa of oil, speeds in mm/s.
"""

import math

from pressloop_sim.plant import micropython_compat as micropython
from pressloop_sim.plant.noise import Rng

# Separates the draws of friction from those of the other generators that start from the same seed.
_STREAM = 7919
_BITS = 0x100000000


class RamFriction:
    """Follows the friction of one ram: `force_n` after the travel so far, and its `slope_n_mm`."""

    def __init__(self, config: dict[str, float], seed: int) -> None:
        """Begin without load and without friction, by the keys `friction_*` of a plant config."""
        area = config["ram_area_mm2"]
        self._nominal_n = config["friction_coulomb_n"]
        self._nominal_n_mpa = config["friction_share"] * area
        self._nominal_peak_n_mpa = config["friction_stribeck_share"] * area
        self._per_speed = 1.0 / config["friction_stribeck_mm_s"]
        self._per_mm = 1.0 / config["friction_presliding_mm"]
        self._spread = config["friction_spread"]
        self._rng = Rng(seed + _STREAM)
        self.force_n = 0.0
        self.slope_n_mm = 0.0
        self.level_n = 0.0
        self.begin_run()

    def begin_run(self) -> None:
        """Draw the level of the next run: it differs by up to the spread from the nominal one."""
        self.factor = 1.0 + self._spread * (2.0 * self._rng.bits() / _BITS - 1.0)
        self._coulomb_n = self.factor * self._nominal_n
        self._n_mpa = self.factor * self._nominal_n_mpa
        self._peak_n_mpa = self.factor * self._nominal_peak_n_mpa

    @micropython.native
    def set_level(self, oil_mpa: float, speed_mm_s: float) -> None:
        """Set the level at an oil pressure and a speed; the friction force falls with it."""
        level = most = self._coulomb_n + self._n_mpa * oil_mpa
        if self._peak_n_mpa > 0.0:
            ratio = speed_mm_s * self._per_speed
            peak = self._peak_n_mpa * oil_mpa
            level += peak / (1.0 + ratio * ratio)
            most += peak
        self.level_n = level
        if self.force_n > most:
            self.force_n = most
        elif self.force_n < -most:
            self.force_n = -most

    @micropython.native
    def after(self, travel_mm: float) -> float:
        """Return the friction after a further travel, N, and set `slope_n_mm` for it.

        The state does not change: assign the result to `force_n` once the travel is known.
        """
        per_mm = self._per_mm
        level = self.level_n
        if travel_mm < 0.0:
            rest = (level + self.force_n) * math.exp(travel_mm * per_mm)
            self.slope_n_mm = rest * per_mm
            return rest - level
        rest = (level - self.force_n) * math.exp(-travel_mm * per_mm)
        self.slope_n_mm = rest * per_mm
        return level - rest
