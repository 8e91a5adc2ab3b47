"""Each measure on curves whose result is known."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pressloop.analysis import metrics
from pressloop.analysis.metrics import StageMetrics, StageSamples

TARGET = 250.0
TOLERANCE = 1.25
INTERVAL_S = 0.01


def stage(
    ramp: list[float],
    hold: list[float],
    *,
    setpoint: list[float] | None = None,
    **columns: Any,
) -> StageSamples:
    """A stage whose setpoint, unless given, is the pressure in the ramp and the target after."""
    count = len(ramp) + len(hold)
    values: dict[str, Any] = {
        "time_s": np.arange(count) * INTERVAL_S,
        "pressure_mpa": np.array(ramp + hold, float),
        "setpoint_mpa": np.array(setpoint or ramp + [TARGET] * len(hold), float),
        "output_percent": np.zeros(count),
        "ramp": np.arange(count) < len(ramp),
        "hold": np.arange(count) >= len(ramp),
        "running": np.ones(count, np.bool_),
        "approaching": np.zeros(count, np.bool_),
    }
    return StageSamples(**{**values, **columns})


def measure(samples: StageSamples, **changes: Any) -> StageMetrics:
    settings: dict[str, Any] = {
        "target_mpa": TARGET,
        "tolerance_mpa": TOLERANCE,
        "direction": "up",
        "sample_interval_s": INTERVAL_S,
    }
    return metrics.stage_metrics(samples, **{**settings, **changes})


def test_peak_and_overshoot_on_the_way_up() -> None:
    result = measure(stage([0, 100, 200], [249, 252.5, 248.9, 250]))
    assert result.peak_mpa == 252.5
    assert result.lowest_mpa == 248.9
    assert result.overshoot_mpa == 2.5
    assert result.overshoot_percent == 1.0


def test_on_the_way_down_overshoot_is_below_and_the_ramp_is_no_peak() -> None:
    result = measure(stage([500, 400, 300], [251, 249.5, 250.75, 250]), direction="down")
    assert result.peak_mpa == 251
    assert result.lowest_mpa == 249.5
    assert result.overshoot_mpa == 0.5
    assert result.overshoot_percent == 0.2


def test_a_pressure_that_never_arrives_has_not_overshot() -> None:
    result = measure(stage([0, 100, 200], [240, 245]))
    assert result.peak_mpa == 245
    assert result.overshoot_mpa == 0
    assert result.in_band_fraction == 0
    assert result.dwell_s == 0
    assert result.mean_mpa == 242.5


def test_a_pump_at_its_limit_is_told_from_a_late_ramp() -> None:
    ramp = [100.0, 110.0, 120.0, 130.0, 248.0]
    setpoint = [100.0, 120.0, 140.0, 160.0, 249.0, 250.0, 250.0]
    output = np.array([50.0, 99.6, 100.0, 80.0, 100.0, 100.0, 10.0])
    late = partial(stage, ramp, [240.0, 250.0], setpoint=setpoint, output_percent=output)
    # Late with 80 %: not the pump. Fully open within 1 %: a correction.
    assert measure(late()).full_flow_s == pytest.approx(0.03)
    paused = late(running=np.array([True] * 5 + [False, True]))
    assert measure(paused).full_flow_s == pytest.approx(0.02)
    closing = late(approaching=np.array([True] * 4 + [False] * 3))
    assert measure(closing).full_flow_s == pytest.approx(0.01)


def test_ramp_error_counts_from_contact_to_the_setpoints_arrival() -> None:
    samples = stage(
        # In the approach and after the arrival the difference is larger: it does not count.
        [0, 0, 10, 95, 198],
        [248, 244, 250],
        setpoint=[0, 200, 10, 100, 200, 250, 250, 250],
        approaching=np.array([True, True] + [False] * 6),
    )
    assert measure(samples).ramp_error_percent == 100 * 5 / TARGET


def test_ramp_error_at_the_arrival_counts() -> None:
    samples = stage([100, 200], [243, 250], setpoint=[100, 200, 250, 250])
    assert measure(samples).ramp_error_percent == 100 * 7 / TARGET


def test_ramp_error_does_not_count_a_pause() -> None:
    samples = stage(
        [100, 180, 200],
        [250],
        setpoint=[100, 200, 201, 250],
        running=np.array([True, False, True, True]),
    )
    assert measure(samples).ramp_error_percent == 100 * 1 / TARGET


def test_a_stage_without_a_ramp_has_no_ramp_error() -> None:
    assert measure(stage([], [240, 250])).ramp_error_percent is None


def test_a_stage_that_only_ramps_has_no_hold() -> None:
    result = measure(stage([100, 200, 250], []), tolerance_mpa=None)
    assert result.ramp_error_percent == 0
    assert result.peak_mpa == 250
    for name in ("settle_s", "in_band_fraction", "dwell_s", "mean_mpa", "top_up_count"):
        assert getattr(result, name) is None


@pytest.mark.parametrize(
    ("hold", "expected"),
    [
        ([250.0] * 30, 0.0),
        ([240.0] * 7 + [250.0] * 30, 0.07),
        # A visit to the band of less than a second, then for good.
        ([240.0] * 5 + [250.0] * 99 + [240.0] * 3 + [250.0] * 10, 1.07),
        # A visit of a second is enough, whatever comes.
        ([240.0] * 5 + [250.0] * 100 + [240.0] * 3, 0.05),
        ([250.0] * 99 + [240.0], None),
        ([240.0] * 30, None),
    ],
)
def test_settle(hold: list[float], expected: float | None) -> None:
    assert measure(stage([100.0, 200.0], hold)).settle_s == expected


def without(samples: StageSamples, first: int, last: int) -> StageSamples:
    """The same stage with a gap: samples first..last are not recorded."""
    index = np.arange(samples.time_s.size)
    return samples.where((index < first) | (index > last))


def test_a_settling_that_lies_in_a_gap_is_unknown() -> None:
    ramp, hold = [100.0, 150.0, 200.0], [249.0] * 5 + [250.0] * 200
    whole = stage(ramp, hold)
    assert measure(whole).settle_s == 0.0
    # The setpoint arrives with sample 3.
    assert measure(without(whole, 2, 3)).settle_s is None
    assert measure(without(whole, 0, 3)).settle_s is None
    # Out of band first: the entry, and the second that proves it, must have been seen.
    late = stage(ramp, [240.0] * 5 + [250.0] * 200)
    assert measure(late).settle_s == 0.05
    assert measure(without(late, 7, 10)).settle_s is None
    assert measure(without(late, 50, 51)).settle_s is None
    assert measure(without(late, 150, 151)).settle_s == 0.05


def test_noise_is_what_varies_within_a_block_and_not_the_drift() -> None:
    rng = np.random.default_rng(1)
    drift = np.linspace(250, 249, 6400)
    hold = (drift + rng.normal(0, 0.05, drift.size)).tolist()
    assert measure(stage([100.0], hold)).noise_mpa == pytest.approx(0.05, rel=0.05)
    assert measure(stage([100.0], [250.0] * 40)).noise_mpa is None


def test_settle_counts_from_the_setpoints_arrival_even_in_the_ramp() -> None:
    samples = stage([100, 200, 240, 245], [250] * 5, setpoint=[100, 200, 250, 250, *[250] * 5])
    assert measure(samples).settle_s == 0.02


def test_a_setpoint_that_never_arrives_settles_nothing() -> None:
    assert measure(stage([100, 200], [210] * 5, setpoint=[100, 200, *[210] * 5])).settle_s is None


def test_the_dwell_begins_in_band_and_ends_with_the_hold() -> None:
    hold = [240.0, 245.0] + [250.0] * 6 + [252.0, 252.0]
    result = measure(stage([100, 200], hold))
    assert result.in_band_fraction == 0.75
    assert result.dwell_s == 0.06
    assert result.mean_mpa == 250.5
    assert result.rms_error_mpa == 1.0


def test_a_pause_is_no_dwell() -> None:
    running = np.array([True] * 4 + [False] * 3 + [True] * 2)
    result = measure(stage([200], [250.0] * 3 + [260.0] * 3 + [250.0] * 2, running=running))
    assert result.in_band_fraction == 1.0
    assert result.dwell_s == 0.05
    # But the pellet was under that pressure.
    assert result.peak_mpa == 260


def test_the_edge_of_the_band_is_in_band_although_floats_round() -> None:
    # 74.37 - 74 is more than 0.37 in floating point.
    result = measure(stage([], [74.37, 73.63]), target_mpa=74.0, tolerance_mpa=0.37)
    assert result.in_band_fraction == 1.0
    assert measure(stage([], [74.371]), target_mpa=74.0, tolerance_mpa=0.37).dwell_s == 0


def test_the_fixed_band_does_not_follow_the_protocols_tolerance() -> None:
    result = measure(stage([], [250, 252, 248.8, 251.2]), tolerance_mpa=5.0)
    assert result.in_band_fraction == 1.0
    assert result.hold_within_half_percent == 0.75


def test_top_ups_are_starts_after_standing_still_in_the_hold() -> None:
    output = np.array([80, 60, 5, 0, 3, 4, -2, 0, 1], float)
    samples = stage([100, 200], [250] * 7, output_percent=output)
    # The pump that runs on from the ramp is no top-up.
    assert measure(samples).top_up_count == 2


def test_a_target_of_zero_has_no_percent() -> None:
    result = measure(stage([100, 50], [], setpoint=[100, 49]), target_mpa=0.0, direction="down")
    assert result.overshoot_percent is None
    assert result.ramp_error_percent is None


def test_without_samples_every_measure_is_none() -> None:
    assert set(vars(measure(stage([], []))).values()) == {None}


@given(st.lists(st.floats(0, 600), min_size=1, max_size=60), st.data())
def test_samples_without_a_true_value_are_left_out(hold: list[float], data: st.DataObject) -> None:
    lost = np.array(data.draw(st.lists(st.booleans(), min_size=len(hold), max_size=len(hold))))
    samples = stage([], hold)
    with_gaps = stage([], hold, pressure_mpa=np.where(lost, np.nan, samples.pressure_mpa))
    assert measure(with_gaps) == measure(samples.where(~lost))


@given(st.lists(st.floats(0, 600), min_size=1, max_size=60))
def test_a_stage_down_is_measured_as_its_mirror_image_up(hold: list[float]) -> None:
    up = measure(stage([], hold))
    mirrored = measure(stage([], [2 * TARGET - value for value in hold]), direction="down")
    assert mirrored.overshoot_mpa == pytest.approx(up.overshoot_mpa)
    assert mirrored.rms_error_mpa == pytest.approx(up.rms_error_mpa)


@given(st.lists(st.floats(240, 260), min_size=1, max_size=60))
def test_measures_agree_with_each_other(hold: list[float]) -> None:
    result = measure(stage([], hold))
    assert result.peak_mpa is not None and result.lowest_mpa is not None
    assert result.overshoot_mpa == pytest.approx(max(0.0, result.peak_mpa - TARGET))
    assert result.mean_mpa is not None and result.rms_error_mpa is not None
    assert result.rms_error_mpa >= abs(result.mean_mpa - TARGET) - 1e-9
    assert (result.dwell_s == 0) == (result.in_band_fraction == 0)
