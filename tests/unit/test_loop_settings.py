"""What tuning makes of noise and lag: the filter, and gains that slow valves can bear."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pressloop.emulator.description import PressDescription
from pressloop.tuning.loop_settings import filter_shift, filtered, with_loop_settings
from pressloop.tuning.plans import FINE_KP, fine_gains
from pressloop.wire import schema

PROFILE = replace(
    schema.Profile(**PressDescription().nominal_profile()), kp=12 * 256, ki=round(8 * 655.36)
)


@pytest.mark.parametrize(
    ("noise_percent", "shift"), [(0.0, 1), (0.01, 1), (0.03, 1), (0.05, 3), (0.1, 4), (0.2, 4)]
)
def test_the_filter_follows_the_noise(noise_percent: float, shift: int) -> None:
    assert filter_shift(noise_percent) == shift
    assert filtered(noise_percent, shift) <= 0.021 or noise_percent > 0.1


def test_quick_and_quiet_presses_keep_their_gains() -> None:
    tuned = with_loop_settings(replace(PROFILE, valve_lag_ms=40), 0.01)
    assert (tuned.kp, tuned.ki) == (PROFILE.kp, PROFILE.ki)


def test_slow_valves_and_noise_lower_the_gains() -> None:
    slow = with_loop_settings(replace(PROFILE, valve_lag_ms=125), 0.01)
    assert slow.kp == 4 * 256
    assert slow.ki == pytest.approx(PROFILE.ki / 9, abs=1)
    noisy = with_loop_settings(replace(PROFILE, valve_lag_ms=125), 0.1)
    assert noisy.kp < slow.kp
    again = with_loop_settings(slow, 0.01)
    assert (again.kp, again.ki) == (slow.kp, slow.ki)


def test_the_fine_run_is_as_calm_as_its_valves_need() -> None:
    assert fine_gains(40)["kp"] == FINE_KP * 256
    assert fine_gains(125)["kp"] == 4 * 256
    assert fine_gains(None)["kp"] == FINE_KP * 256
