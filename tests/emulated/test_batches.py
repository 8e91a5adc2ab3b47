"""A batch of emulated pellets with a leaking valve, a wrong dwell and a wrong die among them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop import RunRecord
from pressloop.catalogue import compare_runs, make_band
from pressloop.cli.app import app
from pressloop.reports.questions import answers_of
from pressloop_bench.batches import DWELL_S, PROTOCOL, Batch, judge, press_batch
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory, micropython: Path) -> Batch:
    return press_batch(tmp_path_factory.mktemp("batch"), seed=101, count=12)


@pytest.mark.slow
def test_all_three_odd_pellets_are_named_with_their_cause_and_no_sound_one(batch: Batch) -> None:
    comparison = compare_runs([RunRecord.open(path) for path in batch.records])
    found = judge(batch, comparison)
    assert sorted(found.named) == sorted(found.explained) == ["die", "dwell", "leak"]
    assert found.false == ()
    mean = next(f for f in comparison.stages[0].features if f.feature.key == "mean_mpa")
    assert mean.cpk is not None and mean.cpk > 10


@pytest.mark.slow
def test_a_leaking_run_is_flagged_while_it_runs_and_a_sound_one_is_not(
    batch: Batch, tmp_path: Path
) -> None:
    sound = [path for path in batch.records if path not in batch.odd]
    band = make_band([RunRecord.open(path) for path in sound]).save(tmp_path / "band.json")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL.replace("DWELL", str(DWELL_S)))
    arguments = ["run", str(tmp_path / "protocol.yaml"), "--port", "emulated", "--yes"]
    arguments += ["--reference", str(band), "--operator", "A. Kim", "--lot", "L-1"]
    run = CliRunner().invoke
    done = run(app, [*arguments, "--out", str(tmp_path / "sound"), "--seed", "77"])
    assert done.exit_code == 0, done.output
    assert "left the reference band" not in done.stderr
    leaking = ["--out", str(tmp_path / "leak"), "--seed", "78", "--fault", "leak=0.8@0"]
    done = run(app, [*arguments, *leaking])
    assert done.exit_code == 0, done.output
    assert "left the reference band: densify" in " ".join(done.stderr.split())
    record = RunRecord.open(tmp_path / "leak")
    sample = record.summary.sample
    assert sample is not None and (sample.operator, sample.lot) == ("A. Kim", "L-1")
    assert "lot L-1, by A. Kim" in " ".join(done.stderr.split())
    notes = [event.data["text"] for event in record.events if "step" in event.data]
    assert any("oil pumped" in str(note) for note in notes)
    assert "left the reference band" in " ".join(answers_of(record.summary).differences).lower()
    (tmp_path / "other.yaml").write_text(PROTOCOL.replace("DWELL", "4"))
    arguments[1] = str(tmp_path / "other.yaml")
    done = run(app, [*arguments, "--out", str(tmp_path / "other")])
    assert done.exit_code == 2 and not (tmp_path / "other").exists()
