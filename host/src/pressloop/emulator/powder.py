"""Powder between two punches: densifies while loaded, springs back when released, creeps.

Loading: Panelli and Ambrozio Filho, Powder Metallurgy 41(2) (1998) 131 and Powder Technology 114
(2001) 255:

    ln(1/(1 - D)) = A sqrt(p) + ln(1/(1 - D0))

with D the relative density, p the axial pressure and A the material's plasticity. Unloading and
reloading below the highest pressure seen are elastic with the confined modulus
M = E (1 - nu) / ((1 + nu)(1 - 2 nu)): height = h (1 - p/M).

Creep at constant pressure is one exponential: it approaches `creep_per_mpa * p` of the solid
height with the time constant `creep_tau_s` and does not come back. `relax` is the only place that
knows this law of time.

Pressures in MPa on the pellet, heights in mm.
"""

import math

from . import interpreter as micropython

# The law's slope is infinite at p = 0. Below this pressure its chord stands in for it.
_CHORD_MPA = 0.25


class Powder:
    """One pellet. A solid blank is a powder with an initial density of 1."""

    def __init__(
        self,
        solid_height_mm: float,
        initial_density: float,
        panelli_a: float,
        modulus_mpa: float,
        creep_per_mpa: float,
        creep_tau_s: float,
    ) -> None:
        """Fill the die loosely. `solid_height_mm` is the height of the pellet without pores."""
        self.solid_mm = solid_height_mm
        self._porosity = 1.0 - initial_density
        self._a = panelli_a
        self._modulus = modulus_mpa
        self._creep_per_mpa = creep_per_mpa
        self._creep_tau_s = creep_tau_s
        self.loose_mm = solid_height_mm / initial_density
        self._chord = (self.loose_mm - self.plastic_height(_CHORD_MPA)[0]) / _CHORD_MPA
        # Highest pressure so far, and the unloaded height that it left.
        self.yield_mpa = 0.0
        self.height_mm = self.loose_mm
        self.creep_mm = 0.0

    @micropython.native
    def plastic_height(self, pressure: float) -> tuple[float, float]:
        """Return the height after unloading from `pressure`, mm, and its slope, mm/MPa."""
        if pressure < _CHORD_MPA:
            chord = self._chord
            return self.loose_mm - chord * pressure, -chord
        root = math.sqrt(pressure)
        pores = self._porosity * math.exp(-self._a * root)
        density = 1.0 - pores
        height = self.solid_mm / density
        return height, -height / density * pores * self._a / (2 * root)

    @micropython.native
    def squeeze(self, pressure: float) -> tuple[float, float]:
        """Return height and its slope under a `pressure` above all before: mm and mm/MPa."""
        height, slope = self.plastic_height(pressure)
        strain_left = 1.0 - pressure / self._modulus
        return height * strain_left, slope * strain_left - height / self._modulus

    @micropython.native
    def yield_at(self, pressure: float) -> None:
        """Make `pressure` the highest seen."""
        self.yield_mpa = pressure
        self.height_mm = self.plastic_height(pressure)[0]

    @micropython.native
    def elastic(self) -> float:
        """Return the compliance of the pellet as it is now, mm/MPa."""
        return self.height_mm / self._modulus

    @micropython.native
    def relax(self, pressure: float, dt_s: float) -> float:
        """Creep for `dt_s` under `pressure`; return by how much the pellet became lower, mm."""
        limit = self._creep_per_mpa * pressure * self.solid_mm
        crept = (limit - self.creep_mm) * dt_s / self._creep_tau_s
        if crept <= 0.0:
            return 0.0
        self.creep_mm += crept
        return crept

    @micropython.native
    def density(self, pressure: float) -> float:
        """Return the relative density in the die under `pressure`."""
        height = self.height_mm * (1.0 - pressure / self._modulus) - self.creep_mm
        return self.solid_mm / height
