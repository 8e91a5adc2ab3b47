"""Heat of compression: compressed oil gets warm, swells, and cools again in the hold.

Mineral oil warms by T alpha/(rho c) for each MPa when it is compressed without loss of heat, about
0.13 K/MPa at room temperature (alpha = 7e-4 1/K, rho c = 1.6 MJ/(m3 K)). It cools against hose and
cylinder with one time constant, 30-120 s as an assumption:

    dT = k dP - T dt/tau

The volume V swells by V alpha T. So quick compression is stiffer than slow, by 12 % for oil without
air, and in a hold the pressure sinks like with a leak that ends. Temperatures in K, pressures in
MPa of oil, volumes in mm3, times in s.
"""

from pressloop_sim.plant import micropython_compat as micropython

_EXPANSION_PER_K = 7e-4


class OilHeat:
    """Follows how much warmer the trapped oil is than its surroundings."""

    def __init__(self, volume_mm3: float, kelvin_mpa: float, tau_s: float) -> None:
        """Start at the temperature of the surroundings; 0 K/MPa switches the heat off."""
        self.active = kelvin_mpa > 0.0
        self._kelvin_mpa = kelvin_mpa
        self._per_tau = 1.0 / tau_s
        self._mm3_k = volume_mm3 * _EXPANSION_PER_K
        self.warmer_k = 0.0
        self._oil_mpa = 0.0

    @micropython.native
    def step(self, oil_mpa: float, dt_s: float) -> float:
        """Let `dt_s` pass, in which the pressure has gone to `oil_mpa`; return the growth, mm3."""
        warmed = self._kelvin_mpa * (oil_mpa - self._oil_mpa)
        warmed -= self.warmer_k * dt_s * self._per_tau
        self._oil_mpa = oil_mpa
        self.warmer_k += warmed
        return self._mm3_k * warmed
