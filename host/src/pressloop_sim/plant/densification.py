"""How high a pellet is after it has been pressed: two laws that are used for powders.

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

# The slope of Panelli's law is infinite at p = 0. Below this pressure its chord stands in for it.
_CHORD_MPA = 0.25


class Panelli:
    """Density goes with the root of pressure: the better fit over a wide range."""

    def __init__(self, solid_mm: float, initial_density: float, a: float) -> None:
        """`solid_mm` is the height without pores; a body of density 1 does not densify."""
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
    """Density goes with pressure itself: the common law for ductile powders."""

    def __init__(self, solid_mm: float, initial_density: float, k: float) -> None:
        """Arguments as for `Panelli`."""
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
