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

from pressloop_sim.plant import micropython_compat as micropython

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


class Spring:
    """Oil and an elastic body that take up a volume together; a body of compliance 0 is the oil."""

    def __init__(self, oil: Oil) -> None:
        """Begin with the oil alone."""
        self._oil = oil
        # mm3/MPa at the pressure last found, inverted: MPa/mm3.
        self.stiffness = 0.0
        self.set(0.0)

    @micropython.native
    def set(self, elastic: float) -> None:
        """Give the body a compliance in mm3/MPa."""
        oil = self._oil
        c = oil.compliance + elastic
        self._twice_c = 2.0 * c
        self._b = c * ATMOSPHERE_MPA + oil.air_mm3
        self._four_ac = 4.0 * c * ATMOSPHERE_MPA

    @micropython.native
    def pressure(self, volume: float) -> float:
        """Return the pressure at which `volume` has been taken up; leave `stiffness` there.

        This is the positive root of c P^2 + b P - volume p_a = 0, with c = V/B + elastic and
        b = c p_a + V r - volume; its derivative is (P + p_a)/(2 c P + b).
        """
        if volume < 0.0:
            volume = 0.0
        b = self._b - volume
        root = math.sqrt(b * b + self._four_ac * volume)
        # Without a difference of near-equal numbers, whatever the sign of b.
        if b > 0.0:
            pressure = 2.0 * ATMOSPHERE_MPA * volume / (b + root)
        else:
            pressure = (root - b) / self._twice_c
        self.stiffness = (pressure + ATMOSPHERE_MPA) / root
        return pressure
