"""Curves of what stands between the oil and the powder: friction, heat, wall, and a soft pellet."""

from __future__ import annotations

from typing import Any, Final

from pressloop.emulator.description import PowderSection, PressDescription
from pressloop_sim.plant.die_wall import DieWall
from pressloop_sim.plant.friction import RamFriction
from pressloop_sim.plant.oil_heat import OilHeat
from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.powder import Powder
from pressloop_sim.plant.ram_with_friction import build_plant

Curve = list[tuple[float, float]]
Curves = dict[str, Curve]

_TICK_S: Final = 0.01


def _press(**sections: Any) -> PressDescription:
    return PressDescription.model_validate({"pump": {"ripple_percent": 0}, **sections})


def friction_travel() -> Curve:
    """Return friction over travel, of its level over um: up, down and up again."""
    press = _press(simulation={"friction": {"percent": 3, "spread_percent": 0}})
    seal = RamFriction(press.plant_config(), 1)
    seal.set_level(10.0, 0.0)
    at, found = 0.0, [(0.0, 0.0)]
    for step, count in ((1.0, 80), (-1.0, 80), (1.0, 80)):
        for _ in range(count):
            seal.force_n = seal.after(step / 1000)
            at += step
            found.append((at, seal.force_n / seal.level_n))
    return found


def friction_loop() -> Curves:
    """Return pellet less oil-derived pressure over oil-derived pressure, up and down, MPa."""
    found: Curves = {}
    for percent in (2.0, 3.0, 5.0):
        friction = {"percent": percent, "coulomb_n": 40, "spread_percent": 0}
        plant = build_plant(_press(simulation={"friction": friction}).plant_config())
        plant.release.command = 0.0
        plant.pump.command = 0.4
        curve: Curve = [(0.0, 0.0)]
        while plant.oil_derived_mpa() < 500.0:
            plant.step(_TICK_S)
            _append(curve, plant)
        plant.pump.command = 0.0
        plant.release.command = 0.206
        while plant.oil_derived_mpa() > 20.0:
            plant.step(_TICK_S)
            _append(curve, plant)
        found[f"{percent:g} %"] = curve
    return found


def _append(curve: Curve, plant: Plant) -> None:
    """Append a point if it is 4 MPa from the last one."""
    derived = plant.oil_derived_mpa()
    if plant.pellet_mpa > 0 and abs(derived - curve[-1][0]) > 4.0:
        curve.append((derived, plant.pellet_mpa - derived))


def wall() -> Curves:
    """Return the share of the punch's pressure that the far end gets, % over mm of height."""
    config = _press().plant_config()
    law = DieWall(config)
    return {
        f"D {density:g}": [(0.1 * at, 100 * law.far_end(0.1 * at, density)) for at in range(61)]
        for density in (0.6, 0.8, 0.95)
    }


def heat() -> Curves:
    """Return how much warmer the oil is, K over s, for ramps to 27 MPa of oil and a hold."""
    found: Curves = {}
    for ramp_s in (1, 25, 100):
        oil = OilHeat(50000.0, 0.13, 60.0)
        curve: Curve = []
        for second in range(301):
            oil.step(27.0 * min(1.0, second / ramp_s), 1.0 if second else 0.0)
            curve.append((float(second), oil.warmer_k))
        found[f"{ramp_s} s of ramp"] = curve
    return found


def soft_pellet() -> Curves:
    """Return the recovery on release, % of the height, over the pressure released from."""
    found: Curves = {}
    for exponent in (0.0, 2.0, 4.4):
        powder = PowderSection(modulus_exponent=exponent, relaxation_percent=0)
        config = _press(powder=powder.model_dump()).plant_config()
        curve: Curve = []
        for at in range(1, 61):
            pellet = Powder(config)
            loaded, _ = pellet.squeeze(10.0 * at)
            curve.append((10.0 * at, 100 * (1 - loaded / pellet.height(0.0))))
        found[f"n = {exponent:g}"] = curve
    return found
