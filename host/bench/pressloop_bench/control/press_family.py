"""The presses of the control bench: the reference press and a seeded random family.

A member of the family differs from the reference in ram, die, oil, frame, valves, leak, transducer
and powder. The errors of its data sheet (`individual`) are random too. The ranges are in `RANGES`;
docs/benchmarks.md repeats them.

Two things are not random, as a lab would choose them: the transducer has the smallest standard
range that covers the highest target, and the pump can densify loose powder at the rate of the
protocol. If the press cannot reach 500 MPa on its die, all three targets and rates shrink by the
same factor.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Final

from pressloop.emulator.description import PressDescription, presets
from pressloop.machine.profile import lever

RANGES: Final[dict[str, tuple[float, float]]] = {
    "ram.area_cm2": (8, 40),
    "die_mm": (8, 20),
    "ram.return_force_n": (50, 400),
    "ram.approach_gap_mm": (2, 8),
    "oil.volume_ml": (20, 120),
    "oil.bulk_modulus_gpa": (1.0, 1.7),
    "oil.air_percent": (0.2, 1.0),
    "frame.stiffness_kn_mm": (50, 300),
    "valves.lag_ms": (20, 50),
    "valves.delay_ms": (5, 15),
    "valves.hysteresis_percent": (1, 4),
    "pump.flow_ml_s": (0.5, 4),
    "pump.dead_band_percent": (10, 30),
    "pump.ripple_percent": (0, 4),
    "pump.ripple_hz": (10, 40),
    "release.flow_ml_s_at_10_mpa": (5, 20),
    "release.dead_band_percent": (10, 30),
    "leak.ul_min_at_10_mpa": (1, 60),
    "transducer.noise_percent": (0.003, 0.01),
    "transducer.lag_ms": (1, 5),
    "powder.initial_density": (0.40, 0.50),
    "powder.youngs_modulus_gpa": (15, 20),
    "powder.relaxation_percent": (10, 45),
    "powder.relaxation_half_s": (4, 60),
    "individual.pump_dead_band_error_percent": (-3, 3),
    "individual.release_dead_band_error_percent": (-3, 3),
    "individual.pump_flow_error_percent": (-10, 10),
    "individual.release_flow_error_percent": (-10, 10),
    "individual.oil_volume_error_percent": (-20, 20),
    "individual.frame_stiffness_error_percent": (-15, 15),
    "individual.sensor_offset_percent": (-0.04, 0.04),
    "individual.sensor_span_error_percent": (-0.04, 0.04),
}
"""Lowest and highest value of each field of a press description. Values are uniform, or uniform in
the logarithm where both ends are positive."""

PELLET_MM: Final = (0.5, 2.0)
"""Height of the pellet without pores."""

STANDARD_RANGES_BAR: Final = (100, 160, 250, 400, 600, 700)
"""Transducer ranges that are sold, up to the oil pressure of common jacks."""

TARGETS_MPA: Final = (250.0, 500.0, 74.0)
RATES_MPA_S: Final = (10.0, 10.0, 5.0)

_POWDERS: Final = ("Na3PS4", "Li3PS4", "sulfide")
_DIGITS: Final = {"ram.area_cm2": 2, "die_mm": 3}
_USABLE: Final = 0.8
# The pump must reach the rate from here on; below, powder is so loose that any pump is too slow.
_LOOSE_MPA: Final = 5.0


@dataclass(frozen=True)
class Case:
    """One press, with the targets and rates of the protocol on it."""

    name: str
    press: PressDescription
    targets_mpa: tuple[float, ...]
    rates_mpa_s: tuple[float, ...]
    seed: int


def reference() -> Case:
    """Return the reference press with the data-sheet errors of its description."""
    return Case("reference", PressDescription(), TARGETS_MPA, RATES_MPA_S, 1)


def family(count: int, seed: int) -> list[Case]:
    """Return `count` presses; the same for the same seed."""
    rng = random.Random(seed)
    cases: list[Case] = []
    while len(cases) < count:
        case = _draw(rng, len(cases))
        if _pump_is_fast_enough(case):
            cases.append(case)
    return cases


def _draw(rng: random.Random, number: int) -> Case:
    fields: dict[str, dict[str, float | str | tuple[float, ...]]] = {}
    drawn: dict[str, float] = {}
    for path, (low, high) in RANGES.items():
        if low > 0:
            value = math.exp(rng.uniform(math.log(low), math.log(high)))
        else:
            value = rng.uniform(low, high)
        # The profile has only so many digits of area and diameter.
        value = round(value, _DIGITS.get(path, 9))
        drawn[path] = value
        section, _, name = path.rpartition(".")
        if section:
            fields.setdefault(section, {})[name] = value
    powder = presets.powder(rng.choice(_POWDERS))
    die_mm = drawn["die_mm"]
    die_area_mm2 = math.pi / 4 * die_mm**2
    # The numbers of the preset, except for those that were drawn.
    fields["powder"] = {
        **powder,
        **fields["powder"],
        "mass_mg": rng.uniform(*PELLET_MM) * die_area_mm2 * powder["true_density_g_cm3"],
    }
    oil_bar = TARGETS_MPA[1] / lever(drawn["ram.area_cm2"] * 100, die_mm) * 10
    sensor_bar = next(
        (bar for bar in STANDARD_RANGES_BAR if oil_bar <= _USABLE * bar), STANDARD_RANGES_BAR[-1]
    )
    scale = min(1.0, _USABLE * sensor_bar / oil_bar)
    fields["transducer"]["full_scale_bar"] = sensor_bar
    fields["limits"] = {"max_oil_bar": 0.95 * sensor_bar}
    fields["controller"] = {"contact_bar": max(1.0, sensor_bar / 200)}
    press = PressDescription.model_validate(
        {"name": f"press {number}", "die_mm": die_mm, "dies_mm": (die_mm,), **fields}
    )
    return Case(
        f"press {number}",
        press,
        tuple(target * scale for target in TARGETS_MPA),
        tuple(rate * scale for rate in RATES_MPA_S),
        seed=rng.randrange(1 << 30),
    )


def _pump_is_fast_enough(case: Case) -> bool:
    """Whether the pump can densify the loose powder at the protocol's rate."""
    press = case.press
    config = press.plant_config()
    area = config["ram_area_mm2"]
    pores = 1 - config["powder_initial_density"]
    root = math.sqrt(_LOOSE_MPA)
    left = pores * math.exp(-config["powder_panelli_a"] * root)
    height = config["powder_solid_height_mm"] / (1 - left)
    slope = height / (1 - left) * left * config["powder_panelli_a"] / (2 * root)
    needed = area * slope * max(case.rates_mpa_s)
    return needed <= _USABLE * config["pump_flow_mm3_s"]
