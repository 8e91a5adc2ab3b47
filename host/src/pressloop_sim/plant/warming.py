"""Warming of coils and transducer in a run, and what drifts with it.

The press warms towards a final rise with one time constant from the start of each run:
T = T1 (1 - exp(-t/tau)). Three things drift in proportion to T:

- dead bands: copper's resistance grows by 0.39 %/K, so a coil on a voltage gets less current; 40 K
  are about 3 % of stroke, none with a current controller;
- flow at full opening, for the same reason and because warm oil is thinner;
- the transducer's zero, 0.01-0.02 % of full scale per K by common data sheets.

Openings are fractions of full stroke, pressures MPa of oil.
"""

import math

from pressloop_sim.plant.valves import Valve

# The drift is slow: once a second is often enough.
_EVERY_S = 1.0


class Warming:
    """Follows the temperature of the press and shifts both valves and the transducer's zero."""

    def __init__(self, config: dict[str, float], valves: tuple[Valve, ...]) -> None:
        """Start cold, by the keys `warming_*` of a plant config; those left out are off."""
        self._final_k = config.get("warming_rise_k", 0.0)
        self.active = self._final_k > 0.0
        self._tau_s = config.get("warming_tau_s", 600.0)
        self._dead_band_k = config.get("warming_dead_band_k", 0.0)
        self._flow_k = config.get("warming_flow_k", 0.0)
        self._zero_mpa_k = config.get("warming_zero_mpa_k", 0.0)
        self._valves = valves
        self.begin_run()

    def begin_run(self) -> None:
        """Start cold again."""
        self._time_s = 0.0
        self._due_s = 0.0
        self.rise_k = 0.0
        self.zero_mpa = 0.0
        if self.active:
            self._apply()

    def step(self, dt_s: float) -> None:
        """Let `dt_s` pass."""
        self._time_s += dt_s
        if self._time_s >= self._due_s:
            self._due_s += _EVERY_S
            self.rise_k = self._final_k * (1.0 - math.exp(-self._time_s / self._tau_s))
            self._apply()

    def _apply(self) -> None:
        rise = self.rise_k
        self.zero_mpa = self._zero_mpa_k * rise
        for valve in self._valves:
            valve.drift(self._dead_band_k * rise, 1.0 + self._flow_k * rise)
