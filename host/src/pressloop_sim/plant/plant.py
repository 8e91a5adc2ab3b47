"""The simulated press: from valve commands to oil pressure, ram travel and pellet.

The state is the volume of oil that has flowed in, minus what has flowed out. Pressure and ram
position follow from it without integration, so volume is conserved exactly and no step is stiff,
however hard the closed press:

    volume = oil.taken_up(P) + A x                     ram retracted (x = 0) or travelling (P = P0)
    volume = oil.taken_up(P) + A x_c
             + A (F/k + compression of the pellet)     in contact, F = A (P - P0)

with A the ram area, k the stiffness of the frame, P0 the pressure that carries the ram's weight and
return spring (constant over the stroke) and x_c the travel at which punch and pellet touch.
Inertia is left out: the ram's resonance lies far above the loop. `ram_with_friction` adds friction;
without it, the pressure that the oil makes on the pellet is the pressure on the pellet.

Only the flows are integrated, by the midpoint rule; the relaxation of the pellet is stepped once
per call of `step`.

Units: MPa, mm, mm2, mm3, N, s. Pellet pressures are true pressures, not readings.
"""

import math

from pressloop_sim.plant import micropython_compat as micropython
from pressloop_sim.plant.air_escape import air_escape_s
from pressloop_sim.plant.damage import DIE_BURST
from pressloop_sim.plant.die_wall import DieWall
from pressloop_sim.plant.dump_valve import release_of
from pressloop_sim.plant.oil import Oil, Spring
from pressloop_sim.plant.oil_heat import OilHeat
from pressloop_sim.plant.powder import Powder
from pressloop_sim.plant.valves import PumpValve
from pressloop_sim.plant.warming import Warming

SUBSTEP_S = 0.005
# Substeps; a substep that is due except for a rounding error counts as due.
_ROUNDING = 1e-6
MAX_NEWTON_STEPS = 12
# Newton converges quadratically: a step this small leaves an error far below the sensor's noise.
NEWTON_STEP_MPA = 1e-4


