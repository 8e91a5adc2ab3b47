"""Two laws for the height of a pellet after pressing: Panelli's and Heckel's.

Panelli and Ambrozio Filho, Powder Technology 114 (2001) 255:

    ln(1/(1 - D)) = A sqrt(p) + ln(1/(1 - D0))

Heckel, Trans. Metall. Soc. AIME 221 (1961) 671:

    ln(1/(1 - D)) = K p + ln(1/(1 - D0))

with D the relative density after unloading, D0 that of the loose powder, p the highest axial
pressure so far, A (MPa^-1/2) and K (1/MPa) the plasticity of the material.

Pressures in MPa on the pellet, heights in mm.
"""

import math

from pressloop_sim.plant import micropython_compat as micropython

# The slope of Panelli's law is infinite at p = 0: below this pressure a chord replaces it.
_CHORD_MPA = 0.25


class Panelli:
    """Panelli's law: density follows the root of pressure, which fits a wide range better."""

    def __init__(self, solid_mm: float, initial_density: float, a: float) -> None:
        """`solid_mm` is the height without pores; an initial density of 1 does not densify."""
        self._solid_mm = solid_mm
        self._porosity = 1.0 - initial_density
        self._a = a
        self.loose_mm = solid_mm / initial_density
        self._chord = 0.0
        self._chord = (self.loose_mm - self.height(_CHORD_MPA)[0]) / _CHORD_MPA

    @micropython.native
    def height(self, pressure: float) -> tuple[float, float]:
        """Return the unloaded height after `pressure`, mm, and its slope, mm/MPa."""
        if pressure < _CHORD_MPA:
            chord = self._chord
            return self.loose_mm - chord * pressure, -chord
        root = math.sqrt(pressure)
        a = self._a
        pores = self._porosity * math.exp(-a * root)
        density = 1.0 - pores
        height = self._solid_mm / density
        return height, -0.5 * a * height * pores / (density * root)


class Heckel:
    """Heckel's law: density follows the pressure itself, as is common for ductile powders."""

    def __init__(self, solid_mm: float, initial_density: float, k: float) -> None:
        """`solid_mm` is the height without pores; `k` is in 1/MPa."""
        self._solid_mm = solid_mm
        self._porosity = 1.0 - initial_density
        self._k = k
        self.loose_mm = solid_mm / initial_density

    @micropython.native
    def height(self, pressure: float) -> tuple[float, float]:
        """Return the unloaded height after `pressure`, mm, and its slope, mm/MPa."""
        k = self._k
        pores = self._porosity * math.exp(-k * pressure)
        density = 1.0 - pores
        height = self._solid_mm / density
        return height, -k * height * pores / density
