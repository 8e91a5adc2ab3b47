"""Notes on a stage, and the result of a run in one line."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pressloop.analysis.density import Density, Thickness
from pressloop.analysis.wall_loss import wall_loss
from pressloop.evaluation import StageResult
from pressloop.evaluation.notes import stage_notes, wall_text
from pressloop.evaluation.summary import RunSummary
from pressloop.run.result import RunResult

STAGE = StageResult(
    index=0,
    name="stack",
    path="stages[0]",
    iteration=1,
    outcome="done",
    direction="up",
    target_mpa=74,
    tolerance_mpa=1.1,
    ramp_rate_mpa_s=5,
    planned_dwell_s=60,
    duration_s=80,
    missing_s=0,
)


def test_a_mean_is_shown_with_its_uncertainty() -> None:
    known = {"mean_mpa": 74.003, "mean_mpa_uncertainty": 0.859, "mean_mpa_repeatability": 0.171}
    assert stage_notes(STAGE.model_copy(update=known)) == (
        "mean 74.0 ± 0.9 MPa (k=2), ± 0.17 from run to run",
    )
    friction = known | {"mean_mpa_reading_uncertainty": 0.859, "mean_mpa_uncertainty": 7.1}
    assert stage_notes(STAGE.model_copy(update=friction)) == (
        "mean 74.0 ± 0.9 MPa by the oil, ± 7 on the pellet (k=2), ± 0.17 from run to run",
    )
    assert stage_notes(STAGE.model_copy(update={"mean_mpa": 74.003})) == ()
    assert stage_notes(STAGE) == ()


def test_a_rest_has_its_time_without_pressure() -> None:
    rest = {"planned_rest_s": 30.0, "rest_s": 31.2, "rest_unloaded_s": 29.99}
    (note,) = stage_notes(STAGE.model_copy(update=rest))
    assert note == "rest 29.99 s without pressure, 30 s planned"


def test_a_hold_that_ended_without_what_it_waited_for_says_so() -> None:
    (note,) = stage_notes(STAGE.model_copy(update={"dwell_end": "longest"}))
    assert note == "the longest time allowed for the hold was over before what it waited for"
    for end in ("duration", "relaxation", "operator", "run", None):
        assert stage_notes(STAGE.model_copy(update={"dwell_end": end})) == ()


def test_a_result_is_one_line() -> None:
    summary = RunSummary.model_construct(
        end_reason="aborted",
        simulated=True,
        stages=(STAGE, STAGE.model_copy(update={"outcome": "cut"})),
    )
    assert repr(RunResult(Path("runs/a"), summary)) == (
        "<RunResult aborted, simulated, 1 of 2 stages done, record in runs/a>"
    )


def test_a_known_thickness_says_what_the_wall_takes() -> None:
    thickness = Thickness(thickness_mm=1.0, thickness_mm_uncertainty=0.01)
    density = Density("empty die", pressed=thickness, released=None)
    force_kn = 250 * math.pi / 4 * 100 / 1000
    stage = STAGE.model_copy(
        update={"target_mpa": 250, "target_force_kn": force_kn, "density": density}
    )
    # exp(-4 mu K h/D) with mu 0.11 and 0.20, K 0.5, 1 mm in 10 mm.
    assert tuple(wall_text(stage)) == (
        "far end: 2.2-3.9 % less pressure than the punch by friction on the wall (assumption)",
    )
    assert tuple(wall_text(STAGE)) == ()
    assert wall_loss(5.0, 10.0) == pytest.approx((0.104, 0.181), abs=0.001)
