"""A pellet between two punches: densification, elastic recovery, relaxation and cracks.

Its height under the pressure p is

    height = h(p_max) (1 - (p + s)/M)

with h the unloaded height after the highest pressure so far (`densification`), s/M the inelastic
strain of flow (`relaxation`) and M the confined modulus, M = E (1 - nu)/((1 + nu)(1 - 2 nu)), that
of a body confined by the die (Hooke's law without lateral strain). A porous body is softer:
E = E1 D^n with D its relative density after p_max and E1 that of the solid (Phani and Niyogi,
J. Mater. Sci. 22 (1987) 257, without a lowest density); for microcrystalline cellulose 9.95 GPa and
n = 4.4 are within 2.2 % of published points between D = 0.50 and 0.98. With n = 0 the modulus does
not depend on density. So unloading and reloading below p_max are elastic, and a pellet released
from p recovers p/M of its height.

`damage` decides when it cracks. Pressures in MPa on the pellet, heights in mm.
"""

from pressloop_sim.plant import micropython_compat as micropython
from pressloop_sim.plant.damage import CRACKED, DIE_BURST, Cracking
from pressloop_sim.plant.densification import Heckel, Panelli
from pressloop_sim.plant.relaxation import Relaxation


class Powder:
    """Simulates one pellet. A solid blank is a powder with an initial density of 1."""

    def __init__(self, config: dict[str, float]) -> None:
        """Start with loose powder, by the keys `powder_*` of `PressDescription.plant_config`."""
        solid_mm = config["powder_solid_height_mm"]
        density = config["powder_initial_density"]
        heckel_k = config["powder_heckel_k"]
        self.solid_mm = solid_mm
        self._law: Panelli | Heckel
        if heckel_k > 0.0:
            self._law = Heckel(solid_mm, density, heckel_k)
        else:
            self._law = Panelli(solid_mm, density, config["powder_panelli_a"])
        self.relaxation = Relaxation(
            config["powder_relaxation_share"], config["powder_relaxation_half_s"]
        )
        self.cracking = Cracking(config["powder_crack_mpa"], config["powder_crack_release_mpa_s"])
        self._crack_loss = config["powder_crack_loss"]
        self._per_solid_modulus = self._per_modulus = 1.0 / config["powder_modulus_mpa"]
        self._exponent = config.get("powder_modulus_exponent", 0.0)
        if self._exponent > 0.0:
            self._per_modulus *= (1.0 / density) ** self._exponent
        # Share of the height that cracks have left; 0 once the die has burst.
        self._left = 1.0
        self.damage = 0
        self.loose_mm = self._law.loose_mm
        # Highest pressure so far, and the unloaded height after it.
        self.yield_mpa = 0.0
        self.height_mm = self.loose_mm

    @micropython.native
    def squeeze(self, pressure: float) -> tuple[float, float]:
        """Set the highest pressure; return the height under it, mm, and its slope, mm/MPa.

        The solver of the press calls this in each iteration; the last call counts.
        """
        height, slope = self._law.height(pressure)
        left = self._left
        per_modulus = self._per_modulus
        if self._exponent > 0.0:
            per_modulus = self._per_solid_modulus * (height / self.solid_mm) ** self._exponent
            self._per_modulus = per_modulus
            # The pellet stiffens while it gets denser, and springs back against the pressure.
            strain = (pressure + self.relaxation.lost_mpa) * per_modulus
            slope -= slope * strain * self._exponent / (1.0 - strain)
        height *= left
        self.yield_mpa = pressure
        self.height_mm = height
        strain_left = 1.0 - (pressure + self.relaxation.lost_mpa) * per_modulus
        return height * strain_left, slope * left * strain_left - height * per_modulus

    @micropython.native
    def elastic(self) -> float:
        """Return the elastic compliance of the pellet, mm/MPa."""
        return self.height_mm * self._per_modulus

    @micropython.native
    def height(self, pressure: float) -> float:
        """Return the height, mm, under a `pressure` up to the highest so far."""
        return self.height_mm * (1.0 - (pressure + self.relaxation.lost_mpa) * self._per_modulus)

    @micropython.native
    def density(self, pressure: float) -> float:
        """Return the relative density in the die under `pressure`; 0 in a burst die."""
        height = self.height(pressure)
        return self.solid_mm / height if height > 0.0 else 0.0

    def crack(self, cause: int) -> None:
        """Crack the pellet or lose the die; `cause` is a constant of `damage`."""
        if cause == DIE_BURST:
            share = 0.0
        elif self.damage & CRACKED:
            share = 1.0  # a cracked pellet loses no more height
        else:
            share = 1.0 - self._crack_loss
        self.damage |= cause
        self._left *= share
        self.height_mm *= share
