"""The control bench: its measures, its family, and that the targets are met where it is quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace

import numpy as np
import pytest
from pressloop.tuning.identify import Identification
from pressloop_bench.control import peer_laws, repeatability, report, run_case
from pressloop_bench.control.gain_search import pattern_search
from pressloop_bench.control.peer_laws import Gains
from pressloop_bench.control.press_family import RANGES, Case, family, reference
from pressloop_bench.control.press_run import FastPress, PressRunError
from pressloop_bench.control.quality import TARGETS, JudgedStage, Quality, cost, judge
from pressloop_bench.control.tuned_press import fields


def stage(**changes: object) -> JudgedStage:
    """A perfect stage of 100 MPa, with changes."""
    level = np.full(1000, 100.0)
    perfect = JudgedStage(100.0, True, 100.0, level[:500], level[:500], level, level, 1000)
    return replace(perfect, **changes)  # type: ignore[arg-type]


def test_a_perfect_stage() -> None:
    quality = judge([stage()], limit_mpa=104)
    assert quality == Quality(0, 0, 0, 0, 100, 0, 0, 0, 0)
    assert not quality.missed_targets and cost(quality) == 0


def test_each_measure_sees_its_own_fault() -> None:
    hold = np.full(1000, 100.0)
    hold[:30] = 98.0
    hold[30:40] = 101.0
    quality = judge([stage(hold_true=hold, dwell_true=hold[30:])], limit_mpa=104)
    assert quality.overshoot == pytest.approx(1.0)
    assert quality.settle_s == pytest.approx(0.4)
    assert quality.in_band == pytest.approx(100 * 960 / 970)
    assert quality.dwell_ticks == 40
    assert quality.rms == pytest.approx((10 / 970) ** 0.5)
    off = stage(dwell_true=hold * 0 + 100.2)
    assert judge([off], 104).rms == pytest.approx(0.2)
    assert judge([off], 104).steady == pytest.approx(0)
    ramp = judge([stage(ramp_true=np.array([10.0, 21.5]), ramp_set=np.array([10.0, 20.0]))], 104)
    assert ramp.ramp == pytest.approx(1.5)
    down = stage(rising=False, hold_true=hold)
    assert judge([down], 104).overshoot == pytest.approx(2.0)


def test_the_family_repeats_and_keeps_to_its_ranges() -> None:
    cases = family(20, seed=5)
    assert cases == family(20, seed=5)
    assert cases != family(20, seed=6)
    for case in cases:
        for path, (low, high) in RANGES.items():
            value: object = case.press
            for name in path.split("."):
                value = getattr(value, name)
            assert isinstance(value, float) and low <= value <= high, path
        lever = case.press.ram.area_cm2 * 100 / case.press.plant_config()["die_area_mm2"]
        assert case.targets_mpa[1] / lever * 10 <= 0.81 * case.press.transducer.full_scale_bar


@pytest.mark.parametrize(
    "case",
    [reference(), *(pytest.param(case, marks=pytest.mark.slow) for case in family(2, seed=11))],
    ids=lambda case: case.name,
)
def test_a_press_never_seen_is_pressed_as_well_as_asked(
    case: Case, tune_once: Callable[[Case], Identification]
) -> None:
    """After nothing but its own tuning run; judged on the true pressure."""
    quality = run_case.judged(case, fields(tune_once(case).profile), run_case.OURS)
    assert isinstance(quality, Quality), quality
    assert not quality.missed_targets, quality


@pytest.mark.parametrize("name", peer_laws.LAWS)
def test_a_peer_presses_too(name: str, tune_once: Callable[[Case], Identification]) -> None:
    quality = run_case.judged(reference(), fields(tune_once(reference()).profile), name)
    assert isinstance(quality, Quality), quality
    assert quality.in_band > 90


def test_search_walks_to_the_least_cost_within_its_bounds() -> None:
    def bowl(gains: Gains) -> float:
        return (gains.kp - 12) ** 2 + (gains.ki - 1) ** 2 + gains.kd

    best, least = pattern_search(bowl, Gains(6, 3, 0), Gains(200, 200, 200))
    assert best.kp == pytest.approx(12, rel=0.2)
    assert best.ki == pytest.approx(1, rel=0.3)
    assert least < 4
    assert pattern_search(bowl, Gains(6, 3, 0), Gains(8, 8, 8))[0].kp == 8


def _quality(**changes: float) -> Quality:
    return replace(judge([stage()], limit_mpa=104), **changes)


def test_a_target_that_is_missed_is_named() -> None:
    assert _quality(ramp=2.1, in_band=99.8).missed_targets == ["ramp", "in_band"]
    assert set(TARGETS) < set(report.ROWS)


def test_the_table_says_where_a_peer_is_better() -> None:
    ours, peer = run_case.OURS, "simple-pid"
    case = reference()
    results: report.Judged = [
        (replace(case, name=f"press {n}"), {ours: _quality(ramp=1.0 + n), peer: _quality(ramp=1.5)})
        for n in range(3)
    ]
    laws = (ours, peer)
    assert report.statistics(results, ours, "ramp") == pytest.approx((2.0, 2.98, 3.0))
    said = report.beaten(results, laws)
    assert len(said) == 3 and all("ramp" in line and peer in line for line in said)
    table = report.markdown(results[0][1], results, laws)
    assert "| 2 / 2.98 / 3 |" in table
    assert "| every target met | all | yes | 2 of 3 | 3 of 3 |" in table
    results[2][1][ours] = "end reason 4"
    assert report.failures(results, laws) == [f"{ours}, press 2: not completed: end reason 4"]
    assert "| 2 of 3 | 3 of 3 |" in report.markdown(results[0][1], results, laws)


def test_spread_is_that_of_the_same_hold() -> None:
    runs = [[repeatability.HoldFigures(100.0, 100.0 + n, 100.0, 2000 + n)] for n in (-1, 0, 1)]
    (spread,) = repeatability.spread(runs)
    assert astuple(spread) == pytest.approx((100.0, 1.0, 0.0, 2))


def test_a_run_that_is_not_completed_says_why() -> None:
    case = reference()
    profile = dict(case.press.nominal_profile(), dies_um=[10_000])
    press = FastPress(case.press.plant_config(), profile, seed=1)
    steps = run_case.protocol(case)[:2]
    steps[1].update(tolerance_kpa=1, timeout_ms=10)
    with pytest.raises(PressRunError, match="end reason 5, fault 0, step 1"):
        press.run(steps, die_um=10_000, ceiling_kpa=260_000, vent_kpa_s=20_000)
