"""Peleg's law is found in data that follow it, and other data have a reason and no numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pressloop.analysis.leak import Leaked
from pressloop.analysis.relaxation import fit_relaxation

Floats = np.ndarray


def peleg(f0: float, k1: float, k2: float, duration_s: float) -> tuple[Floats, Floats]:
    time_s = np.arange(0, duration_s, 0.05)
    return time_s, f0 * (1 - time_s / (k1 + k2 * time_s))


def noisy(values: Floats, sigma: float, seed: int = 1) -> Floats:
    return values + np.random.default_rng(seed).normal(0, sigma, values.size)


def test_a_sealed_dwell() -> None:
    time_s, pressure = peleg(500, 60, 12, 180)
    result = fit_relaxation(time_s, noisy(pressure, 0.05), "pressure", start_s=3.0)
    assert result.fitted and result.reason == ""
    assert (result.quantity, result.unit, result.start_s) == ("pressure", "MPa", 3.0)
    assert result.initial == pytest.approx(500, abs=0.05)
    for value, error, true in (
        (result.k1, result.k1_standard_error, 60),
        (result.k2, result.k2_standard_error, 12),
        (result.change_final, result.change_final_standard_error, 500 / 12),
    ):
        assert value is not None and error is not None
        assert abs(value - true) < 4 * error
        assert error < 0.01 * true
    assert result.half_time_s == pytest.approx(5, rel=0.01)
    assert result.change == pytest.approx(500 - pressure[-1], abs=0.1)
    rate = (pressure[-100] - pressure[-1]) / (time_s[-1] - time_s[-100]) * 60
    assert result.change_rate_per_min == pytest.approx(rate, rel=0.05)
    assert result.r_squared == pytest.approx(1, abs=1e-4)
    assert np.abs(result.at(time_s) - pressure).max() < 0.1


def test_creep_in_a_regulated_dwell() -> None:
    time_s = np.arange(0, 180, 0.05)
    closing = 4.0 + time_s / (300 + 20 * time_s)
    result = fit_relaxation(time_s, noisy(closing, 0.0005), "displacement")
    assert result.fitted
    assert result.initial == pytest.approx(4, abs=1e-3)
    assert result.change_final == pytest.approx(0.05, rel=0.01)
    assert (result.k1, result.k2) == pytest.approx((300, 20), rel=0.02)
    assert np.abs(result.at(time_s) - closing).max() < 1e-3


@settings(max_examples=40)
@given(
    st.floats(20, 600),
    st.floats(2.5, 30),
    st.floats(1, 40),
    st.integers(0, 1000),
)
def test_any_powder(f0: float, k2: float, half_s: float, seed: int) -> None:
    time_s, pressure = peleg(f0, k2 * half_s, k2, 120)
    result = fit_relaxation(time_s, noisy(pressure, 1e-4 * f0, seed), "pressure")
    assert result.fitted, result.reason
    assert result.k2 == pytest.approx(k2, rel=0.05)
    assert result.half_time_s == pytest.approx(half_s, rel=0.1)


def test_its_standard_errors_are_those_of_repeated_measurements() -> None:
    time_s, pressure = peleg(500, 60, 12, 180)
    off = []
    for seed in range(100):
        result = fit_relaxation(time_s, noisy(pressure, 0.1, seed), "pressure")
        assert result.k1 is not None and result.k1_standard_error is not None
        assert result.k2 is not None and result.k2_standard_error is not None
        off.append(
            (
                (result.k1 - 60) / result.k1_standard_error,
                (result.k2 - 12) / result.k2_standard_error,
            )
        )
    assert np.std(off, axis=0) == pytest.approx([1, 1], abs=0.25)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (lambda t: np.full(t.size, 250.0), "smaller than its own uncertainty"),
        (lambda t: 250.0 + 0.02 * t, "smaller than its own uncertainty"),
        # A leak is a straight line; powder is not.
        (lambda t: 500 - 0.05 * t, "a leak"),
        # A crack.
        (lambda t: 500 - 5.0 * (t > 20), "does not describe the data"),
        # Half of it would take ten such dwells.
        (lambda t: 500 * (1 - t / (6000 + 10 * t)), "dwell too short, or the loss is a leak"),
    ],
)
def test_data_without_relaxation_have_a_reason_and_no_numbers(values: object, reason: str) -> None:
    time_s = np.arange(0, 60, 0.05)
    assert callable(values)
    result = fit_relaxation(time_s, noisy(values(time_s), 0.05), "pressure")
    assert not result.fitted
    assert reason in result.reason
    always = {"quantity", "unit", "start_s", "duration_s", "change", "fitted", "reason"}
    numbers = vars(result).keys() - always
    assert all(getattr(result, name) is None for name in numbers)
    with pytest.raises(ValueError, match="no curve"):
        result.at(time_s)


@pytest.mark.parametrize("count", [0, 1, 50])
def test_a_stretch_that_is_too_short(count: int) -> None:
    time_s = np.arange(count, dtype=np.float64) * 0.01
    result = fit_relaxation(time_s, np.full(count, 74.0), "pressure")
    assert not result.fitted and result.change is None
    assert "too short" in result.reason


def test_a_week_is_fitted_quickly() -> None:
    time_s = np.arange(0, 7 * 86400, 1.0)
    pressure = 74 * (1 - time_s / (2000 + 20 * time_s))
    result = fit_relaxation(time_s, noisy(pressure, 0.05), "pressure")
    assert result.fitted
    assert result.k2 == pytest.approx(20, rel=0.01)


def leaking(time_s: Floats, pressure: Floats, mpa_min: float, share: float) -> Leaked:
    """Pressure that a leak takes: this much per minute in the mean, and less as pressure falls."""
    lost = np.cumsum(pressure - mpa_min / 60 * time_s)
    taken = mpa_min / 60 * time_s[-1] * (lost - lost[0]) / (lost[-1] - lost[0])
    return Leaked(taken, share * taken)


def test_leak_and_powder_are_separated() -> None:
    time_s, powder = peleg(500, 60, 12, 180)
    leak = leaking(time_s, powder, 8.0, 0.1)
    pressure = noisy(powder, 0.05) - leak.mpa
    alone = fit_relaxation(time_s, noisy(powder, 0.05), "pressure")
    result = fit_relaxation(time_s, pressure, "pressure", leaked=leak)
    assert result.fitted
    assert result.leak_change == pytest.approx(24, abs=0.1)
    assert result.leak_change_uncertainty == pytest.approx(2.4, abs=0.01)
    assert result.powder_change == pytest.approx(alone.change, abs=1e-6)
    assert result.powder_change_uncertainty == pytest.approx(2.4, abs=0.05)
    assert result.change == pytest.approx(500 - powder[-1] + 24, abs=0.1)
    for name in ("initial", "k1", "k2", "half_time_s", "change_final", "change_rate_per_min"):
        assert getattr(result, name) == pytest.approx(getattr(alone, name)), name
    assert np.abs(result.at(time_s) - powder).max() < 0.1
    assert np.abs(result.measured_at(time_s) - (powder - leak.mpa)).max() < 0.3
    # The uncertainty of the leak is part of the powder's uncertainties.
    for name in ("k1_standard_error", "k2_standard_error", "change_final_standard_error"):
        assert getattr(result, name) > 5 * getattr(alone, name), name


def test_the_errors_hold_for_a_leak_that_is_wrong() -> None:
    time_s, powder = peleg(500, 60, 12, 180)
    off = []
    for seed in range(60):
        leak = leaking(time_s, powder, 4.0, 0.1)
        wrong = 1 + 0.05 * np.random.default_rng(1000 + seed).normal()
        pressure = noisy(powder, 0.05, seed) - wrong * leak.mpa
        result = fit_relaxation(time_s, pressure, "pressure", leaked=leak)
        assert result.k2 is not None and result.k2_standard_error is not None
        off.append((result.k2 - 12) / result.k2_standard_error)
    # What a wrong leak leaves beside the law counts as scatter, too: half of the error is enough.
    assert 0.3 < np.sqrt(np.mean(np.square(off))) < 1.1


def test_a_powder_within_the_leaks_uncertainty_has_a_reason_and_its_share() -> None:
    time_s, powder = peleg(500, 600, 120, 180)
    leak = leaking(time_s, powder, 20.0, 0.1)
    result = fit_relaxation(time_s, noisy(powder, 0.05) - leak.mpa, "pressure", leaked=leak)
    assert not result.fitted
    assert "within the uncertainty of the leak" in result.reason
    assert result.powder_change == pytest.approx(500 - powder[-1], abs=0.1)
    assert result.powder_change_uncertainty == pytest.approx(6, abs=0.1)
    assert result.change == pytest.approx(60 + 500 - powder[-1], abs=0.2)


def test_a_leak_alone_leaves_no_powder() -> None:
    time_s = np.arange(0, 60, 0.05)
    leak = leaking(time_s, np.full(time_s.size, 500.0), 3.0, 0.1)
    result = fit_relaxation(time_s, noisy(500 - leak.mpa, 0.05), "pressure", leaked=leak)
    assert not result.fitted and "smaller than its own uncertainty" in result.reason
    assert result.powder_change == pytest.approx(0, abs=0.2)
    assert result.leak_change == pytest.approx(3, abs=0.01)
