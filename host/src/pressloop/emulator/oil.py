"""Stiffness of the trapped oil, with the air that is always in it.

Air entrained at atmospheric pressure is compressed isothermally in parallel with the oil
(Merritt, Hydraulic Control Systems, 1967, section 2.1):

    1/B_eff(P) = 1/B + r p_a / (p_a + P)^2

with B the bulk modulus of the oil, r the air's share of the volume at atmospheric pressure p_a and
P the gauge pressure. Integrated over the pressure, a volume V takes up

    dV(P) = V (P/B + r P/(p_a + P))

more oil than at P = 0. Pressures in MPa (gauge), volumes in mm3.
"""

import math

from . import interpreter as micropython

ATMOSPHERE_MPA = 0.1


class Oil:
    """The oil trapped between the valves and the ram."""

    def __init__(self, volume_mm3: float, bulk_modulus_mpa: float, air_fraction: float) -> None:
        """Take the volume at contact; it is treated as constant over the pressing stroke."""
        self.compliance = volume_mm3 / bulk_modulus_mpa
        self.air_mm3 = volume_mm3 * air_fraction

    @micropython.native
    def taken_up(self, pressure: float) -> float:
        """Return the oil, mm3, that compression makes room for between 0 and `pressure`."""
        return pressure * (self.compliance + self.air_mm3 / (ATMOSPHERE_MPA + pressure))

    @micropython.native
    def slope(self, pressure: float) -> float:
        """Return V/B_eff at `pressure`, mm3/MPa."""
        total = ATMOSPHERE_MPA + pressure
        return self.compliance + self.air_mm3 * ATMOSPHERE_MPA / (total * total)

    @micropython.native
    def pressure(self, volume: float, elastic: float) -> float:
        """Return the pressure at which oil and an elastic body have taken up `volume`.

        `elastic` is the body's compliance in mm3/MPa. This is the positive root of
        c P^2 + b P - volume p_a = 0 with c = V/B + elastic.
        """
        if volume <= 0.0:
            return 0.0
        c = self.compliance + elastic
        b = c * ATMOSPHERE_MPA + self.air_mm3 - volume
        ac = volume * ATMOSPHERE_MPA
        root = math.sqrt(b * b + 4 * c * ac)
        # The form without a difference of near-equal numbers.
        return 2 * ac / (b + root) if b > 0.0 else (root - b) / (2 * c)
