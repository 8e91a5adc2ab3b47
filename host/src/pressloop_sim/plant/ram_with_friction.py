"""The simulated press with friction at its ram: oil pressure and pellet pressure differ.

Friction z carries a part of the oil's force (`friction`):

    A (P - P0) = F + z(x),   volume = oil.taken_up(P) + A x

with F the force of the punch on the pellet. The state stays the volume of oil, and the ram stands
where that volume puts it, so volume is conserved exactly as without friction. z follows from the
way that the ram has gone since the last substep, so Newton's method on the oil pressure finds
pressure, travel and friction at once; with Dahl's law each of them changes without a jump.

Units as in `plant`.
"""

from pressloop_sim.plant import micropython_compat as micropython
from pressloop_sim.plant.friction import RamFriction
from pressloop_sim.plant.plant import MAX_NEWTON_STEPS, NEWTON_STEP_MPA, SUBSTEP_S, Plant
from pressloop_sim.plant.vessel import VesselPlant


class PlantWithFriction(Plant):
    """Simulates a press whose ram has friction; everything else is as in `Plant`."""

    def __init__(
        self, config: dict[str, float], substep_s: float = SUBSTEP_S, seed: int = 1
    ) -> None:
        """Build an unloaded press; `seed` decides by how much the runs differ in friction."""
        self.friction = RamFriction(config, seed)
        super().__init__(config, substep_s)

    def begin_run(self) -> None:
        """Start cold, and draw what differs from run to run."""
        super().begin_run()
        self.friction.begin_run()

    def _load(self, config: dict[str, float]) -> None:
        """Retract the ram and insert the die with loose powder."""
        super()._load(config)
        self._die_mm2 = config["die_area_mm2"]
        self._frame_mm_n = self._frame / (self._area * self._area)
        self._at_mm = 0.0
        self._moved_mm = 0.0
        self._densifying = False
        self.friction.force_n = 0.0
        self.friction_mpa = 0.0

    @micropython.native
    def _solve_pressure(self, volume: float) -> None:
        """Set pressures, friction and stiffnesses to those at which the press holds `volume`."""
        if volume < 0.0:
            volume = 0.0
        flowed = volume - self.volume_mm3
        self.volume_mm3 = volume
        friction = self.friction
        friction.set_level(self.oil_mpa, self._moved_mm / self._substep_s)
        pressure = self.oil_mpa + flowed * (
            self._stiffness_up if flowed > 0.0 else self._stiffness_down
        )
        if self._densifying and flowed > 0.0 and self._densify_further(volume, pressure, False):
            return
        self._densifying = False
        if self._slide(volume, pressure) > self.powder.yield_mpa:
            self._densifying = self._densify_further(volume, self.oil_mpa, True)

    @micropython.native
    def _slide(self, volume: float, pressure: float) -> float:
        """Solve for a travelling ram or an elastic pellet; return the pressure on the pellet.

        The state of friction is set only if that pressure is one the pellet has borne before.
        """
        oil = self._oil
        area = self._area
        friction = self.friction
        travel_n = self._travel_mpa * area
        contact = self._contact_volume / area
        if self._spring_outdated:
            self._stiff_n_mm = 1.0 / (self._frame_mm_n + self.powder.elastic() / self._die_mm2)
            self._spring_outdated = False
        stiff = self._stiff_n_mm
        start = self._at_mm
        for _ in range(MAX_NEWTON_STEPS):
            if pressure < 0.0:
                pressure = 0.0
            at = (volume - oil.taken_up(pressure)) / area
            force = area * pressure - travel_n - friction.after(at - start)
            # By how much the ram goes back for each MPa that the oil rises.
            back = oil.slope(pressure) / area
            loaded = friction.slope_n_mm
            if at > contact:
                force -= (at - contact) * stiff
                loaded += stiff
            slope = area + loaded * back
            step = force / slope
            pressure -= step
            at += step * back
            if -NEWTON_STEP_MPA < step < NEWTON_STEP_MPA:
                break
        if at <= 0.0:
            # The ram stands on its stop.
            at = 0.0
            pressure = self._oil_spring.pressure(volume)
            friction.force_n = friction.after(-start)
            stiffness = self._oil_spring.stiffness
            pellet_mpa = 0.0
        else:
            force = (at - contact) * stiff if at > contact else 0.0
            pellet_mpa = force / self._die_mm2
            stiffness = loaded / (area * slope)
            if pellet_mpa > self.powder.yield_mpa:
                self.oil_mpa = pressure
                return pellet_mpa
            friction.force_n = area * pressure - travel_n - force
        self._settle(pressure, pellet_mpa, at)
        self._stiffness_up = self._stiffness_down = stiffness
        return pellet_mpa

    @micropython.native
    def _densify_further(self, volume: float, pressure: float, known: bool) -> bool:
        """Solve for a pellet under more pressure than ever before; return False if it is not.

        `known` says that it is; then a pressure below, by the error of the solution, is taken.
        """
        oil = self._oil
        powder = self.powder
        area = self._area
        die = self._die_mm2
        friction = self.friction
        travel_n = self._travel_mpa * area
        frame = self._frame_mm_n
        free = self._gap + powder.loose_mm
        start = self._at_mm
        before = powder.yield_mpa
        for _ in range(MAX_NEWTON_STEPS):
            at = (volume - oil.taken_up(pressure)) / area
            force = area * pressure - travel_n - friction.after(at - start)
            back = oil.slope(pressure) / area
            height, slope = powder.squeeze(force / die)
            # By how much frame and pellet yield for each N.
            soft = frame - slope / die
            stiffening = area + friction.slope_n_mm * back
            slope = stiffening * soft + back
            step = (free - height + force * frame - at) / slope
            pressure -= step
            at += step * back
            force -= step * stiffening
            if -NEWTON_STEP_MPA < step < NEWTON_STEP_MPA:
                break
        pellet_mpa = force / die
        if pellet_mpa < before:
            powder.squeeze(before)
            if not known:
                return False
        friction.force_n = area * pressure - travel_n - force
        self._find_contact()
        self._settle(pressure, pellet_mpa, at)
        self._stiffness_up = (1.0 + friction.slope_n_mm * soft) / (area * slope)
        stiff = 1.0 / (frame + powder.elastic() / die)
        self._stiffness_down = stiff / (area * (area + stiff * back))
        return True

    @micropython.native
    def _settle(self, pressure: float, pellet_mpa: float, at: float) -> None:
        """Take over a solution: pressures and the place of the ram."""
        self.oil_mpa = pressure
        self.pellet_mpa = pellet_mpa
        self.friction_mpa = self.friction.force_n / self._area
        self._moved_mm = at - self._at_mm
        self._at_mm = at


def build_plant(config: dict[str, float], substep_s: float = SUBSTEP_S, seed: int = 1) -> Plant:
    """Build the press of a plant config: a vessel, or a ram with or without friction."""
    if config.get("vessel_volume_mm3", 0.0) > 0.0:
        return VesselPlant(config, substep_s)
    if config.get("friction_coulomb_n", 0.0) > 0.0 or config.get("friction_share", 0.0) > 0.0:
        return PlantWithFriction(config, substep_s, seed)
    return Plant(config, substep_s)
