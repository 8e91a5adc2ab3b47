"""The simulated isostatic vessel: water around the sample, no ram, no frame and no die.

The pressure of the line is that of the sample. As in `plant` the state is the volume that has
flowed in, and the pressure follows from it in closed form (`water`). The sample is small beside
the water, so that what it yields does not change the pressure; it densifies under it and cracks as
in a die. Units as in `plant`.
"""

from pressloop_sim.plant import micropython_compat as micropython
from pressloop_sim.plant.plant import SUBSTEP_S, Plant
from pressloop_sim.plant.water import Water

# A switch or low-range sensor at the lid shows more than this.
LID_MPA = 0.1


class VesselPlant(Plant):
    """Simulates an isostatic vessel; everything else is as in `Plant`."""

    def __init__(self, config: dict[str, float], substep_s: float = SUBSTEP_S) -> None:
        """Build a vessel that is full and without pressure."""
        self._water = Water(config["vessel_volume_mm3"])
        # No spring of a ram carries anything, and oil pressure is pellet pressure.
        super().__init__(dict(config, return_force_n=0.0), substep_s)

    def change_die(self, die_um: int) -> None:
        """Do nothing: a vessel has no die."""

    def closing_mm(self) -> float:
        """Return 0: there are no platens."""
        return 0.0

    def ram_mm(self) -> float:
        """Return 0: there is no ram."""
        return 0.0

    def leave_air(self, mm3: float) -> None:
        """Leave so much air in the vessel, at the pressure of the atmosphere."""
        self._water.air_mm3 = mm3

    def has_lid_pressure(self) -> bool:
        """Whether a switch at the lid shows pressure."""
        return self.oil_mpa > LID_MPA

    @micropython.native
    def _solve_pressure(self, volume: float) -> None:
        """Set pressure and stiffness to those at which the vessel holds `volume`."""
        if volume < 0.0:
            volume = 0.0
        self.volume_mm3 = volume
        pressure = self._water.pressure(volume)
        self.oil_mpa = self.pellet_mpa = pressure
        self._stiffness_up = self._stiffness_down = self._water.stiffness(pressure)
        if pressure > self.powder.yield_mpa:
            self.powder.squeeze(pressure)

    def _load(self, config: dict[str, float]) -> None:
        """Put a sample of loose powder into the vessel."""
        super()._load(config)
        self._lever = 1.0
        self._stiffness_up = self._stiffness_down = self._water.stiffness(0.0)
