"""The bench of faults: the same seed gives the same runs, and it sees what it must see."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from pressloop.wire.schema import Profile
from pressloop_bench.control.press_family import reference
from pressloop_bench.control.run_case import tuned_profile
from pressloop_bench.control.tuned_press import fields
from pressloop_bench.faults import judge, promises, report
from pressloop_bench.faults.fault_case import FaultCase, draw, kinds
from pressloop_bench.faults.fault_run import Course, run_case
from pressloop_bench.faults.judge import Judgement
from pressloop_bench.faults.promises import LIMITS
from pressloop_bench.faults.report import HEADER, Result
from pressloop_sim.plant.fault_kinds import BY_NAME

ROOT: Final = Path(__file__).resolve().parents[2]


def _profile() -> dict[str, Any]:
    """The reference press by its data sheet: good enough for a fault, and not tuned for seconds."""
    press = reference().press.nominal_profile()
    return fields(Profile(**dict(press, dies_um=(10_000,))))


def _case(
    kind: str | None, value: float = 0.0, stage: str = "hold", again: bool = False
) -> FaultCase:
    return FaultCase(
        seed=1,
        number=1,
        case=reference(),
        kind=None if kind is None else BY_NAME[kind],
        value=value,
        stage=stage,
        again=again,
        share=0.5,
        channels=1,
    )


def _run(kind: str | None, value: float = 0.0, stage: str = "hold") -> tuple[Course, Judgement]:
    case = _case(kind, value, stage)
    course = run_case(case, _profile())
    return course, judge.judge(case, course, _profile())


def test_a_seed_gives_the_same_cases() -> None:
    first = [draw(5, number, None, (1,)) for number in range(6)]
    assert first == [draw(5, number, None, (1,)) for number in range(6)]
    assert first != [draw(6, number, None, (1,)) for number in range(6)]


def test_a_sound_run_has_its_noise_in_every_channel() -> None:
    case = dataclasses.replace(_case(None), noise_percent=0.1, channels=2)
    config = case.press_config()
    for which in ("sensor_", "second_sensor_"):
        full_mpa = config[f"{which}full_scale_mpa"]
        assert config[f"{which}noise_mpa"] == pytest.approx(0.001 * full_mpa)
    assert dataclasses.replace(case, channels=1).press_config()["second_sensor_noise_mpa"] == 0


def test_every_kind_is_drawn_and_has_a_class() -> None:
    # What a person does is no fault of a press, and no press of the family is a vessel.
    left_out = {"emergency-stop", "guard-open", "vessel-air"}
    assert {kind.name for kind in kinds(2)} == set(BY_NAME) - left_out
    for channels in (1, 2):
        for kind in kinds(channels):
            case = dataclasses.replace(_case(kind.name), channels=channels)
            assert promises.class_of(case) in LIMITS


def test_a_sound_run_keeps_every_promise() -> None:
    course, judgement = _run(None)
    assert judgement.name == "completed"
    assert judgement.problems == ()
    assert judgement.dwell >= 0.99
    assert np.max(course.true_mpa) > 200


def test_a_broken_wire_is_told_within_its_time() -> None:
    course, judgement = _run("sensor-open")
    assert course.fault_tick is not None
    assert (judgement.name, judgement.problems) == ("sensor-low", ())
    assert judgement.reaction_s is not None and judgement.reaction_s <= 0.1


def test_pressure_that_stays_unsaid_is_a_broken_promise() -> None:
    case = _case("release-stuck-shut")
    course = run_case(case, _profile())
    quiet = dataclasses.replace(course, fault=np.zeros_like(course.fault))
    assert "pressure stays and nothing says so" in judge.judge(case, quiet, _profile()).problems


def test_a_leak_is_told_from_the_first_dwell_on_if_powder_cannot_take_as_much() -> None:
    compliance_ul_mpa = _profile()["compliance_nl_mpa"] / 1000
    for share, promised in ((0.02, False), (0.06, True)):
        case = _case("leak", share * compliance_ul_mpa, "ramp")
        course = run_case(case, _profile())
        unsaid = dataclasses.replace(course, fault=np.zeros_like(course.fault), end_reason=1)
        assert ("not told" in judge.judge(case, unsaid, _profile()).problems) == promised
        if promised:
            dwelt = np.flatnonzero(course.dwelling)[0]
            told = np.flatnonzero(course.fault)[0]
            reaction_s = judge.judge(case, course, _profile()).reaction_s
            assert reaction_s == pytest.approx((told - dwelt) / 100)


def test_a_release_that_is_stuck_shut_has_no_effect_before_the_approach_has_ended() -> None:
    case = _case("release-stuck-shut", stage="approach")
    tuned = {**_profile(), "tuning_residual_ppm": 5000}
    judgement = judge.judge(case, run_case(case, tuned), tuned)
    assert (judgement.name, judgement.problems) == ("no-release", ())


def test_a_relief_valve_that_has_not_opened_yet_has_no_effect() -> None:
    # It opens at 100 MPa on the pellet; before, the ram lands with more than the setpoint's 0.
    case = _case("relief", 54.0, stage="approach")
    course = run_case(case, _profile())
    landing = np.flatnonzero(course.setpoint_mpa)[0] - 1
    assert course.setpoint_mpa[landing] == 0
    true = course.true_mpa.copy()
    true[landing] = 30.0
    judgement = judge.judge(case, dataclasses.replace(course, true_mpa=true), _profile())
    assert judgement.reaction_s is None or judgement.reaction_s < 1


def test_a_reading_that_stands_in_a_hold_is_judged_by_what_the_valves_are_known_to() -> None:
    tuned = {**_profile(), "tuning_residual_ppm": 5000}
    case = _case("sensor-blocked", again=True)
    course = run_case(case, tuned)
    start = course.fault_tick
    assert start is not None
    seconds = np.arange(len(course.true_mpa)) / 100 - start / 100
    for mpa_s, fault_class in ((1.0, promises.SENSOR_UNSEEN), (30.0, promises.SENSOR_AGAIN)):
        target = case.target_kpa / 1000
        error_mpa = np.maximum(0.0, mpa_s * seconds)
        reading = np.where(seconds < 0, course.reading_mpa, target)
        quiet = dataclasses.replace(
            course,
            true_mpa=reading + np.minimum(error_mpa, 40.0),
            reading_mpa=reading,
            state=np.ones_like(course.state),
            step=np.where(seconds < 0, course.step, case.step),
            fault=np.zeros_like(course.fault),
            end_reason=1,
        )
        assert judge.judge(case, quiet, tuned).fault_class == fault_class
    # A volume that no sound press explains has to be told.
    growing = np.maximum(0.0, 3.0 * seconds)
    judgement = judge.judge(case, dataclasses.replace(quiet, true_mpa=reading + growing), tuned)
    assert judgement.fault_class == promises.SENSOR_UNSEEN
    assert "not told" in judgement.problems


def test_a_drift_in_a_release_is_to_be_told_once_the_sample_has_no_pressure() -> None:
    tuned = {**_profile(), "tuning_residual_ppm": 5000}
    case = _case("sensor-drift", 2.0, stage="release")
    course = run_case(case, tuned)
    judgement = judge.judge(case, course, tuned)
    assert (judgement.fault_class, judgement.problems) == (promises.SENSOR_RELEASE, ())
    assert judgement.reaction_s is not None and judgement.reaction_s < 2
    unsaid = dataclasses.replace(course, fault=np.zeros_like(course.fault), end_reason=1)
    assert "not told" in judge.judge(case, unsaid, tuned).problems


def test_a_wrong_claim_is_a_broken_promise() -> None:
    case = _case(None)
    course = run_case(case, _profile())
    wrong = dataclasses.replace(course, true_mpa=course.true_mpa * 0.8)
    judgement = judge.judge(case, wrong, _profile())
    assert judgement.claims_wrongly
    assert judgement.problems == ("claims completed with 0% of the dwell",)


def test_pressure_beyond_what_the_class_allows_is_a_broken_promise() -> None:
    case = _case("power-cut")
    course = run_case(case, _profile())
    assert judge.judge(case, course, _profile()).problems == ()
    high = dataclasses.replace(course, true_mpa=course.true_mpa * 1.1)
    assert any("beyond" in problem for problem in judge.judge(case, high, _profile()).problems)


def test_a_first_pressing_is_bounded_by_the_relief_valve() -> None:
    """A drift of -14 MPa/s in a ramp of 7 MPa/s put 488 MPa on this sample before there was one."""
    case = draw(291643, 806, None, (1, 2))
    tuned = tuned_profile(case.case)
    course = run_case(case, tuned)
    judgement = judge.judge(case, course, tuned)
    assert (judgement.fault_class, judgement.problems) == (promises.SENSOR_FIRST, ())
    assert 475 < course.true_mpa.max() < 482
    high = dataclasses.replace(course, true_mpa=course.true_mpa + 10)
    (problem,) = judge.judge(case, high, tuned).problems
    assert problem == "486 MPa, and validate prints 482"


def test_a_pump_that_is_stuck_below_what_a_ramp_asks_for_has_no_effect() -> None:
    case = _case("pump-stuck-open", 0.1, stage="ramp")
    course = run_case(case, _profile())
    assert course.fault_tick is not None
    behind = course.setpoint_mpa - 10.0
    slow = dataclasses.replace(
        course,
        true_mpa=behind,
        reading_mpa=behind,
        fault=np.zeros_like(course.fault),
        end_reason=1,
    )
    assert judge.judge(case, slow, _profile()).reaction_s is None
    fast = dataclasses.replace(slow, true_mpa=course.setpoint_mpa + 10.0)
    assert judge.judge(case, fast, _profile()).reaction_s == float("inf")


def test_the_table_has_a_row_for_each_kind_and_class_of_limits() -> None:
    valve = Judgement(promises.VALVE, 3.14, 8.0, 0.4, "pump-stuck", 1.0)
    later = Judgement(promises.VALVE, 9.0, 8.5, float("inf"), "completed", 0.2, ("9 MPa beyond",))
    stroke = Judgement(promises.STROKE, 0.0, 2.0, None, "completed", 0.0)
    lines = report.table(
        [
            Result(_case("pump-stuck-open", 5), valve, True),
            Result(_case("pump-stuck-open", 9), later, True),
            Result(_case("stroke-end"), stroke, True),
        ]
    ).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert rows[0] == list(HEADER)
    assert rows[2] == [
        *("valve or burst", "pump-stuck-open", "2", "9.0", "8.5", "0.40 / 0.40", "0.5"),
        *("1", "1", "1", "pump-stuck 1, completed 1"),
    ]
    assert rows[3] == [
        *("end of the stroke, oil alone", "stroke-end", "1", "0.0", "-", "-", "-"),
        *("0", "1", "0", "completed 1"),
    ]


def test_the_documented_table_is_one_that_the_bench_prints() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    section = page.partition("## Faults")[2].partition("\n## ")[0]
    assert "| " + " | ".join(HEADER) + " |" in section
    classes = {line.split("|")[1].strip() for line in section.splitlines() if line[:1] == "|"}
    assert classes - {"", "class", "---"} <= set(LIMITS)
