"""Compressibility of the water in an isostatic vessel.

Water stiffens with pressure: its bulk modulus is K = K0 + a P with K0 = 2.2 GPa and a = 6.5, within
a few per cent of tables up to 400 MPa (secant moduli at 20 C). A vessel of the volume V into which
a flow Q enters, and from which a leak flows, rises by

    dP/dt = K(P) (Q - leak) / V

Integrated, the volume v that was pumped in since P = 0 is

    v = V/a ln(1 + a P/K0),   P = K0/a (exp(a v/V) - 1)

Air that was left in the vessel is pressed together first, at constant temperature. From a volume Va
at the pressure P0 of the atmosphere

    v = V/a ln(1 + a P/K0) + Va P/(P0 + P)

which Newton's method solves. Pressures in MPa, volumes in mm3.
"""

import math

from pressloop_sim.plant import micropython_compat as micropython

MODULUS_MPA = 2200.0
STIFFENING = 6.5
ATMOSPHERE_MPA = 0.101325

# From below, where the slope is steeper, Newton's method comes near the root without passing it.
_MAX_STEPS = 60
_STEP_MPA = 1e-9


class Water:
    """The water in one vessel.

    Attributes:
        air_mm3: Air that was left in it, at the pressure of the atmosphere.
    """

    def __init__(self, volume_mm3: float) -> None:
        """`volume_mm3` is that of vessel and line, full and without pressure."""
        self._volume = volume_mm3
        self.air_mm3 = 0.0

    @micropython.native
    def pressure(self, pumped_mm3: float) -> float:
        """Return the pressure after so much water was pumped in; 0 if there is less than full."""
        if pumped_mm3 <= 0.0:
            return 0.0
        if self.air_mm3:
            return self._pressure_with_air(pumped_mm3)
        return MODULUS_MPA / STIFFENING * (math.exp(STIFFENING * pumped_mm3 / self._volume) - 1.0)

    @micropython.native
    def pumped(self, pressure: float) -> float:
        """Return the volume that has to be pumped in for a pressure."""
        water = self._volume / STIFFENING * math.log(1.0 + STIFFENING * pressure / MODULUS_MPA)
        return water + self.air_mm3 * pressure / (ATMOSPHERE_MPA + pressure)

    @micropython.native
    def stiffness(self, pressure: float) -> float:
        """Return the rise of the pressure for each mm3 that flows in, K(P)/V."""
        water = self._volume / (MODULUS_MPA + STIFFENING * pressure)
        absolute = ATMOSPHERE_MPA + pressure
        return 1.0 / (water + self.air_mm3 * ATMOSPHERE_MPA / (absolute * absolute))

    def _pressure_with_air(self, pumped_mm3: float) -> float:
        pressure = 0.0
        for _ in range(_MAX_STEPS):
            step = (pumped_mm3 - self.pumped(pressure)) * self.stiffness(pressure)
            pressure += step
            if step < _STEP_MPA:
                break
        return pressure
