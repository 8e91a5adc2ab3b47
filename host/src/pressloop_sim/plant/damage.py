"""When a pellet cracks, and what a crack or a burst die does.

Two causes, each with a limit of the material:

- pressure: Li6PS5Cl pressed at 625 MPa is free of cracks, at 750 MPa it fractures (Yan et al.,
  J. Colloid Interface Sci., 2026);
- release: a pellet that is let go faster than its elastic recovery can spread cracks (capping, of
  which tabletting knows much and solid electrolytes little). No rate is published for sulfides:
  assumption. A fall may run ahead of the critical rate by what that rate takes off in `_AHEAD_S`,
  so that neither noise nor the slack of a valve counts.

A crack costs the pellet a share of its height at once, and so the press some of its force; it
stays. When the die bursts the powder leaves to the side and the punches close on each other.

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
    """Watches the pressure on one pellet."""

    def __init__(self, limit_mpa: float, release_mpa_s: float) -> None:
        """Take the highest pressure and the fastest release that do no harm."""
        self._limit_mpa = limit_mpa
        self._release_mpa_s = release_mpa_s
        self._allowed_mpa = release_mpa_s * _AHEAD_S
        # Falls no faster than the critical rate; the pressure may be so far below it.
        self._trail_mpa = 0.0

    @micropython.native
    def cause(self, pressure: float, dt_s: float) -> int:
        """Return why the pellet cracks, `dt_s` after the last call; 0 when it does not."""
        trail = self._trail_mpa - self._release_mpa_s * dt_s
        if pressure >= trail:
            self._trail_mpa = pressure
            return OVER_PRESSURE if pressure > self._limit_mpa else 0
        self._trail_mpa = trail
        return FAST_RELEASE if trail - pressure > self._allowed_mpa else 0
