"""The laws of the simulated press as curves, next to published values: docs/press-and-powder.md.

`curves()` computes them with the modules of the simulated press, and `make curves` draws them. Each
drawing contains a digest of its numbers, so that a test notices a changed law without drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from pressloop.emulator.description import PowderSection, PressDescription, presets
from pressloop_sim.plant.densification import Heckel, Panelli
from pressloop_sim.plant.oil import Oil
from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.powder import Powder
from pressloop_sim.plant.relaxation import Relaxation
from pressloop_sim.plant.valves import ReleaseValve, Valve

from pressloop_bench.powder_curves.loss_curves import Curve as Curve
from pressloop_bench.powder_curves.loss_curves import Curves as Curves
from pressloop_bench.powder_curves.loss_curves import (
    friction_loop,
    friction_travel,
    heat,
    soft_pellet,
    wall,
)

TICK_S: Final = 0.01
_SUBSTEP_S: Final = 0.005

PUBLISHED: Final = {"Na3PS4": (510.0, 0.81), "Li3PS4": (510.0, 0.90), "sulfide": (365.0, 0.82)}
"""Pressure in MPa and relative density that each powder was fitted to."""

HECKEL_K: Final = {"Na3PS4": 0.00208, "Li3PS4": 0.00334, "sulfide": 0.00306}
"""1/MPa, fitted to the same points."""


def as_in_data_sheet(name: str = "reference", /, **powder: Any) -> PressDescription:
    """Return a press without errors of its data sheet, and with a steady pump."""
    return PressDescription.model_validate(
        {
            "preset": name,
            "pump": {"ripple_percent": 0},
            "powder": powder,
            "individual": {
                f"{name}_error_percent": 0
                for name in (
                    "pump_dead_band",
                    "release_dead_band",
                    "pump_flow",
                    "release_flow",
                    "oil_volume",
                    "frame_stiffness",
                )
            },
        }
    )


def density() -> Curves:
    """Return relative density after unloading over pressure, both laws, and the spread of D0."""
    found: Curves = {}
    steps = [0.5 * (i / 2) ** 2 for i in range(76)]  # dense where the curves are steep
    for name in PUBLISHED:
        powder = PowderSection(preset=name)
        laws: dict[str, Panelli | Heckel] = {
            "Panelli": Panelli(1.0, powder.initial_density, powder.panelli_a),
            "Heckel": Heckel(1.0, powder.initial_density, HECKEL_K[name]),
        }
        for law, model in laws.items():
            found[f"{name} {law}"] = [(p, 1 / model.height(p)[0]) for p in steps]
    return found


def held() -> Curves:
    """Return the share of pressure left over time with the height held, from three pressures."""
    powder = PowderSection()
    found: Curves = {}
    for start in (74.0, 250.0, 500.0):
        flow = Relaxation(powder.relaxation_percent / 100, powder.relaxation_half_s)
        pressure, now, curve = start, 0.0, []
        for time_s in (0.1 * 10 ** (i / 15) for i in range(61)):
            pressure -= flow.step(pressure, time_s - now)
            now = time_s
            curve.append((time_s, pressure / start))
        found[f"{start:.0f} MPa"] = curve
    return found


def peleg() -> Curve:
    """Return Peleg's law with the same constants, at a few times."""
    powder = PowderSection()
    share, half_s = powder.relaxation_percent / 100, powder.relaxation_half_s
    return [(t, 1 - share * t / (half_s + t)) for t in (0.2, 1.0, 5.0, 15.0, 60.0, 240.0, 900.0)]


def sealed() -> Curves:
    """Return the loss of pressure in a sealed dwell of the reference press, MPa over s."""
    found: Curves = {}
    for label, target, share, leak in (
        ("500 MPa", 500.0, 30, 10),
        ("500 MPa, no leak", 500.0, 30, 0),
        ("500 MPa, steel and leak", 500.0, 0, 10),
        ("250 MPa", 250.0, 30, 10),
    ):
        press = as_in_data_sheet(relaxation_percent=share)
        press = press.model_copy(
            update={"leak": press.leak.model_copy(update={"ul_min_at_10_mpa": leak})}
        )
        plant = Plant(press.plant_config())
        _press_to(plant, target)
        start = plant.pellet_mpa
        found[label] = [
            (tick * TICK_S, plant.pellet_mpa - start)
            for tick in _ticks(plant, 0.0, 0.0, 180.0)
            if tick % 200 == 0
        ]
    return found


