"""Decides when a pellet cracks, and names what can break.

A pellet cracks for two reasons, each with a limit of the material:

- pressure: Li6PS5Cl pressed at 625 MPa is free of cracks, at 750 MPa it fractures (Yan et al.,
  J. Colloid Interface Sci., 2026);
- release: a pellet cracks when the pressure falls faster than its elastic recovery can spread
  (capping; much is known of it for tablets, little for solid electrolytes). No rate is published
  for sulfides: assumption. The pressure may be ahead of the critical rate by what that rate takes
  off in `_AHEAD_S`, so that noise and short falls do not count.

A crack takes a share of the pellet's height at once and for good, and so the press loses force.
When the die bursts, the powder escapes sideways and the punches meet.

Pressures in MPa on the pellet, rates in MPa/s.
"""

from pressloop_sim.plant import micropython_compat as micropython

OVER_PRESSURE = 1
FAST_RELEASE = 2
FORCED = 4
DIE_BURST = 8
BREAKS = {"pellet": FORCED, "die": DIE_BURST}
CRACKED = OVER_PRESSURE | FAST_RELEASE | FORCED

_AHEAD_S = 0.1


class Cracking:
    """Follows the pressure on one pellet and decides when it cracks."""

    def __init__(self, limit_mpa: float, release_mpa_s: float) -> None:
        """Keep the highest pressure and the fastest release that the pellet withstands."""
        self._limit_mpa = limit_mpa
        self._release_mpa_s = release_mpa_s
        self._allowed_mpa = release_mpa_s * _AHEAD_S
        # Follows the pressure down no faster than the critical rate.
        self._trail_mpa = 0.0

    @micropython.native
    def cause(self, pressure: float, dt_s: float) -> int:
        """Return the cause of a crack at `pressure`, `dt_s` after the last call; 0 for none."""
        trail = self._trail_mpa - self._release_mpa_s * dt_s
        if pressure >= trail:
            self._trail_mpa = pressure
            return OVER_PRESSURE if pressure > self._limit_mpa else 0
        self._trail_mpa = trail
        return FAST_RELEASE if trail - pressure > self._allowed_mpa else 0
