"""Stress relaxation and creep of a pellet: Peleg's law as a flow rule of one variable.

Peleg (J. Rheology 24 (1980) 451; Peleg and Moreyra, Powder Technology 23 (1979) 277) found that
the force on a compact whose height is held falls as

    F0 t/(F0 - F) = k1 + k2 t,   that is   F = F0 (1 - a t/(T + t)),   a = 1/k2, T = k1/k2

`a` is the share of the pressure that is finally lost, `T` the time after which half of it is lost.
A sum of few exponentials does not describe this, and the curve does not describe a press that lets
the pellet sink. Both follow from a flow rule [own derivation]: with p the pressure, M the confined
modulus and s/M the inelastic strain so far (s in MPa: the pressure that flow has cost),

    ds/dt = u^2 / (k1 (p + s)),   u = p - (k2 - 1) s   while u > 0

u is the pressure beyond a back stress that grows with the flow. Consequences:

- height held (p + s = F0): Peleg's law with the same k1, k2 at every F0;
- after a step up or down to F0 at s = s1: Peleg's form again, with k1' = k1 F0 (F0 + s1)/u1^2 and
  k2' = k2 F0/u1, where u1 = F0 - (k2 - 1) s1: a pellet that has crept relaxes slower and less;
- pressure held at p: creep to s = p/(k2 - 1), at first at p/k1;
- no flow back: below the back stress the pellet is elastic.

One step is exact for a held height, whatever its length, and of first order otherwise.
Pressures in MPa on the pellet, times in s.
"""

from pressloop_sim.plant import micropython_compat as micropython


class Relaxation:
    """Integrates the inelastic strain of one pellet."""

    def __init__(self, lost_share: float, half_time_s: float) -> None:
        """`lost_share` is Peleg's a = 1/k2 (0: elastic), `half_time_s` is T = k1/k2.

        Raises:
            ValueError: An argument is out of range.
        """
        if not 0.0 <= lost_share < 1.0 or half_time_s <= 0.0:
            raise ValueError("relaxation: 0 <= a < 1 and T > 0")
        self.active = lost_share > 0.0
        self._k2 = 1.0 / lost_share if self.active else 0.0
        self._k1 = self._k2 * half_time_s
        # Inelastic strain times confined modulus, MPa.
        self.lost_mpa = 0.0

    @micropython.native
    def step(self, pressure: float, dt_s: float) -> float:
        """Flow for `dt_s` under `pressure`; return the growth of `lost_mpa`, MPa."""
        lost = self.lost_mpa
        whole = pressure + lost
        over = whole - self._k2 * lost
        if over <= 0.0:
            return 0.0
        flow = over * dt_s
        grown = over * flow / (self._k1 * whole + self._k2 * flow)
        self.lost_mpa = lost + grown
        return grown
