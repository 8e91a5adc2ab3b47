"""Displacement sensor between the platens: adds resolution and noise to the true position.

Its noise has its own generator, so that a press reads the same pressures with and without it.
"""

from pressloop_sim.plant import micropython_compat as micropython
from pressloop_sim.plant.noise import Rng

NO_READING = 65535
_MAX_UM = 65534


class DisplacementSensor:
    """Converts the true closing of the platens to a reading in um."""

    def __init__(self, seed: int, resolution_um: float, noise_um: float) -> None:
        """`noise_um` is one sigma; a resolution of 0 means that there is no sensor."""
        self.rng = Rng(seed)
        self._resolution_um = resolution_um
        self._noise_um = noise_um

    @property
    def present(self) -> bool:
        """Whether the press has the sensor."""
        return self._resolution_um > 0.0

    @micropython.native
    def sample(self, closing_mm: float) -> int:
        """Return the reading in um; `NO_READING` above the sensor's range."""
        true_um = closing_mm * 1000.0 + self._noise_um * self.rng.gauss()
        um = int(int(true_um / self._resolution_um + 0.5) * self._resolution_um)
        if um < 0:
            return 0
        return um if um <= _MAX_UM else NO_READING