def creep() -> Curves:
    """Return the strain in per cent under a pressure that is held, over s."""
    powder = PowderSection()
    modulus = PressDescription().plant_config()["powder_modulus_mpa"]
    found: Curves = {}
    for pressure in (74.0, 250.0, 500.0):
        flow = Relaxation(powder.relaxation_percent / 100, powder.relaxation_half_s)
        curve = [(0.0, 0.0)]
        for tick in range(1, 18001):
            flow.step(pressure, TICK_S)
            if tick % 300 == 0:
                curve.append((tick * TICK_S, 100 * flow.lost_mpa / modulus))
        found[f"{pressure:.0f} MPa"] = curve
    return found


def springback() -> Curves:
    """Return density in the die over pressure: three rises, the last to 500 MPa, each released."""
    powder = Powder(as_in_data_sheet().plant_config())
    found: Curves = {}
    for highest in (100.0, 250.0, 500.0):
        before = powder.yield_mpa
        loading = []
        for i in range(1, 41):
            pressure = before + (highest - before) * (i / 40) ** 2
            height, _ = powder.squeeze(pressure)
            loading.append((pressure, powder.solid_mm / height))
        found[f"to {highest:.0f} MPa"] = loading
        found[f"from {highest:.0f} MPa"] = [
            (highest * i / 10, powder.density(highest * i / 10)) for i in range(11)
        ]
    return found


def recovery() -> Curves:
    """Return the springback in per cent over the pressure from which a pellet is released."""
    found: Curves = {}
    for youngs in (15.0, 17.5, 20.0):
        powder = Powder(as_in_data_sheet(youngs_modulus_gpa=youngs).plant_config())
        curve = []
        for pressure in range(0, 601, 20):
            pressed, _ = powder.squeeze(float(pressure))
            curve.append((float(pressure), 100 * (1 - pressed / powder.height(0.0))))
        found[f"E = {youngs:g} GPa"] = curve
    return found


def cracks() -> Curves:
    """Return pressure over time of pellets that crack or nearly do, and where they cracked."""
    found: Curves = {"crack": []}
    for label, start, pump, release, seconds, every in (
        ("pressed beyond 690 MPa", 640.0, 0.24, 0.0, 6.0, 5),
        ("released fast", 500.0, 0.0, 0.3, 1.0, 1),
        ("released slower", 500.0, 0.0, 0.243, 4.0, 4),
    ):
        plant = Plant(as_in_data_sheet().plant_config())
        _press_to(plant, start)
        curve = []
        sound = True
        for tick in _ticks(plant, pump, release, seconds):
            broke = sound and plant.damage != 0
            if broke or tick % every == 0:
                curve.append((tick * TICK_S, plant.pellet_mpa))
            if broke:
                found["crack"].append(curve[-1])
                sound = False
        found[label] = curve
    return found


