"""A comparison names the run that is not like the others, where and why, and no sound one."""

from __future__ import annotations

import json
import random
import statistics
from pathlib import Path
from typing import Any

import pytest
from pressloop.catalogue import OddFinding, compare_runs
from pressloop.catalogue.comparison import _by_explanation
from pressloop.catalogue.robust import (
    Spread,
    capability,
    outlier_limit,
    spread_of,
    student_quantile,
)
from pressloop.cli.app import app
from pressloop.errors import BadInputError, PressloopError
from pressloop.evaluation import RunRecord, finalise
from pressloop.reports import plot_comparison
from typer.testing import CliRunner

from tests.unit import synthetic_run
from tests.unit.golden_records import changed, of_steps, write
from tests.unit.synthetic_run import Shape

SHAPE = Shape(targets_mpa=(20.0, 8.0), hold_s=0.6, prompt_s=0.05, bump_mpa=0.01)


def recorded(folder: Path, shape: Shape = SHAPE, *, more_oil: int = 0, **header: Any) -> RunRecord:
    """A run; `more_oil` is added to the opening of the pump in the first hold."""
    run = synthetic_run.run(shape)
    run.header = synthetic_run.header(shape, run_id=f"{abs(hash(folder.name)):016x}"[:16], **header)
    if more_oil:
        hold = set(of_steps(run, 1))

        def change(index: int, fields: dict[str, int]) -> None:
            fields["output"] = 9000 + more_oil if index in hold else fields["output"]

        run = changed(run, change)
    write(folder, run, run.end())
    finalise(folder)
    return RunRecord.open(folder)


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> list[RunRecord]:
    folder = tmp_path_factory.mktemp("usual")
    return [recorded(folder / f"run-{at}", more_oil=100 + 10 * at) for at in range(6)]


def test_the_scale_is_that_of_normal_values_in_small_samples_too() -> None:
    dice = random.Random(1)
    for count in (5, 8, 30):
        found = [spread_of([dice.gauss(10, 2) for _ in range(count)]).sigma for _ in range(2000)]
        # The larger of two estimates is a little above: it must not find too much odd.
        assert 1.9 < statistics.mean(found) < 2.7


def test_wrong_values_do_not_hide_themselves() -> None:
    values = [10.0 + 0.1 * (at % 5) for at in range(27)] + [90.0, 95.0, 99.0]
    spread = spread_of(values)
    assert spread.median == pytest.approx(10.2)
    assert spread.sigma < 0.3
    assert spread_of([5.0]) == Spread(1, 5.0, 0.0, 5.0, 5.0)


@pytest.mark.parametrize(
    ("tail", "freedom", "expected"),
    [
        (0.05, 10, 2.2281),
        (0.001, 10, 4.5869),
        (0.01, 3, 5.8409),
        (1e-5, 10, 8.1503),
        (0.05, 2, 4.3027),
        (0.5, 30, 0.68276),
    ],
)
def test_students_quantile_is_that_of_the_tables(
    tail: float, freedom: float, expected: float
) -> None:
    assert student_quantile(tail, freedom) == pytest.approx(expected, rel=1e-3)


def test_sound_batches_seldom_have_an_odd_value() -> None:
    dice = random.Random(7)
    alarms = 0
    for _ in range(600):
        values = [dice.gauss(0, 1) for _ in range(30)]
        spread = spread_of(values)
        limit = outlier_limit(30, 30) * spread.sigma
        alarms += any(abs(value - spread.median) > limit for value in values)
    assert alarms <= 12  # 6 are expected


def test_capability() -> None:
    spread = Spread(30, 10.1, 0.1, 9.8, 10.4)
    assert capability(spread, 9.0, 11.0) == pytest.approx(3.0)
    assert capability(Spread(1, 10.0, 0.0, 10.0, 10.0), 9.0, 11.0) is None


def test_sound_runs_are_not_odd(usual: list[RunRecord]) -> None:
    comparison = compare_runs(usual)
    assert comparison.odd == ()
    assert [stage.stage for stage in comparison.stages] == ["Densify electrolyte", "Bond cathode"]
    mean = next(f for f in comparison.stages[0].features if f.feature.key == "mean_mpa")
    assert mean.spread.count == 6


def test_a_leak_is_named_in_its_stage(usual: list[RunRecord], tmp_path: Path) -> None:
    leaking = recorded(tmp_path / "leaking", more_oil=1500)
    comparison = compare_runs([*usual, leaking])
    (odd,) = comparison.odd
    assert odd.record == leaking.directory and comparison.is_odd(leaking.directory)
    assert odd.findings[0].stage == "Densify electrolyte"
    assert "oil pumped in the hold" in odd.findings[0].what
    assert "a leak" in odd.findings[0].cause


