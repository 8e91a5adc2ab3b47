"""`pressloop calibrate` on the emulated press, and a run on the press that it calibrated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pressloop import BadInputError, Press
from pressloop.calibration.levels import Levels, choose_levels
from pressloop.calibration.readings import LevelReading
from pressloop.calibration.record import CalibrationRecord, ReferenceData, read_record
from pressloop.calibration.references import (
    EmulatedReference,
    TypedReference,
    press_for_calibration,
)
from pressloop.calibration.runner import CalibrationRunner, profile_hash
from pressloop.cli.app import app
from pressloop.emulator.description import PressDescription
from pressloop.emulator.description.individual import IndividualSection
from pressloop.extras import DataFrame
from pressloop.protocol import Hold, Protocol, Ramp, Stage
from pressloop.yaml.write import yaml_text
from typer.testing import CliRunner, Result

SPAN_ERROR, OFFSET = -0.2, 0.05
DATA: dict[str, Any] = {
    "name": "as its data sheet",
    "individual": {
        **dict.fromkeys(IndividualSection.model_fields, 0),
        "sensor_span_error_percent": SPAN_ERROR,
        "sensor_offset_percent": OFFSET,
        "load_cell_gain_error_percent": 0.02,
    },
    # Valves and stiffness are those of the data sheet, as if tuning had found them.
    "measured": {"tuning_residual_percent": 1},
}
EXACT = PressDescription.model_validate(DATA)
UP_TO_KPA = 300_000


def call(*arguments: object, answers: str = "") -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], input=answers)


def new_record(press: Press, **more: Any) -> CalibrationRecord:
    profile = press.profile()
    levels = choose_levels(profile, 10_000, up_to_kpa=UP_TO_KPA, falling=1)
    return CalibrationRecord(
        date="2026-11-28",
        due="2027-11-28",
        board=press.hello.unique_id.hex(),
        simulated=True,
        press=profile.name,
        profile=profile.model_dump(mode="json"),
        profile_hash=profile_hash(profile),
        levels=asdict(levels),
        accept_percent=3.0,
        reference=ReferenceData(kind="emulated", certificate="cell", uncertainty_percent=0.1),
        **more,
    )


@pytest.mark.slow
def test_the_command_calibrates_reports_and_stores(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml_text(DATA))
    arguments = ("calibrate", "--port", "emulated", "--press", file, "--reference", "emulated")
    result = call(*arguments, "--up-to", "300 MPa", "--out", tmp_path / "out", "--yes")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip().endswith(str(tmp_path / "out"))
    record = read_record(tmp_path / "out")
    assert record.stored
    assert record.outcome is not None
    correction = record.outcome["correction"]
    uncertainty = record.outcome["figures"]["uncertainty_percent"]
    assert abs(100 * correction["oil"]["gain"] - SPAN_ERROR) < uncertainty < 0.5
    assert correction["friction"]["percent"] == pytest.approx(3.3, abs=0.6)
    report = file.with_name(f"mine.calibration-{record.date}.md").read_text()
    assert "| result | **passed** |" in report
    assert "SIMULATED" in report
    data = json.loads(file.with_name(f"mine.calibration-{record.date}.json").read_text())
    assert len(data["series"]) == 3
    assert "calibration due" in result.output
    again = call(*arguments, "--out", tmp_path / "out", "--yes")
    assert again.exit_code == 2
    assert "not an empty folder" in again.output


@pytest.mark.slow
def test_truth_is_within_the_stated_uncertainty_after_a_calibration(tmp_path: Path) -> None:
    described = press_for_calibration(EXACT, with_friction=True)
    with Press.open("emulated", press=described, seed=5) as press:
        (tmp_path / "cal").mkdir()
        runner = CalibrationRunner(
            press, tmp_path / "cal", new_record(press), EmulatedReference(described, 25, 10_000)
        )
        runner.press_all()
        assert runner.read_missing() == []
        _, figures, after = runner.finish()
        assert figures.passed
        press.write_profile(after)
    stage = Stage(
        name="press",
        ramp=Ramp(target="200 MPa", rate="10 MPa/s"),
        hold=Hold(duration="5 s", tolerance="1 %"),
    )
    down = Stage(
        name="down",
        ramp=Ramp(target="80 MPa", rate="10 MPa/s"),
        hold=Hold(duration="5 s", tolerance="2 %"),
    )
    protocol = Protocol(name="two", die="10 mm", ceiling="210 MPa", stages=[stage, down])
    powder = described.model_copy(update={"powder": EXACT.powder})
    with Press.open("emulated", press=powder, seed=8) as press:
        assert press.hello.calibration_day is None
        press.write_profile(after)
        summary = press.run(protocol, out=tmp_path / "run").check().summary
    assert summary.calibration is not None
    assert summary.calibration.state == "calibrated"
    assert summary.calibration.reference == "cell"
    for reading, truth in zip(summary.stages, summary.truth or (), strict=True):
        assert reading.judged_by == "reading with friction compensation"
        budget = reading.mean_uncertainty
        assert budget is not None
        assert "calibration" in {each.name for each in budget.components}
        off = abs((truth.mean_mpa or 0) - (reading.mean_mpa or 0))
        assert off < budget.expanded_mpa < 0.02 * 200


class Interrupted(EmulatedReference):
    """Fails at the second series, as a person who presses Ctrl-C."""

    fails = True

    def read_after(self, readings: Sequence[LevelReading], frame: DataFrame) -> list[float | None]:
        if self.fails and readings[0].series == 2:
            raise KeyboardInterrupt
        return super().read_after(readings, frame)


@pytest.mark.slow
def test_an_interrupted_calibration_goes_on_where_it_was(tmp_path: Path) -> None:
    described = press_for_calibration(EXACT, with_friction=True)
    reference = Interrupted(described, 25, 10_000)
    with Press.open("emulated", press=described, seed=5) as press:
        record = new_record(press, preloaded=True)
        record.save(tmp_path)
        with pytest.raises(KeyboardInterrupt):
            CalibrationRunner(press, tmp_path, record, reference).press_all()
        kept = read_record(tmp_path)
        assert [series.series for series in kept.series] == [1]
        first = (tmp_path / "series-1" / "run.json").stat().st_mtime_ns
        reference.fails = False
        runner = CalibrationRunner(press, tmp_path, kept, reference)
        runner.press_all()
        assert runner.read_missing() == []
        assert (tmp_path / "series-1" / "run.json").stat().st_mtime_ns == first
        assert len(runner.record.readings) == 5 + 5 + 9
        changed = press.profile().model_copy(update={"accuracy_percent": 0.2})
        press.write_profile(changed)
        with pytest.raises(BadInputError) as refused:
            CalibrationRunner(press, tmp_path, kept, reference)
        assert refused.value.code == "other-press"


@pytest.mark.slow
def test_a_typed_reference_is_asked_for_at_each_level(tmp_path: Path) -> None:
    described = press_for_calibration(EXACT, with_friction=True)
    asked: list[str] = []
    complaints: list[str] = []
    with Press.open("emulated", press=described, seed=5) as press:

        def ask(name: str) -> str:
            asked.append(name)
            if len(asked) == 1:
                return "12 kN"
            assert press.board is not None
            return f"{press.board.control({'get': True})['punch_n']:.1f} N"

        reference = TypedReference(ask, complaints.append, "kN", 10_000)
        record = new_record(press, preloaded=True)
        runner = CalibrationRunner(press, tmp_path, record, reference)
        runner.press_all()
        correction, _, _ = runner.finish()
    assert asked[1] == "series 1, rising, level 1 of 5 (4.712 kN)"
    assert len(asked) == 1 + 5 + 5 + 9
    assert "far from the level" in complaints[0]
    assert 100 * correction.oil.gain == pytest.approx(SPAN_ERROR, abs=0.3)
    assert runner.record.readings[0].reference_kn != runner.record.readings[0].indicated_kn


def test_what_a_calibration_needs_to_know_is_asked_for_before_anything_moves(
    tmp_path: Path,
) -> None:
    for words, says in (
        (("--reference", "emulated"), "only an emulated press"),
        (("--reference", "typed", "--port", "emulated"), "--certificate"),
        (
            ("--reference", "typed", "--port", "emulated", "--certificate", "x" * 24)
            + ("--uncertainty", "0.1"),
            "24 bytes",
        ),
        (
            ("--reference", "x.csv", "--port", "emulated", "--certificate", "1")
            + ("--uncertainty", "0.1", "--resume", tmp_path),
            "no calibration that can be resumed",
        ),
    ):
        result = call("calibrate", *words, "--yes", "--out", tmp_path / "out")
        assert result.exit_code == 2, result.output
        assert says in result.output.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_levels_are_kept_in_the_file_as_they_are(tmp_path: Path) -> None:
    profile = EXACT.machine_profile()
    levels = choose_levels(profile, 10_000)
    record = CalibrationRecord(
        date="2026-11-28",
        due="2027-11-28",
        board="00",
        simulated=True,
        press="x",
        profile={},
        profile_hash="",
        levels=asdict(levels),
        accept_percent=3,
        reference=ReferenceData(kind="typed", certificate="1", uncertainty_percent=0.1),
    )
    record.save(tmp_path)
    assert read_record(tmp_path).plan == levels
    assert isinstance(read_record(tmp_path).plan, Levels)
