"""The catalogue follows the records, and is never more than a copy of them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pressloop.catalogue import Catalogue, RunSearch, runs_frame, stages_frame
from pressloop.catalogue.catalogue import DATABASE_NAME
from pressloop.cli.app import app
from pressloop.errors import BadInputError
from pressloop.evaluation import finalise
from pressloop.record import RunRecorder
from pressloop.sample import Sample, keep_sample
from typer.testing import CliRunner

from tests.unit import synthetic_run
from tests.unit.golden_records import write
from tests.unit.synthetic_run import Shape

SHORT = Shape(targets_mpa=(20.0, 8.0), hold_s=0.3, prompt_s=0.05, bump_mpa=0.01, noise_mpa=0.0)


def record(folder: Path, *, number: int, shape: Shape = SHORT, **sample: Any) -> None:
    """A finished run with a number in its names."""
    run = synthetic_run.run(shape)
    run.header = synthetic_run.header(
        shape, run_id=f"{number:016x}", protocol_name=f"protocol {number}"
    )
    write(folder, run, run.end(), sample=Sample(**sample) if sample else None)
    finalise(folder)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("records")
    record(
        root / "a", number=1, name="pellet 17", lot="L-0412", operator="A. Kim", material="Na3PS4"
    )
    record(root / "deep" / "er" / "b", number=2, shape=Shape(bump_mpa=9), name="pellet 18")
    run = synthetic_run.run(SHORT)
    write(root / "cut", run, None, batches=((0, 60),))
    return root


@pytest.fixture
def root(stored: Path, tmp_path: Path) -> Path:
    shutil.copytree(stored, tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def catalogue(root: Path) -> Iterator[Catalogue]:
    with Catalogue.open(root) as opened:
        yield opened


def folders(catalogue: Catalogue, **search: Any) -> set[str]:
    return {entry.folder for entry in catalogue.search(RunSearch(**search))}


def test_every_record_is_found_at_any_depth_with_its_verdict(catalogue: Catalogue) -> None:
    found = {entry.folder: entry for entry in catalogue.search()}
    assert {place: entry.verdict for place, entry in found.items()} == {
        "a": "pass",
        "deep/er/b": "fail",
        "cut": "fail",
    }
    assert found["cut"].end_reason == "interrupted"
    assert found["a"].lot == "L-0412" and found["deep/er/b"].lot is None
    stage = found["deep/er/b"].stages[1]
    assert stage.verdict == "fail" and "overshot the target of 500 MPa" in stage.reasons


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({"sample": "PELLET"}, {"a", "deep/er/b"}),
        ({"sample": "na3ps4"}, {"a"}),
        ({"protocol": "protocol 2"}, {"deep/er/b"}),
        ({"verdict": "pass"}, {"a"}),
        ({"operator": "kim", "lot": "0412"}, {"a"}),
        ({"operator": "%"}, set()),
        ({"since": "2020-01-01", "until": "2020-01-02"}, set()),
        ({"since": "2020-01-01"}, {"a", "deep/er/b", "cut"}),
        ({"simulated": False}, set()),
    ],
)
def test_search(catalogue: Catalogue, search: dict[str, Any], expected: set[str]) -> None:
    assert folders(catalogue, **search) == expected


def test_the_last_day_counts_whole(catalogue: Catalogue) -> None:
    (entry,) = catalogue.search(RunSearch(sample="pellet 17"))
    assert entry.started_unix_time_second is not None
    day = f"{datetime.fromtimestamp(entry.started_unix_time_second):%Y-%m-%d}"
    assert "a" in folders(catalogue, since=day, until=day)


def test_a_mistake_in_the_search_is_named(catalogue: Catalogue) -> None:
    with pytest.raises(BadInputError, match="yesterday"):
        catalogue.search(RunSearch(since="yesterday"))
    with pytest.raises(BadInputError, match="passed"):
        catalogue.search(RunSearch(verdict="passed"))


def test_only_what_changed_is_read_again(root: Path) -> None:
    with Catalogue.open(root) as catalogue:
        assert catalogue.refresh() == 1  # the one without a result may have grown
        keep_sample(root / "a", Sample(name="renamed"))
        finalise(root / "a")
        assert catalogue.refresh() == 2
        assert folders(catalogue, sample="renamed") == {"a"}
        shutil.rmtree(root / "deep")
        catalogue.refresh()
        assert folders(catalogue) == {"a", "cut"}


def test_the_database_is_never_the_truth(root: Path) -> None:
    Catalogue.open(root).close()
    path = root / DATABASE_NAME
    with sqlite3.connect(path) as database:
        database.execute("UPDATE runs SET verdict = 'pass'")
    with Catalogue.open(root, rebuild=True) as catalogue:
        assert folders(catalogue, verdict="pass") == {"a"}
    path.write_bytes(b"no database at all" * 100)
    with Catalogue.open(root) as catalogue:
        assert folders(catalogue, verdict="pass") == {"a"}
    path.unlink()
    with Catalogue.open(root) as catalogue:
        assert folders(catalogue, verdict="pass") == {"a"}


def test_a_file_of_another_name_is_not_overwritten(root: Path, tmp_path: Path) -> None:
    mine = tmp_path / "letter.txt"
    mine.write_text("Dear Anna, " * 100)
    with Catalogue.open(root, database=mine) as catalogue:
        assert folders(catalogue, verdict="pass") == {"a"}
    assert mine.read_text().startswith("Dear Anna")


def test_a_folder_that_cannot_be_written_has_a_catalogue_in_memory(root: Path) -> None:
    with Catalogue.open(root, database=root / "no" / "such" / "folder.sqlite") as catalogue:
        assert folders(catalogue, verdict="pass") == {"a"}


def test_a_result_that_was_changed_is_not_believed(root: Path) -> None:
    path = root / "deep" / "er" / "b" / "run.json"
    document = json.loads(path.read_text())
    for stage in document["stages"]:
        stage.update(outcome="done", verdict="pass", overshoot_mpa=0.0)
    path.write_text(json.dumps(document))
    with Catalogue.open(root) as catalogue:
        (entry,) = catalogue.search(RunSearch(sample="pellet 18"))
    assert entry.verdict == "fail"
    assert "run.json is changed" in entry.problem


def test_a_record_that_cannot_be_read_is_listed_with_its_reason(root: Path) -> None:
    (root / "a" / "run.json").unlink()
    (root / "a" / "run.journal").write_bytes(b"junk" * 50)
    with Catalogue.open(root) as catalogue:
        (entry,) = catalogue.search(RunSearch(verdict="unreadable"))
    assert entry.folder == "a" and entry.problem


def test_a_run_that_is_being_recorded_is_in_progress(root: Path) -> None:
    run = synthetic_run.run(SHORT)
    with RunRecorder.create(root / "now", run.header) as recorder:
        recorder.started(run.run_first, run.start_tick)
        recorder.telemetry(*run.batch(0, 50))
        keep_sample(root / "now", Sample(name="pellet 19"))
        with Catalogue.open(root) as catalogue:
            (entry,) = catalogue.search(RunSearch(verdict="in progress"))
    assert (entry.folder, entry.protocol, entry.sample) == (
        "now",
        run.header.protocol_name,
        "pellet 19",
    )
    assert entry.started_unix_time_second == run.header.created_unix_time_second


def test_data_frames(root: Path) -> None:
    frame = runs_frame(root)
    assert set(frame["verdict"]) == {"pass", "fail"}
    assert str(frame["started"].dt.tz) == "UTC"
    stages = stages_frame(root, RunSearch(sample="pellet 17"))
    assert list(stages["target_mpa"]) == [20.0, 8.0]
    assert stages["path"].tolist() == [str(root / "a")] * 2


def test_the_command_lists_finds_and_refuses(root: Path) -> None:
    run = CliRunner().invoke
    listed = run(app, ["runs", str(root), "--sample", "pellet"])
    assert listed.exit_code == 0
    assert "pellet 17, lot L-0412, A. Kim" in listed.stdout
    assert {line.split("\t")[1] for line in listed.stdout.splitlines()} == {"pass", "fail"}
    assert str(root / "deep" / "er" / "b") in listed.stdout
    found = json.loads(run(app, ["runs", str(root), "--verdict", "pass", "--json"]).stdout)
    assert [entry["folder"] for entry in found] == ["a"]
    assert found[0]["stages"][0]["verdict"] == "pass"
    assert run(app, ["runs", str(root / "nowhere")]).exit_code == 2
    assert run(app, ["runs", str(root), "--since", "soon"]).exit_code == 2


def test_show_prints_the_verdict_as_after_the_run(root: Path) -> None:
    run = CliRunner().invoke
    shown = run(app, ["show", str(root / "a")])
    assert shown.exit_code == 0
    assert "protocol 1" in shown.stdout and "lot L-0412" in shown.stdout
    assert "by A. Kim" in shown.stdout
    assert "All 2 stages passed." in shown.stdout
    assert "completed SIMULATED after" in shown.stdout
    assert json.loads(run(app, ["show", str(root / "a"), "--json"]).stdout)["stages"]
    cut = run(app, ["show", str(root / "cut")])
    assert cut.exit_code == 1
    assert "interrupted" in cut.stdout
    assert run(app, ["show", str(root / "nowhere")]).exit_code == 2