def test_what_explains_most_comes_first() -> None:
    found = [
        OddFinding("hold", "settling", "", 90.0, "settle_s"),
        OddFinding("hold", "oil", "", 2.0, "hold_oil_ml_min"),
        OddFinding("hold", "noise", "", 3.0, "noise_mpa"),
        OddFinding("first", "oil", "", 4.0, "hold_oil_ml_min"),
        OddFinding("hold", "another plan", "", float("inf")),
    ]
    ordered = sorted(found, key=_by_explanation)
    assert [finding.what for finding in ordered] == [
        "another plan",
        "noise",
        "oil",
        "oil",
        "settling",
    ]
    assert ordered[2].stage == "first"


def test_less_oil_in_the_hold_is_no_leak(usual: list[RunRecord], tmp_path: Path) -> None:
    assert not compare_runs([*usual, recorded(tmp_path / "tight", more_oil=-3000)]).odd


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": Shape(**{**SHAPE.__dict__, "hold_s": 0.5})}, "planned dwell 0.5 s, the others"),
        ({"die_mm": 8.0}, "die of 8 mm, the others 10 mm"),
        ({"shape": Shape(**{**SHAPE.__dict__, "rate_mpa_s": 50.0})}, "rate 50 MPa/s, the others"),
    ],
)
def test_another_plan_is_the_cause_that_comes_first(
    usual: list[RunRecord], tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    other = recorded(tmp_path / "other", more_oil=120, **change)
    (odd,) = compare_runs([*usual, other]).odd
    assert odd.record == other.directory
    assert said in str(odd.findings[0])


def test_a_run_that_did_not_complete_is_odd(usual: list[RunRecord], tmp_path: Path) -> None:
    run = synthetic_run.run(Shape(**{**SHAPE.__dict__, "stop_after_step": 1}))
    write(tmp_path / "cut", run, run.end(end_reason="aborted"))
    (odd,) = compare_runs([*usual, RunRecord.open(tmp_path / "cut")]).odd
    assert "ended as aborted, without Bond cathode" in str(odd.findings[0])


def test_the_true_pressure_and_what_was_injected_are_not_looked_at(
    usual: list[RunRecord], tmp_path: Path
) -> None:
    run = synthetic_run.run(SHAPE)
    hold = set(of_steps(run, 1))

    def change(index: int, fields: dict[str, int]) -> None:
        fields["output"] = 9120 if index in hold else fields["output"]

    run = changed(run, change)
    write(tmp_path / "secret", run, run.end(), truth=run.truth[: len(run.truth) // 2])
    finalise(tmp_path / "secret")
    assert compare_runs([*usual, RunRecord.open(tmp_path / "secret")]).odd == ()


def test_few_runs_are_compared_by_their_plans_alone(usual: list[RunRecord], tmp_path: Path) -> None:
    leaking = recorded(tmp_path / "leaking", more_oil=3000)
    comparison = compare_runs([*usual[:2], leaking])
    assert comparison.odd == ()
    assert "3 runs are too few" in comparison.notes[0]
    other = recorded(tmp_path / "other", die_mm=8.0)
    assert compare_runs([*usual[:2], other]).odd[0].record == other.directory
    # Of two unlike plans neither is that of most, and the difference is told all the same.
    pair = compare_runs([usual[0], other])
    assert pair.odd == ()
    assert any("die of 10 mm, the others 8 mm" in note for note in pair.notes)
    with pytest.raises(BadInputError, match="one run alone"):
        compare_runs(usual[:1])


def test_the_command_prints_draws_and_exits_with_one_for_an_odd_run(
    usual: list[RunRecord], tmp_path: Path
) -> None:
    run = CliRunner().invoke
    folders = [str(record.directory) for record in usual]
    done = run(app, ["compare", *folders])
    assert done.exit_code == 0, done.output
    assert "None of 6 runs is odd." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    odd = recorded(tmp_path / "odd-one", die_mm=8.0)
    picture = tmp_path / "overlay.png"
    done = run(app, ["compare", *folders, str(odd.directory), "--plot", str(picture)])
    assert done.exit_code == 1
    assert "1 of 7 runs is not like the others." in done.stdout
    assert "die of 8 mm, the others 10 mm" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    document = json.loads(run(app, ["compare", *folders, str(odd.directory), "--json"]).stdout)
    assert document["odd"][0]["record"] == str(odd.directory)
    assert run(app, ["compare", folders[0]]).exit_code == 2


def test_another_picture_format_is_refused(usual: list[RunRecord], tmp_path: Path) -> None:
    with pytest.raises(PressloopError, match=r"x\.bmp"):
        plot_comparison(usual, compare_runs(usual), tmp_path / "x.bmp")
