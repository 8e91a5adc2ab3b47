"""From when on the bench says that two channels disagree: what it counts, and what not."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from pressloop.machine.channels import ChannelComparison
from pressloop.machine.profile import MachineProfile
from pressloop.wire.schema import Profile
from pressloop_bench.control.press_family import reference
from pressloop_bench.control.press_run import Floats
from pressloop_bench.control.tuned_press import fields
from pressloop_bench.faults.disagreement import disagree_from, figure_mpa
from pressloop_bench.faults.fault_case import FaultCase
from pressloop_bench.faults.fault_run import RUNNING, Course, run_case
from pressloop_bench.faults.judge import Judgement, judge
from pressloop_sim.plant.fault_kinds import BY_NAME

FIGURE_MPA = 11.25


def _dated(apart_mpa: list[float] | Floats, told: int | None = None) -> int | None:
    apart = np.array(apart_mpa, dtype=np.float64)
    return disagree_from(apart, np.full(len(apart), FIGURE_MPA), told)


def test_a_step_counts_from_its_first_reading_on_either_side() -> None:
    for side in (-1, 1):
        step = [0.0] * 20 + [side * 40.0] * 30
        assert _dated(step) == 20
        assert _dated(step, told=25) == 20


def test_what_ends_before_the_board_must_be_sure_is_none() -> None:
    assert _dated([0.0] * 20 + [40.0] * 9 + [0.0] * 200) is None
    assert _dated([0.0] * 20 + [40.0] * 10 + [0.0] * 200) == 20


def test_a_reading_within_the_figure_starts_the_time_anew() -> None:
    assert _dated([0.0] * 20 + [13.0] * 9 + [11.0] + [13.0] * 30) == 30


def test_noise_of_both_signs_is_no_disagreement_however_large() -> None:
    noise = np.random.default_rng(1).normal(0, 3 * FIGURE_MPA, 3000)
    assert np.mean(np.abs(noise) > FIGURE_MPA) > 0.7
    assert _dated(noise) is None


def test_a_difference_that_leaves_and_comes_back_counts_by_its_mean() -> None:
    swings = np.tile([FIGURE_MPA - 0.5, FIGURE_MPA + 1.0], 100)
    assert _dated(np.concatenate((np.zeros(50), swings))) == 51
    assert _dated(np.concatenate((np.zeros(50), swings - 0.4))) is None


def test_missing_readings_are_no_difference() -> None:
    assert _dated([np.nan, 40.0] * 100) is None
    assert _dated([]) is None


def test_the_figure_is_that_of_validation_at_the_higher_reading() -> None:
    machine = MachineProfile.from_fields(_profile())
    comparison = ChannelComparison.of(machine, 10_000)
    assert comparison is not None
    # Each pressure stands until no movement is left in the means.
    first = np.repeat([700.0, 700.0, 0.0, -5.0], 12)
    apart = np.repeat([100.0, -100.0, np.nan, -1.0], 12)
    expected = [comparison.allowed_kpa(kpa) / 1000 for kpa in (800_000, 700_000, 0, 0)]
    assert figure_mpa(comparison, first, apart)[11::12].tolist() == expected
    assert expected[0] > expected[1] > expected[2]


def test_the_lags_explain_a_difference_that_comes_with_a_movement_and_no_other() -> None:
    machine = MachineProfile.from_fields(_profile())
    comparison = ChannelComparison.of(machine, 10_000)
    assert comparison is not None
    at_rest = comparison.allowed_kpa(100_000) / 1000
    moving = comparison.allowed_kpa(100_000, 50_000) / 1000
    assert moving > at_rest + 0.5
    # The first channel is behind and falls with 50 MPa/s, by half of what is allowed too high.
    falling = np.concatenate((np.full(20, 110.0), 110.0 - 0.5 * np.arange(1, 21)))
    apart = np.concatenate((np.zeros(20), np.full(20, -(at_rest + moving) / 2)))
    assert figure_mpa(comparison, falling, apart)[-1] > -apart[-1] > at_rest
    # The same difference, which stood before the movement.
    stood = np.full(40, apart[-1])
    assert figure_mpa(comparison, falling, stood)[-1] < -stood[-1]


def _profile() -> dict[str, Any]:
    press = reference().press.nominal_profile()
    return fields(Profile(**dict(press, dies_um=(10_000,))))


def _run(kind: str, value: float, stage: str) -> tuple[FaultCase, Course, Judgement]:
    case = FaultCase(
        seed=1,
        number=1,
        case=reference(),
        kind=BY_NAME[kind],
        value=value,
        stage=stage,
        again=False,
        share=0.5,
        channels=2,
    )
    course = run_case(case, _profile())
    return case, course, judge(case, course, _profile())


@pytest.mark.parametrize(
    ("kind", "value", "stage"),
    [
        ("second-gain", 1.13, "approach"),
        ("second-drift", 1.0, "ramp"),
        ("second-drift", -1.0, "release"),
        ("sensor-slow", 0.25, "ramp"),
        ("second-offset", -30.0, "hold"),
    ],
)
def test_a_fault_of_one_of_two_channels_is_told_in_time(
    kind: str, value: float, stage: str
) -> None:
    _, _, judgement = _run(kind, value, stage)
    assert judgement.problems == ()
    assert judgement.name == "sensor-disagree"


def test_a_disagreement_that_is_not_told_in_time_is_a_broken_promise() -> None:
    case, course, judgement = _run("second-offset", 30.0, "hold")
    told = int(np.flatnonzero(course.fault)[0])
    assert judgement.reaction_s is not None and judgement.reaction_s <= 0.1
    # The same, told a tenth of a second later, and by a board that never says anything.
    tick = np.arange(len(course.state))
    for until, said in ((told + 10, "told after 0.1"), (len(tick), "not told")):
        slow = dataclasses.replace(
            course,
            fault=np.where(tick < until, 0, course.fault),
            state=np.where(tick < until, RUNNING, course.state),
            apart_mpa=np.where((tick >= told) & (tick < until), 30.0, course.apart_mpa),
            end_reason=0,
        )
        problems = judge(case, slow, _profile()).problems
        assert any(text.startswith(said) for text in problems), problems


def test_the_readings_count_and_not_their_distance_from_the_truth() -> None:
    case, course, _ = _run("second-offset", 30.0, "hold")
    close = dataclasses.replace(course, apart_mpa=np.zeros_like(course.apart_mpa))
    assert judge(case, close, _profile()).reaction_s is None
