"""The uncertainty of a pressure agrees with a hand calculation and with simulated presses."""

from __future__ import annotations

import math
import random

import pytest
from pressloop.emulator.description import PressDescription
from pressloop.machine.profile import MachineProfile
from pressloop.machine.reported_profile import converter_of
from pressloop.machine.uncertainty import Instrument
from pressloop.units import with_uncertainty

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())


@pytest.mark.parametrize(
    ("die_mm", "mpa_per_bar", "accuracy_mpa"),
    [(10, 1.85, 0.74), (12, 1.28, 0.51), (13, 1.09, 0.44)],
)
def test_lever_and_accuracy_on_the_pellet_are_those_of_the_documentation(
    die_mm: float, mpa_per_bar: float, accuracy_mpa: float
) -> None:
    # docs/uncertainty.md has this table; a 14.5 cm2 ram and a 400 bar transducer.
    assert REFERENCE.lever(die_mm) / 10 == pytest.approx(mpa_per_bar, abs=0.005)
    assert Instrument.of(REFERENCE, die_mm).accuracy_mpa == pytest.approx(accuracy_mpa, abs=0.005)


def test_a_budget_agrees_with_a_hand_calculation() -> None:
    profile = REFERENCE.model_copy(
        update={
            "ram_area_uncertainty_percent": 0.3,
            "die_uncertainty_um": 5,
            "repeatability_percent": 0.05,
            "friction_percent": 3,
            "friction_n": 50,
            "zero_drift_percent": 0.1,
            "converter": "ads1115",
        }
    )
    budget = Instrument.of(profile, 10).budget(500, scatter_mpa=0.1)
    full_scale = 14.5e2 / (math.pi / 4 * 100) * 40
    half = {
        "transducer": full_scale * 0.001,
        "converter": full_scale * 62.5e-6 / 2.4,
        "ram area": 1.5,
        "die area": 0.5,
        "repeatability of the transducer": full_scale * 0.0005,
        "zero drift of the transducer": full_scale * 0.001,
        "friction from run to run": 0.2 * (15 + 50 / (math.pi / 4 * 100)),
    }
    standard = {name: value / math.sqrt(3) for name, value in half.items()}
    standard["noise of the reading"] = 0.1
    standard["friction of the ram"] = (15 + 50 / (math.pi / 4 * 100)) / math.sqrt(2)
    assert {c.name: c.standard_mpa for c in budget.components} == pytest.approx(standard)
    assert not any(c.assumed for c in budget.components)
    square = {name: value**2 for name, value in standard.items()}
    assert {c.name for c in budget.components if c.between_oil_and_pellet} == {
        "friction of the ram", "friction from run to run",
    }  # fmt: skip
    friction = square["friction of the ram"] + square["friction from run to run"]
    assert budget.reading_mpa == pytest.approx(2 * math.sqrt(sum(square.values()) - friction))
    random_ = sum(square[c.name] for c in budget.components if c.kind == "random")
    assert budget.expanded_mpa == pytest.approx(2 * math.sqrt(sum(square.values())))
    assert budget.repeatability_mpa == pytest.approx(2 * math.sqrt(random_))
    assert budget.systematic_mpa == pytest.approx(2 * math.sqrt(sum(square.values()) - random_))
    assert budget.coverage_factor == 2


def test_a_value_that_the_profile_does_not_have_is_assumed_and_marked() -> None:
    budget = Instrument.of(REFERENCE, 10).budget(74)
    assert {c.name for c in budget.components if c.assumed} == {
        "ram area", "die area", "repeatability of the transducer",
        "zero drift of the transducer", "friction of the ram", "friction from run to run",
    }  # fmt: skip
    assert with_uncertainty(74.003, budget.reading_mpa) == "74.0 ± 1.9"
    assert with_uncertainty(74.003, budget.expanded_mpa) == "74 ± 8"


def test_uncertainties_of_a_profile_are_the_same_after_the_wire() -> None:
    profile = REFERENCE.model_copy(
        update={
            "ram_area_uncertainty_percent": 0.3,
            "die_uncertainty_um": 0,
            "repeatability_percent": 0.05,
            "friction_percent": 2.5,
            "friction_n": 40,
            "zero_drift_percent": 0.1,
        }
    )
    assert MachineProfile.from_wire(profile.to_wire()) == profile
    assert MachineProfile.from_wire(REFERENCE.to_wire()).die_uncertainty_um is None


def test_the_converter_is_read_from_the_boards_hello() -> None:
    assert converter_of("MicroPython 1.25.0 ads1115 hard timer") == "ads1115"
    assert converter_of("MicroPython 1.25.0 adc timer") == "adc"
    assert converter_of("MicroPython 1.25.0") is None


def test_the_interval_covers_presses_within_their_data_sheets() -> None:
    # Each error is drawn from its limits: with k = 2 about 95 of 100 presses must lie inside.
    rng = random.Random(5)
    instrument = Instrument.of(REFERENCE, 10)
    for pressure in (74.0, 500.0):
        budget = instrument.budget(pressure, scatter_mpa=0.03)
        inside = on_pellet = 0
        for _ in range(2000):
            error = instrument.accuracy_mpa * rng.uniform(-1, 1)
            error += instrument.repeatability_mpa * rng.uniform(-1, 1)
            error += pressure * instrument.ram_area * rng.uniform(-1, 1)
            error += pressure * instrument.die_area * rng.uniform(-1, 1)
            error += instrument.zero_drift_mpa * rng.uniform(-1, 1)
            error += rng.gauss(0, 0.03)
            inside += abs(error) <= budget.reading_mpa
            # Friction is at the limit that the direction of the ramp gives it, not between both.
            friction = pressure * rng.uniform(0.02, 0.05) + rng.uniform(20, 100) / 78.54
            error += friction * rng.uniform(0.8, 1.2) * rng.choice((-1, 1))
            on_pellet += abs(error) <= budget.expanded_mpa
        assert inside / 2000 >= 0.94
        assert on_pellet / 2000 >= 0.95


def test_a_ram_without_friction_gives_the_pellet_what_the_reading_says() -> None:
    slick = REFERENCE.model_copy(update={"friction_percent": 0, "friction_n": 0})
    budget = Instrument.of(slick, 10).budget(250)
    assert budget.expanded_mpa == budget.reading_mpa
    assert not any(c.assumed for c in budget.components if c.between_oil_and_pellet)


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (74.003, 0.859, "74.0 ± 0.9"),
        (500, 1.81, "500.0 ± 1.8"),
        (74, 0.1 + 0.2, "74.0 ± 0.3"),
        (74, 0.096, "74.00 ± 0.10"),
        (74, 0.9015, "74.0 ± 0.9"),
        (74, 0.95, "74.0 ± 1.0"),
        (74, 9.7, "74 ± 10"),
        (1234, 130, "1230 ± 130"),
        (0.1234, 0.00041, "0.1234 ± 0.0004"),
        (-0.04, 0.9, "0.0 ± 0.9"),
        (74, 0, "74 ± 0"),
    ],
)
def test_value_and_uncertainty_are_rounded_to_significant_digits(
    value: float, uncertainty: float, text: str
) -> None:
    assert with_uncertainty(value, uncertainty) == text
