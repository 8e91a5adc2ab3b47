"""Springback from a known displacement, and from the oil where it is resolved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pressloop.analysis.density import Anchor, thickness_at
from pressloop.analysis.springback import ReleaseSamples, from_displacement, from_oil
from pressloop.emulator.description import PressDescription
from pressloop.machine.profile import MachineProfile
from pressloop.sample import Sample

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())
RATIO = REFERENCE.lever(10)
HOLD = 500


def release(pellet_mm: float = 0.02, noise_um: float = 0.5, step_um: float = 1.0) -> ReleaseSamples:
    """Five seconds at 500 MPa, then 20 MPa/s down; the platens open by `pellet_mm` meanwhile."""
    fall = np.arange(500, 3.6, -0.2)
    pressure = np.concatenate([np.full(HOLD, 500.0), fall])
    closing = 5.0 - pellet_mm * (500 - pressure) / (500 - pressure[-1])
    noise = np.random.default_rng(3).normal(0, noise_um / 1000, pressure.size)
    return ReleaseSamples(
        time_s=np.arange(pressure.size, dtype=np.float64) * 0.01,
        pressure_mpa=pressure,
        output_percent=np.concatenate([np.zeros(HOLD), np.full(fall.size, -22.0)]),
        hold_end=HOLD,
        displacement_mm=np.round((closing + noise) * 1000 / step_um) * step_um / 1000,
    )


def test_springback_by_the_sensor() -> None:
    result = from_displacement(release(), punches_um_mpa=0)
    assert result.resolved and result.reason == ""
    assert result.from_mpa == 500 and result.to_mpa == pytest.approx(3.8, abs=0.2)
    assert result.gained_mm == pytest.approx(0.02, abs=result.gained_mm_uncertainty)
    assert 0.0005 < result.gained_mm_uncertainty < 0.002
    assert not result.punches_included


def test_punches_recover_too() -> None:
    result = from_displacement(release(), punches_um_mpa=0.02)
    assert result.gained_mm == pytest.approx(0.02 - 0.02e-3 * 496.2, abs=1e-3)
    assert from_displacement(release(), None).punches_included


@pytest.mark.parametrize("changes", [{"pellet_mm": 0.0005}, {"step_um": 50.0}])
def test_a_gain_within_the_sensors_uncertainty_is_not_resolved(changes: dict[str, Any]) -> None:
    result = from_displacement(release(**changes), punches_um_mpa=0)
    assert not result.resolved
    assert result.gained_mm is None and result.gained_mm_uncertainty > 0
    assert "within the uncertainty" in result.reason


def test_punches_that_recover_more_than_was_measured_are_reported() -> None:
    result = from_displacement(release(), punches_um_mpa=0.1)
    assert not result.resolved and result.gained_mm is None
    assert "recover 49.6 um" in result.reason and "with the empty die" in result.reason


def returning(share: float) -> ReleaseSamples:
    """A release in which the oil that flows back is that of the closed press, and a share more."""
    plain = release()
    oil = plain.pressure_mpa[HOLD:] / RATIO
    flow = 10_000 / 80 * np.sqrt(oil / 10) * 0.01
    wanted = -np.diff(oil, append=oil[-1]) * REFERENCE.compliance_ul_mpa * (1 + share)
    dead = REFERENCE.release_dead_band_percent
    opening = np.where(wanted > 0, dead + wanted / flow, 0)
    output = np.concatenate([np.zeros(HOLD), -opening])
    return ReleaseSamples(plain.time_s, plain.pressure_mpa, output, HOLD, None)


def test_the_oil_of_an_ordinary_pellet_is_not_resolved() -> None:
    result = from_oil(returning(0.02), REFERENCE, 10)
    assert not result.resolved and result.gained_mm is None
    assert result.source == "oil volume" and "uncertain by" in result.reason


def test_the_oil_balance_is_right_and_its_uncertainty_takes_in_the_dead_band() -> None:
    tuned = REFERENCE.model_copy(
        update={"compliance_curve_ul_mpa": (REFERENCE.compliance_ul_mpa,) * 8}
    )
    press_mm3 = REFERENCE.compliance_ul_mpa * (500 - 3.8) / RATIO
    thick = from_oil(returning(20.0), tuned, 10)
    assert thick.resolved
    assert thick.gained_mm == pytest.approx(20 * press_mm3 / 1450, rel=0.05)
    blunt = from_oil(returning(20.0), REFERENCE, 10)
    assert blunt.gained_mm_uncertainty > 10 * thick.gained_mm_uncertainty
    # A twentieth of the press's share shows on a tuned press alone.
    assert from_oil(returning(0.05), tuned, 10).resolved
    assert not from_oil(returning(0.03), tuned, 10).resolved
    assert not from_oil(returning(0.05), REFERENCE, 10).resolved


def test_thickness_and_density_by_hand_calculation() -> None:
    sample = Sample(
        mass_mg=140, true_density_g_cm3=2.2, punches_um_mpa=0.1, thickness_mm=1.0,
        mass_uncertainty_mg=1.4, true_density_uncertainty_percent=1,
    )  # fmt: skip
    anchor = Anchor("measured thickness", closing_mm=5.0, thickness_mm=1.0, standard_mm=0.003)
    at = thickness_at(5.02, 500, 0.004, anchor, sample, 10, 0.002)
    # The platens are 20 um closer, but the punches are 50 um shorter.
    assert at.thickness_mm == pytest.approx(1.03)
    assert at.thickness_mm_uncertainty == pytest.approx(2 * 0.005)
    assert at.relative_density == pytest.approx(140 / 2.2 / (np.pi / 4 * 100 * 1.03))
    relative = np.sqrt((0.005 / 1.03) ** 2 + (0.01**2 + 0.01**2 + 0.002**2) / 3)
    assert at.relative_density_uncertainty == pytest.approx(2 * relative * at.relative_density)


def test_no_mass_no_density() -> None:
    anchor = Anchor("empty die", 6.0, 0.0, 0.01)
    at = thickness_at(5.0, 0, 0.0, anchor, Sample(empty_die_mm=6), 10, 0.002)
    assert at.thickness_mm == 1.0 and at.relative_density is None