def stiffness() -> Curves:
    """Return MPa on the pellet per mL of oil over pressure, on a steel blank."""
    found: Curves = {}
    for name in presets.PRESSES:
        plant = Plant(as_in_data_sheet(name, preset="steel").plant_config())
        _press_to(plant, 1.0, opening=0.25)
        curve = []
        before = (plant.volume_mm3, plant.pellet_mpa)
        while plant.pellet_mpa < 500.0:
            for _ in _ticks(plant, 0.24, 0.0, 5 * TICK_S):
                pass
            volume, pressure = plant.volume_mm3, plant.pellet_mpa
            curve.append(
                ((pressure + before[1]) / 2, 1000 * (pressure - before[1]) / (volume - before[0]))
            )
            before = volume, pressure
        found[name] = curve[:: max(1, len(curve) // 60)]
    return found


def bulk_modulus() -> Curves:
    """Return the stiffness of oil with air in it, GPa over bar."""
    press = PressDescription()
    found: Curves = {}
    for percent in (0.2, 0.5, 1.0):
        oil = Oil(1.0, press.oil.bulk_modulus_gpa * 1000, percent / 100)
        found[f"{percent:g} % air"] = [
            (bar, 0.001 / oil.slope(bar / 10)) for bar in (0.1 * i * i for i in range(51))
        ]
    return found


def without_air() -> float:
    """Return MPa on the pellet per mL of the reference press, from V/B + A^2/k alone."""
    config = as_in_data_sheet().plant_config()
    area = config["ram_area_mm2"]
    taken = config["oil_volume_mm3"] / config["oil_bulk_modulus_mpa"]
    return 1000 * area / config["die_area_mm2"] / (taken + area**2 / config["frame_stiffness_n_mm"])


def release_flow() -> Curves:
    """Return the flow of the release valve, mL/s, over oil pressure, bar."""
    config = as_in_data_sheet().plant_config()
    valve = ReleaseValve(_SUBSTEP_S, 0.0, 0.03, 0.0, 0.0, config["release_flow_10mpa_mm3_s"])
    bars = [0.1 * i * i for i in range(61)]
    return {
        f"{100 * opening:g} % open": [(bar, valve.flow(opening, bar / 10) / 1000) for bar in bars]
        for opening in (1.0, 0.5, 0.2)
    }


def valve_opening() -> Curve:
    """Return opening over command, both in per cent, for a slow rise and fall of the command."""
    press = PressDescription()
    valve = Valve(
        _SUBSTEP_S,
        press.pump.dead_band_percent / 100,
        press.valves.lag_ms / 1000,
        press.valves.delay_ms / 1000,
        press.valves.hysteresis_percent / 100,
        0.0,
    )
    found = []
    for percent in (*range(15, 36), *range(35, 14, -1)):
        valve.command = percent / 100
        opening = 0.0
        for _ in range(200):
            opening = valve.advance()
        found.append((float(percent), 100 * opening))
    return found


def valve_step() -> Curve:
    """Return the step response of the spool from 0 to full stroke, per cent over ms."""
    press = PressDescription()
    valve = Valve(
        _SUBSTEP_S, 0.0, press.valves.lag_ms / 1000, press.valves.delay_ms / 1000, 0.0, 0.0
    )
    valve.command = 1.0
    # advance() returns the position in the middle of its substep.
    return [(1000 * _SUBSTEP_S * (i + 0.5), 100 * valve.advance()) for i in range(40)]


FIGURES: Final[dict[str, tuple[Callable[[], Curves | Curve], ...]]] = {
    "density": (density,),
    "relaxation": (held, peleg, sealed, creep),
    "springback": (springback, recovery, cracks),
    "stiffness": (bulk_modulus, stiffness),
    "valves": (release_flow, valve_opening, valve_step),
    "friction": (friction_travel, friction_loop),
    "losses": (wall, heat, soft_pellet),
}
"""What each drawing of the page shows."""


def curves(figure: str) -> dict[str, Curves | Curve]:
    """Compute the curves of a drawing, by the names of the functions above."""
    return {compute.__name__: compute() for compute in FIGURES[figure]}


def digest(data: dict[str, Curves | Curve]) -> dict[str, tuple[int, float, float]]:
    """Return for every curve the number of its points, the mean of y and the mean of x y.

    They show that a law has changed. They are compared with a tolerance, so that another machine's
    C library, which may differ in the last bit, makes no difference.
    """
    found = {}
    for name, part in data.items():
        named = part if isinstance(part, dict) else {"": part}
        for label, curve in named.items():
            count = len(curve)
            found[f"{name} {label}".strip()] = (
                count,
                sum(y for _, y in curve) / count,
                sum(x * y for x, y in curve) / count,
            )
    return found


def _press_to(plant: Plant, pellet_mpa: float, opening: float = 0.5) -> None:
    """Pump to a pressure, shut both valves and let them close."""
    plant.release.command = 0.0
    plant.pump.command = opening
    while plant.pellet_mpa < pellet_mpa:
        if plant.pellet_mpa > 0.9 * pellet_mpa:
            plant.pump.command = 0.22
        plant.step(TICK_S)
    for _ in _ticks(plant, 0.0, 0.0, 0.3):
        pass


def _ticks(plant: Plant, pump: float, release: float, seconds: float) -> Iterable[int]:
    """Simulate so many seconds with these openings of the valves, and yield each tick before it."""
    plant.pump.command = pump
    plant.release.command = release
    for tick in range(round(seconds / TICK_S) + 1):
        yield tick
        plant.step(TICK_S)