class Plant:
    """Simulates the true press; `step` lets time pass, and the attributes are its state."""

    def __init__(self, config: dict[str, float], substep_s: float = SUBSTEP_S) -> None:
        """Build an unloaded press from `PressDescription.plant_config`."""
        self._substep_s = substep_s
        # Keys that were added later may be missing: what they describe is then switched off.
        coil_lag_s = config.get("valve_coil_lag_s", 0.0)
        self.pump = PumpValve(
            substep_s,
            config["pump_dead_band"],
            config["valve_lag_s"],
            config["valve_delay_s"],
            config["valve_hysteresis"],
            config["pump_flow_mm3_s"],
            config["pump_ripple"],
            config["pump_ripple_hz"],
            # What filters the controller's output acts like more lag of the coil.
            coil_lag_s + config.get("pump_filter_lag_s", 0.0),
        )
        self.release = release_of(config, substep_s, coil_lag_s)
        self.warming = Warming(config, (self.pump, self.release))
        self._oil = Oil(
            config["oil_volume_mm3"], config["oil_bulk_modulus_mpa"], config["oil_air_fraction"]
        )
        area = config["ram_area_mm2"]
        self._area = area
        self._frame = area * area / config["frame_stiffness_n_mm"]
        self._travel_mpa = config["return_force_n"] / area
        self._leak = config["leak_mm3_s_mpa"]
        self._gap = config["approach_gap_mm"]
        self._due = 0.0
        self._at_travel = self._oil.taken_up(self._travel_mpa)
        self._oil_spring = Spring(self._oil)
        self._closed_spring = Spring(self._oil)
        self._config = config
        # Oil volume from which on the ram stands at the end of its stroke.
        self._stop_volume = math.inf
        # Whether another die is in the press than was asked for; it stays.
        self._wrong_die = False
        self._load(config)

    def change_die(self, die_um: int) -> None:
        """Insert another die with the same mass of fresh powder, and retract the ram for it.

        Does nothing if that die is already in the press, or a wrong one.
        """
        if die_um == self.die_um or self._wrong_die:
            return
        # A copy: the caller's config must not change.
        config = self._config.copy()
        old_mm2 = config["die_area_mm2"]
        die_mm2 = math.pi / 4 * (die_um / 1000) ** 2
        config["die_area_mm2"] = die_mm2
        config["powder_solid_height_mm"] *= old_mm2 / die_mm2
        self._config = config
        self._load(config)

    def fit_wrong_die(self, die_um: int) -> None:
        """Insert a die as `change_die` does; it stays, whatever die is asked for later."""
        self.change_die(die_um)
        self._wrong_die = True

    def add_leak(self, mm3_s_mpa: float) -> None:
        """Make the laminar leak larger by this conductance, mm3/s per MPa of oil."""
        self._leak += mm3_s_mpa

    def stop_ram(self) -> None:
        """Let the ram stand at the end of its stroke: it can only go back from where it is."""
        self._stop_volume = self.volume_mm3

    def _load(self, config: dict[str, float]) -> None:
        """Retract the ram and insert the die with loose powder."""
        self.powder = Powder(config)
        self._wall = DieWall(config)
        self._heat = OilHeat(
            config["oil_volume_mm3"],
            config.get("oil_heat_k_mpa", 0.0),
            config.get("oil_heat_tau_s", 60.0),
        )
        self.die_um = round(1000 * math.sqrt(4 / math.pi * config["die_area_mm2"]))
        # Pressure of oil that friction carries; see `ram_with_friction`.
        self.friction_mpa = 0.0
        # Pellet pressure per oil pressure.
        self._lever = self._area / config["die_area_mm2"]
        self.volume_mm3 = 0.0
        self.oil_mpa = 0.0
        self.pellet_mpa = 0.0
        # What has broken so far: constants of `damage` combined by or; 0 if nothing has.
        self.damage = 0
        self._find_contact()
        self._yield_volume = self._at_travel
        self._yield_stiffness = 0.0
        self._stiffness_up = self._stiffness_down = 1.0 / self._oil.slope(0.0)

    @micropython.native
    def density(self) -> float:
        """Return the relative density of the pellet in the die."""
        return self.powder.density(self.pellet_mpa)

    def closing_mm(self) -> float:
        """Return how far the platens have closed since the ram was retracted, mm.

        A sensor between the platens sees this: ram travel less the stretch of the frame.
        """
        stretch = self._frame * max(0.0, self.oil_mpa - self._travel_mpa - self.friction_mpa)
        return self.ram_mm() - stretch / self._area

    # No properties here: with any, MicroPython searches the class at each store to an instance.

    def ram_mm(self) -> float:
        """Return the travel of the ram from its retracted position, mm.

        A sensor at the cylinder sees this: it includes the stretch of the frame.
        """
        return (self.volume_mm3 - self._oil.taken_up(self.oil_mpa)) / self._area

    def oil_derived_mpa(self) -> float:
        """Return the oil's pressure on the pellet, MPa, as a perfect transducer would read it.

        It is the pressure on the pellet plus what friction carries: all that an instrument in the
        oil can know.
        """
        return max(0.0, self.oil_mpa - self._travel_mpa) * self._lever

    @micropython.native
    def punch_n(self) -> float:
        """Return the force of the punch, N: what a load cell under the die bears."""
        return self.pellet_mpa * self._area / self._lever

    def far_end_mpa(self) -> float:
        """Return the pressure at the end of the pellet away from the punch, MPa."""
        return self.pellet_mpa * self._wall.far_end(self.pellet_mm(), self.density())

    def air_escape_s(self) -> float:
        """Return the time that air would need to leave the pellet, s."""
        loose = self._config["powder_initial_density"]
        grain_um = self._config.get("powder_grain_um", 1.0)
        return air_escape_s(self.pellet_mm(), self.density(), loose, grain_um)

    def pellet_mm(self) -> float:
        """Return the height of the pellet in the die, mm; 0 in a burst die."""
        return self.powder.height(self.pellet_mpa)

    @micropython.native
    def step(self, dt_s: float) -> None:
        """Let `dt_s` pass in whole substeps; the remainder is carried to the next call."""
        dt = self._substep_s
        due = self._due + dt_s / dt
        count = int(due + _ROUNDING)
        self._due = due - count
        half = 0.5 * dt
        pump = self.pump
        release = self.release
        leak = self._leak
        for _ in range(count):
            fed = pump.flow(pump.advance())
            opening = release.advance()
            pressure = self.oil_mpa
            flow = fed - leak * pressure
            if opening > 0.0:
                flow -= release.flow(opening, pressure)
            middle = pressure + half * flow * (
                self._stiffness_up if flow > 0.0 else self._stiffness_down
            )
            if middle < 0.0:
                middle = 0.0
            flow = fed - leak * middle
            if opening > 0.0:
                flow -= release.flow(opening, middle)
            volume = self.volume_mm3 + flow * dt
            if volume > self._stop_volume:
                self._solve_at_stop(volume)
            else:
                self._solve_pressure(volume)
        if self._heat.active:
            # Oil that swells is like oil that flows in.
            self.volume_mm3 += self._heat.step(self.oil_mpa, dt_s)
        if self.warming.active:
            self.warming.step(dt_s)
        powder = self.powder
        pellet_mpa = self.pellet_mpa
        if pellet_mpa > 0.0 and powder.relaxation.active:
            flowed = powder.relaxation.step(pellet_mpa, dt_s)
            if flowed > 0.0:
                self._contact_volume += self._area * powder.elastic() * flowed
        cause = powder.cracking.cause(pellet_mpa, dt_s)
        if cause:
            self.apply_damage(cause)

    def begin_run(self) -> None:
        """Start cold; with friction, also draw what differs from run to run."""
        self.warming.begin_run()

    def state(self) -> dict[str, float]:
        """Return the true state by name, with the units in the names."""
        return {
            "pellet_mpa": self.pellet_mpa,
            "oil_derived_mpa": self.oil_derived_mpa(),
            "oil_mpa": self.oil_mpa,
            "density": self.density(),
            "ram_mm": self.ram_mm(),
            "closing_mm": self.closing_mm(),
            "pellet_mm": self.pellet_mm(),
            "punch_n": self.punch_n(),
            "far_end_mpa": self.far_end_mpa(),
            "air_escape_s": self.air_escape_s(),
            "damage": self.damage,
        }

    def apply_damage(self, cause: int) -> None:
        """Crack the pellet or burst the die: the pellet gets lower, and the pressure falls.

        `cause` is a constant of `damage`; callers from outside use `FORCED` and `DIE_BURST`.
        """
        powder = self.powder
        if powder.damage & (cause | DIE_BURST):
            return
        powder.crack(cause)
        self.damage = powder.damage
        self._find_contact()
        over = self._yield_oil_mpa - self._travel_mpa
        self._yield_volume = (
            self._oil.taken_up(self._yield_oil_mpa)
            + self._frame * over
            + self._area * powder.elastic() * powder.yield_mpa
        )

    @micropython.native
    def _find_contact(self) -> None:
        """Update the oil volume at which punch and pellet touch, and the yield pressure."""
        powder = self.powder
        travel = self._gap + powder.loose_mm - powder.height(0.0)
        self._contact_volume = self._area * travel
        self._yield_oil_mpa = self._travel_mpa + powder.yield_mpa / self._lever
        self._spring_outdated = True

    def _solve_at_stop(self, volume: float) -> None:
        """Set the pressures with the ram at its stop: what more oil there is loads only the oil."""
        stop = self._stop_volume
        self._solve_pressure(stop)
        oil = self._oil_spring
        self.oil_mpa = oil.pressure(self._oil.taken_up(self.oil_mpa) + volume - stop)
        self.volume_mm3 = volume
        self._stiffness_up = self._stiffness_down = oil.stiffness

    @micropython.native
    def _solve_pressure(self, volume: float) -> None:
        """Set pressures and stiffnesses to those at which the press holds `volume`."""
        if volume < 0.0:
            volume = 0.0
        self.volume_mm3 = volume
        squeezing = volume - self._contact_volume
        if squeezing <= self._at_travel:
            self.pellet_mpa = 0.0
            if volume > self._at_travel:
                # The ram travels: more oil moves the ram and does not raise the pressure.
                self.oil_mpa = self._travel_mpa
                self._stiffness_up = self._stiffness_down = 0.0
                return
            self.oil_mpa = self._oil_spring.pressure(volume)
            self._stiffness_up = self._stiffness_down = self._oil_spring.stiffness
            return
        if squeezing <= self._yield_volume:
            closed = self._closed_spring
            if self._spring_outdated:
                elastic = self._frame + self._area * self._lever * self.powder.elastic()
                closed.set(elastic)
                # Frame and pellet are loaded from the travel pressure on, not from zero.
                self._preload_volume = elastic * self._travel_mpa
                self._spring_outdated = False
            pressure = closed.pressure(squeezing + self._preload_volume)
            self.oil_mpa = pressure
            self.pellet_mpa = (pressure - self._travel_mpa) * self._lever
            self._stiffness_up = self._stiffness_down = closed.stiffness
            return
        self._densify(volume)

    @micropython.native
    def _densify(self, volume: float) -> None:
        """Solve for a pressure above all before; Newton approaches it monotonically from below."""
        oil = self._oil
        powder = self.powder
        area = self._area
        lever = self._lever
        frame = self._frame
        travel_mpa = self._travel_mpa
        # Volume for the compression of the oil and for the height that the pellet loses.
        spare = volume - area * (self._gap + powder.loose_mm)
        # The first Newton step starts at the yield point, where excess and slope are known.
        pressure = self._yield_oil_mpa + self._yield_stiffness * (
            volume - self._contact_volume - self._yield_volume
        )
        for _ in range(MAX_NEWTON_STEPS):
            over = pressure - travel_mpa
            height, slope = powder.squeeze(over * lever)
            excess = oil.taken_up(pressure) + frame * over - area * height - spare
            slope = oil.slope(pressure) + frame - area * lever * slope
            step = excess / slope
            pressure -= step
            if -NEWTON_STEP_MPA < step < NEWTON_STEP_MPA:
                break
        self.oil_mpa = pressure
        self.pellet_mpa = (pressure - travel_mpa) * lever
        self._find_contact()
        self._yield_volume = volume - self._contact_volume
        self._yield_oil_mpa = pressure
        self._stiffness_up = self._yield_stiffness = 1.0 / slope
        elastic = frame + area * lever * powder.elastic()
        self._stiffness_down = 1.0 / (oil.slope(pressure) + elastic)
