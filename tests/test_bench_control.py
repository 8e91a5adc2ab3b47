"""The control bench: its measures, its family, and that the targets are met where it is quick."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pressloop.bench import control, peers
from pressloop.bench.family import RANGES, Case, family, reference
from pressloop.bench.press import Bench, PressRunError
from pressloop.bench.quality import Quality, Stage, judge
from pressloop.bench.tuned import fields, tune


def stage(**changes: object) -> Stage:
    """A perfect stage of 100 MPa, with changes."""
    level = np.full(1000, 100.0)
    perfect = Stage(100.0, True, 100.0, level[:500], level[:500], level, level, 1000)
    return replace(perfect, **changes)  # type: ignore[arg-type]


def test_a_perfect_stage() -> None:
    quality = judge([stage()], limit_mpa=104)
    assert quality == Quality(0, 0, 0, 0, 100, 0, 0, 0, -4)


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


@pytest.mark.parametrize("case", [reference(), *family(2, seed=11)], ids=lambda case: case.name)
def test_a_press_never_seen_is_pressed_as_well_as_asked(case: Case) -> None:
    """After nothing but its own tuning run; judged on the true pressure."""
    quality = control.measure((case, (control.OURS,)))[control.OURS]
    assert isinstance(quality, Quality), quality
    for name, target in control.TARGETS.items():
        assert control.missed(quality, name) <= target, name
    assert quality.beyond_mpa <= 0


@pytest.mark.parametrize("name", peers.LAWS)
def test_a_peer_presses_too(name: str) -> None:
    case = reference()
    profile = fields(tune(case)[-1].profile)
    quality = control.measure((case, (name,)))[name]
    assert isinstance(quality, Quality), quality
    assert quality.in_band > 90
    assert profile["compliance_curve"]


def test_search_walks_to_the_least_cost() -> None:
    def bowl(gains: peers.Gains) -> float:
        return (gains.kp - 12) ** 2 + (gains.ki - 1) ** 2 + gains.kd

    best, least = peers.search(bowl, peers.Gains(6, 3, 0))
    assert best.kp == pytest.approx(12, rel=0.2)
    assert best.ki == pytest.approx(1, rel=0.3)
    assert least < 4


def test_a_run_that_is_not_completed_says_why() -> None:
    case = reference()
    profile = dict(case.press.nominal_profile(), dies_um=[10_000])
    bench = Bench(case.press.plant_config(), profile, seed=1)
    steps = control.protocol(case)[:2]
    steps[1].update(tolerance_kpa=1, timeout_ms=10)
    with pytest.raises(PressRunError, match="end reason 5, fault 0, step 1"):
        bench.run(steps, die_um=10_000, ceiling_kpa=260_000, vent_kpa_s=20_000)
