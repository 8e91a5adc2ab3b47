"""Displacement sensor between the platens: resolution and noise, as a machine integer.

Own noise, apart from the transducer's: a press reads the same pressures with and without it.
"""

from pressloop_sim.plant import micropython_compat as micropython
from pressloop_sim.plant.noise import Rng

NOTHING = 65535
_MAX_UM = 65534


class DisplacementGauge:
    """From the true closing of the platens to micrometres."""

    def __init__(self, seed: int, resolution_um: float, noise_um: float) -> None:
        """`noise_um` is one sigma; a resolution of 0 is no sensor at all."""
        self.rng = Rng(seed)
        self._resolution_um = resolution_um
        self._noise_um = noise_um

    @property
    def present(self) -> bool:
        """Whether the press has the sensor."""
        return self._resolution_um > 0.0

    @micropython.native
    def sample(self, closing_mm: float) -> int:
        """Return the reading in um; `NOTHING` outside the sensor's range."""
        true_um = closing_mm * 1000.0 + self._noise_um * self.rng.gauss()
        um = int(int(true_um / self._resolution_um + 0.5) * self._resolution_um)
        if um < 0:
            return 0
        return um if um <= _MAX_UM else NOTHING
