"""The wide family: presses with all that makes the oil's pressure differ from the pellet's.

It has the ranges of the control bench where `WIDE` does not name others, and on top friction of the
ram's seals, a coil lag, heat of compression, drift while the press warms, and a modulus that falls
with porosity. No press is dropped. Where the protocol as such is out of reach, the press gets a
smaller one, and `Case.changes` says so.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any, Final

from pressloop.emulator.description import PressDescription, presets
from pressloop.machine.profile import lever

from pressloop_bench.control.press_family import (
    PELLET_MM,
    RANGES,
    RATES_MPA_S,
    STANDARD_RANGES_BAR,
    TARGETS_MPA,
)

WIDE: Final[dict[str, tuple[float, float]]] = {
    **RANGES,
    "die_mm": (5, 20),
    "ram.return_force_n": (150, 500),
    "valves.lag_ms": (15, 120),
    "valves.coil_lag_ms": (3, 15),
    "leak.ul_min_at_10_mpa": (1, 400),
    "transducer.noise_percent": (0.003, 0.1),
    "powder.modulus_exponent": (0, 4.4),
    "simulation.friction.coulomb_n": (20, 100),
    "simulation.friction.percent": (2, 5),
    "simulation.friction.stribeck_percent": (0.5, 2),
    "simulation.friction.presliding_um": (10, 50),
    "simulation.oil_heat.kelvin_per_mpa": (0.1, 0.15),
    "simulation.oil_heat.time_constant_s": (30, 120),
    "simulation.warming.rise_k": (1, 20),
    "simulation.warming.time_constant_s": (300, 1200),
    "simulation.warming.zero_percent_per_k": (-0.02, 0.02),
}
"""Lowest and highest value of each field; uniform, or in the logarithm where both are positive."""

LOW_SHARE: Final = 0.01
"""The lowest stage, as a share of the transducer's full scale."""

_POWDERS: Final = ("Na3PS4", "Li3PS4", "sulfide")
_DIGITS: Final = {"ram.area_cm2": 2, "die_mm": 3}
_USABLE: Final = 0.8
_LOOSE_MPA: Final = 5.0


@dataclass(frozen=True)
class WideCase:
    """One press with its protocol.

    Attributes:
        targets_mpa: First, second, third and lowest target.
        rates_mpa_s: Rate of the ramp to each.
        changes: What is smaller than in the protocol as such, in words.
    """

    name: str
    press: PressDescription
    targets_mpa: tuple[float, ...]
    rates_mpa_s: tuple[float, ...]
    seed: int
    changes: tuple[str, ...]


def wide_family(count: int, seed: int) -> list[WideCase]:
    """Return `count` presses; the same for the same seed."""
    rng = random.Random(seed)
    return [_draw(rng, number) for number in range(count)]


def _draw(rng: random.Random, number: int) -> WideCase:
    fields: dict[str, Any] = {}
    drawn: dict[str, float] = {}
    for path, (low, high) in WIDE.items():
        value = _value(rng, low, high)
        value = round(value, _DIGITS.get(path, 9))
        drawn[path] = value
        *sections, name = path.split(".")
        place = fields
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    die_mm = drawn["die_mm"]
    powder = presets.powder(rng.choice(_POWDERS))
    volume_mm3 = _value(rng, *PELLET_MM) * math.pi / 4 * die_mm**2
    mass_mg = volume_mm3 * powder["true_density_g_cm3"]
    fields["powder"] = {**powder, **fields["powder"], "mass_mg": mass_mg}
    area_cm2 = drawn["ram.area_cm2"]
    mpa_bar = lever(area_cm2 * 100, die_mm) / 10
    oil_bar = TARGETS_MPA[1] / mpa_bar
    sensor_bar = next(
        (bar for bar in STANDARD_RANGES_BAR if oil_bar <= _USABLE * bar), STANDARD_RANGES_BAR[-1]
    )
    # A technician sets contact above what the travelling ram reads: friction without pressure.
    contact_bar = max(
        sensor_bar / 200, 2 * 1.2 * drawn["simulation.friction.coulomb_n"] / 10 / area_cm2
    )
    fields["transducer"]["full_scale_bar"] = sensor_bar
    fields["limits"] = {"max_oil_bar": 0.95 * sensor_bar}
    fields["controller"] = {"contact_bar": contact_bar}
    press = PressDescription.model_validate(
        {"name": f"press {number}", "dies_mm": (die_mm,), **fields}
    )
    changes = []
    scale = min(1.0, _USABLE * sensor_bar / oil_bar)
    if scale < 1.0:
        changes.append("targets below 500 MPa, which the press cannot reach")
    low_mpa = LOW_SHARE * sensor_bar * mpa_bar
    if low_mpa < 1.5 * contact_bar * mpa_bar:
        low_mpa = 1.5 * contact_bar * mpa_bar
        changes.append("lowest stage above 1 % of full scale, which is below contact")
    slower = min(
        1.0, _USABLE * press.plant_config()["pump_flow_mm3_s"] / _flow_needed(press, scale)
    )
    if slower < 1.0:
        changes.append("slower ramps, as the pump cannot densify loose powder at the rate asked")
    rates = [rate * scale * slower for rate in RATES_MPA_S]
    return WideCase(
        f"press {number}",
        press,
        (*(target * scale for target in TARGETS_MPA), low_mpa),
        (*rates, min(rates[2], low_mpa / 5)),
        rng.randrange(1 << 30),
        tuple(changes),
    )


def _value(rng: random.Random, low: float, high: float) -> float:
    if low > 0:
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    return rng.uniform(low, high)


def _flow_needed(press: PressDescription, scale: float) -> float:
    """Return the flow, mm3/s, at which loose powder densifies at the fastest rate asked."""
    config = press.plant_config()
    pores = 1 - config["powder_initial_density"]
    root = math.sqrt(_LOOSE_MPA)
    left = pores * math.exp(-config["powder_panelli_a"] * root)
    height = config["powder_solid_height_mm"] / (1 - left)
    slope = height / (1 - left) * left * config["powder_panelli_a"] / (2 * root)
    return config["ram_area_mm2"] * slope * scale * max(RATES_MPA_S)
