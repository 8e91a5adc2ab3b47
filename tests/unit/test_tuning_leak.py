"""A leak is found in the pressures of a shut press, with an uncertainty that holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pressloop.tuning.leak import DOUBT, BlankLeak, fit_leak

Floats = np.ndarray

COMPLIANCE_UL_MPA = 57.3
# 10 uL/min at 10 MPa of oil.
PER_S = 10 / 10 / COMPLIANCE_UL_MPA / 60
NOISE_MPA = 0.002


def shut(per_s: float, seconds: float, seed: int = 1, noise_mpa: float = NOISE_MPA) -> Floats:
    """24 MPa of oil in a press that leaks, a reading per tick."""
    time_s = np.arange(round(100 * seconds)) / 100
    noise = np.random.default_rng(seed).normal(0, noise_mpa, time_s.size)
    return np.asarray(24 * np.exp(-per_s * time_s) + noise)


def test_a_leak_is_found_in_the_unit_of_the_profile() -> None:
    leak = fit_leak(shut(PER_S, 29))
    assert leak.per_s == pytest.approx(PER_S, rel=0.01)
    nl_min, uncertainty = leak.stored(COMPLIANCE_UL_MPA)
    assert nl_min == pytest.approx(10_000, rel=0.01)
    assert uncertainty == pytest.approx(10_000 * DOUBT, rel=0.02)


def test_its_uncertainty_is_that_of_repeated_measurements() -> None:
    found = [fit_leak(shut(PER_S, 29, seed)) for seed in range(200)]
    off = [(leak.per_s - PER_S) / leak.standard_per_s for leak in found]
    assert np.std(off) == pytest.approx(1, abs=0.2)


def test_a_large_leak_is_found_before_the_pump_comes() -> None:
    """5 % per second leave a band of a quarter within 5 s; 40 % in less than one."""
    for per_s, seconds in ((0.05, 4.0), (0.4, 0.4)):
        assert fit_leak(shut(per_s, seconds)).per_s == pytest.approx(per_s, rel=0.02)


def test_a_leak_that_cannot_be_told_from_none_is_none_and_what_it_may_be() -> None:
    stored = [fit_leak(shut(0.0, 29, seed)).stored(COMPLIANCE_UL_MPA) for seed in range(100)]
    none = [uncertainty for nl_min, uncertainty in stored if nl_min == 0]
    assert len(none) >= 90
    # Two to four standard errors, of some 6 nL/min.
    assert all(uncertainty is not None and 8 < uncertainty < 40 for uncertainty in none)


@pytest.mark.parametrize("seconds", [0, 0.04])
def test_a_hold_that_shows_nothing_leaves_the_leak_unknown(seconds: float) -> None:
    leak = fit_leak(shut(PER_S, seconds))
    assert leak.per_s == 0 and math.isinf(leak.standard_per_s)
    assert leak.stored(COMPLIANCE_UL_MPA) == (None, None)
    assert fit_leak(np.full(500, -0.01)).stored(COMPLIANCE_UL_MPA) == (None, None)


@pytest.mark.parametrize("share", [0.003, 0.01, 0.03])
def test_oil_that_cools_makes_the_leak_uncertain(share: float) -> None:
    """What the oil loses while it cools counts as leak, but the uncertainty knows of it."""
    readings = shut(PER_S, 29)
    readings *= 1 + share * np.exp(-np.arange(readings.size) / 100 / 90)
    leak = fit_leak(readings)
    nl_min, uncertainty = leak.stored(COMPLIANCE_UL_MPA)
    assert nl_min is not None and uncertainty is not None
    assert leak.per_s > 1.05 * PER_S
    assert abs(nl_min - 10_000) < uncertainty
    assert uncertainty > 1500


def test_no_leak_is_larger_than_the_wire_can_say() -> None:
    assert BlankLeak(10.0, 0.01, 24.0).stored(10_000.0) == (100_000_000, 100_000_000)
