"""The uncertainty of a pressure agrees with a hand calculation and with simulated presses."""

from __future__ import annotations

import math
import random

import pytest
from pressloop.emulator.description import PressDescription
from pressloop.machine.profile import MachineProfile, converter_of
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
    }
    standard = {name: value / math.sqrt(3) for name, value in half.items()}
    standard["noise of the reading"] = 0.1
    assert {c.name: c.standard_mpa for c in budget.components} == pytest.approx(standard)
    assert not any(c.assumed for c in budget.components)
    square = {name: value**2 for name, value in standard.items()}
    random_ = square["repeatability of the transducer"] + square["noise of the reading"]
    assert budget.expanded_mpa == pytest.approx(2 * math.sqrt(sum(square.values())))
    assert budget.repeatability_mpa == pytest.approx(2 * math.sqrt(random_))
    assert budget.systematic_mpa == pytest.approx(2 * math.sqrt(sum(square.values()) - random_))
    assert budget.coverage_factor == 2


def test_a_value_that_the_profile_does_not_have_is_assumed_and_marked() -> None:
    budget = Instrument.of(REFERENCE, 10).budget(74)
    assert {c.name for c in budget.components if c.assumed} == {
        "ram area", "die area", "repeatability of the transducer",
    }  # fmt: skip
    assert with_uncertainty(74.003, budget.expanded_mpa) == "74.0 ± 0.9"


def test_uncertainties_of_a_profile_are_the_same_after_the_wire() -> None:
    profile = REFERENCE.model_copy(
        update={
            "ram_area_uncertainty_percent": 0.3,
            "die_uncertainty_um": 0,
            "repeatability_percent": 0.05,
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
        limit = instrument.budget(pressure, scatter_mpa=0.03).expanded_mpa
        inside = 0
        for _ in range(2000):
            error = instrument.accuracy_mpa * rng.uniform(-1, 1)
            error += instrument.repeatability_mpa * rng.uniform(-1, 1)
            error += pressure * instrument.ram_area * rng.uniform(-1, 1)
            error += pressure * instrument.die_area * rng.uniform(-1, 1)
            inside += abs(error + rng.gauss(0, 0.03)) <= limit
        assert inside / 2000 >= 0.94


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
