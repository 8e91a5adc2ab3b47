"""What a walk makes of the run on a vessel: leak, parts of the release, its end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pressloop.commissioning import vessel
from pressloop.commissioning.step import StepFailedError
from pressloop_sim.plant import water


def held(leak_ul_min: float, *, seconds: float = 20.0, noise_mpa: float = 0.0) -> pd.DataFrame:
    """Return the sealed hold of a litre of water at 100 MPa, with a leak at 10 MPa."""
    time_s = np.arange(0, seconds, 0.01)
    flow_ul_s = leak_ul_min / 60 * 10
    stiffness = (water.MODULUS_MPA + water.STIFFENING * 100) / 1e6
    pressure = 100 - flow_ul_s * stiffness * time_s
    pressure += noise_mpa * np.random.default_rng(1).standard_normal(time_s.size)
    return pd.DataFrame({"time_s": time_s, "pressure_mpa": pressure, "sealed": True})


def test_the_law_of_water_is_that_of_the_simulated_vessel() -> None:
    assert vessel.WATER_MODULUS_MPA == water.MODULUS_MPA
    assert vessel.WATER_STIFFENING == water.STIFFENING


@pytest.mark.parametrize("noise_mpa", [0.0, 0.1])
def test_the_leak_is_that_at_10_mpa(noise_mpa: float) -> None:
    measured = vessel.judge_leak(held(60, noise_mpa=noise_mpa), 1e6 / 2200 / 1)
    assert measured["leak_ul_min"] == pytest.approx(60, rel=0.05)


def test_a_leak_that_is_too_large_and_a_hold_that_was_not_sealed_are_named() -> None:
    with pytest.raises(StepFailedError, match="uL/min") as failed:
        vessel.judge_leak(held(500), 1e6 / 2200)
    assert failed.value.fault == "leak"
    with pytest.raises(StepFailedError, match="did not shut"):
        vessel.judge_leak(held(60).assign(sealed=False), 1e6 / 2200)


def test_the_last_part_of_a_release_is_the_slowest() -> None:
    assert vessel.release_parts(100, 2, 0.25) == [(10, 2), (2.5, 0.5), (0, 0.2)]
    # This transducer cannot tell 0.25 MPa from zero.
    assert vessel.release_parts(10, 2, 0.1) == [(1.0, 2), (0.0, 0.5)]
    assert vessel.release_parts(1, 0.1, 0.1) == [(0.0, 0.1)]


@pytest.mark.parametrize(
    ("falls", "expected"), [([0.2] * 300, 0.2), ([0.1] * 150 + [3.0] * 50, 1.55)]
)
def test_the_fastest_second_of_a_release_counts(falls: list[float], expected: float) -> None:
    pressure = 5 - np.cumsum(np.array(falls) / 100)
    assert vessel.fastest_fall(pd.DataFrame({"pressure_mpa": pressure})) == pytest.approx(expected)
    assert vessel.fastest_fall(pd.DataFrame({"pressure_mpa": pressure[:50]})) == 0.0


def run(pressure: float, lid: bool, after: bool = False) -> Any:
    at_rest = [0.0, pressure, 0.0]
    return pd.DataFrame({"pressure_mpa": at_rest, "vessel_pressure": [False, lid, after]})


def test_a_switch_that_missed_the_pressure_of_a_run_is_named() -> None:
    vessel._judge_lid(run(50, True))
    vessel._judge_lid(run(1.5, False))
    with pytest.raises(StepFailedError, match="50 MPa") as failed:
        vessel._judge_lid(run(50, False))
    assert failed.value.fault == "lid-unnoticed"
    with pytest.raises(StepFailedError, match="the run has ended") as failed:
        vessel._judge_lid(run(50, True, after=True))
    assert failed.value.fault == "lid-stays"
