"""Friction of the powder on the die's wall: the far end of the pellet gets less than the punch.

Janssen (1895) and Walker (1966): a slice of powder loses to the wall what its radial pressure times
the friction coefficient makes,

    p(z) = p0 exp(-4 mu K z/D)

with z the depth below the punch, D the die's diameter, K the ratio of radial to axial pressure,
about 0.5, and mu the coefficient of wall friction. For lubricated powder mu falls with density,
0.20 when loose to 0.11 when dense; between these it is taken as linear in relative density.

The pressure on a pellet is everywhere that of the punch; these are figures below it. Lengths in mm.
"""

import math


class DieWall:
    """Computes what the wall takes off the pressure of the punch."""

    def __init__(self, config: dict[str, float]) -> None:
        """Take the keys `powder_wall_*` of a plant config; a wall without them has no friction."""
        self._die_mm = math.sqrt(4 / math.pi * config["die_area_mm2"])
        self._loose_density = config["powder_initial_density"]
        self._loose = config.get("powder_wall_friction_loose", 0.0)
        self._dense = config.get("powder_wall_friction_dense", 0.0)
        self._ratio = config.get("powder_wall_ratio", 0.5)

    def friction(self, density: float) -> float:
        """Return the coefficient of wall friction at a relative density."""
        pores = 1.0 - self._loose_density
        share = (density - self._loose_density) / pores if pores > 0.0 else 1.0
        return self._loose + (self._dense - self._loose) * min(max(share, 0.0), 1.0)

    def far_end(self, height_mm: float, density: float) -> float:
        """Return the pressure at the far end of a pellet, as a share of the punch's."""
        return math.exp(-self._depth(height_mm, density))

    def mean(self, height_mm: float, density: float) -> float:
        """Return the mean pressure over the height of a pellet, as a share of the punch's."""
        depth = self._depth(height_mm, density)
        return (1.0 - math.exp(-depth)) / depth if depth > 0.0 else 1.0

    def _depth(self, height_mm: float, density: float) -> float:
        return 4.0 * self.friction(density) * self._ratio * height_mm / self._die_mm
