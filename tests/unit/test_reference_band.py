"""A run is compared with a reference band while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pressloop.catalogue import BandWatch, Departure, ReferenceBand, load_band, make_band
from pressloop.cli.app import app
from pressloop.errors import BadInputError
from pressloop.evaluation import RunRecord, finalise
from pressloop.session.telemetry import TelemetryBatch
from typer.testing import CliRunner

from tests.unit import synthetic_run
from tests.unit.golden_records import changed, of_steps, write
from tests.unit.synthetic_run import Shape, SyntheticRun

SHAPE = Shape(targets_mpa=(20.0, 8.0), hold_s=3.0, prompt_s=0.05, bump_mpa=0.01)
HOLD = 1
DEAD_BAND = 6554  # 20 % of the stroke, on the wire


def a_run(*, opening: int = 0, offset_kpa: int = 0) -> SyntheticRun:
    """A run with the pump so far open in its first hold, and its pressure off by so much."""
    run = synthetic_run.run(SHAPE)
    hold = set(of_steps(run, HOLD))

    def change(index: int, fields: dict[str, int]) -> None:
        if index in hold:
            fields["output"] = DEAD_BAND + opening
            fields["pressure"] += offset_kpa

    return changed(run, change)


def recorded(folder: Path, run: SyntheticRun) -> RunRecord:
    write(folder, run, run.end(), truth=None)
    finalise(folder)
    return RunRecord.open(folder)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[RunRecord]:
    folder = tmp_path_factory.mktemp("sound")
    return [recorded(folder / f"{at}", a_run(opening=100 + 20 * at)) for at in range(6)]


@pytest.fixture(scope="module")
def band(sound: list[RunRecord]) -> ReferenceBand:
    return make_band(sound)


def departures(
    band: ReferenceBand, run: SyntheticRun, left_out: Sequence[int] = ()
) -> list[Departure]:
    watch = BandWatch(band, run.header.profile)
    found: list[Departure] = []
    for at, raw in enumerate(run.records):
        if at not in left_out:
            batch = TelemetryBatch(run.run_first + at, raw, "live", 0)
            found += watch.feed(batch)
    return found


def test_a_sound_run_stays_in_the_band(band: ReferenceBand) -> None:
    assert departures(band, a_run(opening=150)) == []


def test_less_oil_in_a_hold_is_no_departure(tmp_path: Path) -> None:
    leaky = [recorded(tmp_path / f"{at}", a_run(opening=6000 + 20 * at)) for at in range(5)]
    band = make_band(leaky)
    assert min(next(one for one in band.steps if one.step == HOLD).oil_low_ml) > 0
    assert departures(band, a_run(opening=100)) == []  # nothing leaks any more


def test_a_leak_leaves_the_band_in_its_hold_and_is_told_once(band: ReferenceBand) -> None:
    (found,) = departures(band, a_run(opening=2000))
    assert (found.step, found.stage, found.quantity) == (HOLD, "Densify electrolyte", "oil pumped")
    assert found.value > found.high > found.low
    assert 1.0 <= found.time_s <= 1.5  # two windows of half a second
    assert "s into the hold: oil pumped" in str(found)


def test_a_pressure_that_is_off_leaves_the_band(band: ReferenceBand) -> None:
    (found,) = departures(band, a_run(opening=100, offset_kpa=-400))
    assert found.quantity == "pressure" and found.value < found.low


def test_after_missing_records_nothing_is_told_of_the_step(band: ReferenceBand) -> None:
    run = a_run(opening=2000)
    hold = of_steps(run, HOLD)
    assert departures(band, run, left_out=hold[20:40]) == []


def test_the_band_survives_its_file(band: ReferenceBand, tmp_path: Path) -> None:
    assert load_band(band.save(tmp_path / "band.json")) == band
    assert band.simulated and len(band.runs) == 6
    assert [step.kind for step in band.steps] == ["hold", "hold"] or len(band.steps) == 4


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema_name": "pressloop.band/9"}'], ids=repr)
def test_another_file_is_no_band(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(BadInputError) as refusal:
        load_band(tmp_path / "x.json")
    assert refusal.value.code == "no-band"
    with pytest.raises(BadInputError):
        load_band(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("shape", "die_mm", "said"),
    [
        (Shape(**{**SHAPE.__dict__, "hold_s": 2.0}), 10.0, "duration_s"),
        (Shape(**{**SHAPE.__dict__, "targets_mpa": (20.0,)}), 10.0, "steps"),
        (SHAPE, 8.0, "a die of 10 mm"),
    ],
)
def test_a_run_of_another_plan_is_refused(
    band: ReferenceBand, shape: Shape, die_mm: float, said: str
) -> None:
    with pytest.raises(BadInputError, match=said) as refusal:
        band.require_plan(synthetic_run.plan(shape)[0], die_mm)
    assert refusal.value.code == "other-plan"


def test_few_runs_make_no_band(sound: list[RunRecord]) -> None:
    with pytest.raises(BadInputError, match="4 sound runs are too few"):
        make_band(sound[:4])


def test_compare_keeps_the_band_of_the_runs_that_are_not_odd(
    sound: list[RunRecord], tmp_path: Path
) -> None:
    odd = recorded(tmp_path / "odd", a_run(opening=3000))
    arguments: list[Any] = [*(record.directory for record in sound), odd.directory]
    file = tmp_path / "band.json"
    done = CliRunner().invoke(app, ["compare", *map(str, arguments), "--save-band", str(file)])
    assert done.exit_code == 1, done.output
    assert "reference band of 6 runs" in done.stderr
    assert len(load_band(file).runs) == 6
