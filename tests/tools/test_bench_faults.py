"""The bench of faults: the same seed gives the same runs, and it sees what it must see."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from pressloop.wire.schema import Profile
from pressloop_bench.control.press_family import reference
from pressloop_bench.control.tuned_press import fields
from pressloop_bench.faults import judge
from pressloop_bench.faults.fault_case import FaultCase, draw, kinds
from pressloop_bench.faults.fault_run import Course, run_case
from pressloop_bench.faults.judge import LIMITS, Judgement
from pressloop_sim.plant.fault_kinds import BY_NAME


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


def test_every_kind_is_drawn_and_has_a_class() -> None:
    assert {kind.name for kind in kinds(2)} == set(BY_NAME)
    for channels in (1, 2):
        for kind in kinds(channels):
            case = dataclasses.replace(_case(kind.name), channels=channels)
            assert judge.class_of(case) in LIMITS


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
