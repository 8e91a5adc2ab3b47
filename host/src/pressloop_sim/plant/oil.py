"""Stiffness of the trapped oil with entrained air.

Air entrained at atmospheric pressure is compressed isothermally in parallel with the oil
(Merritt, Hydraulic Control Systems, 1967, section 2.1):

    1/B_eff(P) = 1/B + r p_a / (p_a + P)^2

with B the bulk modulus of the oil, r the air's share of the volume at atmospheric pressure p_a and
P the gauge pressure. Integrated over the pressure, a volume V takes up

    dV(P) = V (P/B + r P/(p_a + P))

more oil than at P = 0. Pressures in MPa (gauge), volumes in mm3.
"""

import math

from pressloop_sim.plant import micropython_compat as micropython

ATMOSPHERE_MPA = 0.1


class Oil:
    """Computes how much the oil between valves and ram is compressed at a pressure."""

    def __init__(self, volume_mm3: float, bulk_modulus_mpa: float, air_fraction: float) -> None:
        """`volume_mm3` is the volume at contact, taken as constant over the pressing stroke."""
        self.compliance = volume_mm3 / bulk_modulus_mpa
        self.air_mm3 = volume_mm3 * air_fraction

    @micropython.native
    def taken_up(self, pressure: float) -> float:
        """Return the oil volume, mm3, that compression from 0 to `pressure` takes up."""
        return pressure * (self.compliance + self.air_mm3 / (ATMOSPHERE_MPA + pressure))

    @micropython.native
    def slope(self, pressure: float) -> float:
        """Return V/B_eff at `pressure`, mm3/MPa."""
        total = ATMOSPHERE_MPA + pressure
        return self.compliance + self.air_mm3 * ATMOSPHERE_MPA / (total * total)


class Spring:
    """Inverts the volume taken up by the oil and an elastic body in series to a pressure."""

    def __init__(self, oil: Oil) -> None:
        """Start with the oil alone, a body of compliance 0."""
        self._oil = oil
        # MPa/mm3 at the pressure found last.
        self.stiffness = 0.0
        self.set(0.0)

    @micropython.native
    def set(self, elastic: float) -> None:
        """Set the compliance of the elastic body, mm3/MPa."""
        oil = self._oil
        c = oil.compliance + elastic
        self._twice_c = 2.0 * c
        self._b = c * ATMOSPHERE_MPA + oil.air_mm3
        self._four_ac = 4.0 * c * ATMOSPHERE_MPA

    @micropython.native
    def pressure(self, volume: float) -> float:
        """Return the pressure at which `volume` is taken up, and set `stiffness` for it.

        This is the positive root of c P^2 + b P - volume p_a = 0, with c = V/B + elastic and
        b = c p_a + V r - volume; its derivative is (P + p_a)/(2 c P + b).
        """
        if volume < 0.0:
            volume = 0.0
        b = self._b - volume
        root = math.sqrt(b * b + self._four_ac * volume)
        # The form without a difference of nearly equal numbers, for either sign of b.
        if b > 0.0:
            pressure = 2.0 * ATMOSPHERE_MPA * volume / (b + root)
        else:
            pressure = (root - b) / self._twice_c
        self.stiffness = (pressure + ATMOSPHERE_MPA) / root
        return pressure
