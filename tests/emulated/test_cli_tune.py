"""`pressloop tune` on the emulated board."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pressloop import BadInputError, Press, PressStatus, RecordError
from pressloop.cli.app import app
from pressloop.cli.tuning_report import leak_line
from pressloop.emulator.description import PressDescription
from pressloop.evaluation import RunRecord
from pressloop.machine.profile import MachineProfile
from pressloop.wire import schema
from typer.testing import CliRunner, Result

from tests.emulated.conftest import SteelBlankTuning


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.slow
def test_tune_stores_what_it_learned(steel_blank_tuning: SteelBlankTuning) -> None:
    """The steel blank's pump has a dead band of 21.5 %, its data sheet says 20 %."""
    result, folder = steel_blank_tuning.command, steel_blank_tuning.folder
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(folder)
    found = re.search(r"pump_dead_band_percent +([0-9.]+) -> ([0-9.]+)", result.stderr)
    assert found and float(found[1]) == pytest.approx(20, abs=0.01)
    assert float(found[2]) == pytest.approx(21.5, abs=0.05)
    assert "stored" in result.stderr
    leak = re.search(r"leak_ul_min +unknown -> ([0-9.]+) ± ([0-9.]+) uL/min", result.stderr)
    assert leak and abs(float(leak[1]) - 10) < float(leak[2]) < 1.5
    # The valves of that press have a hysteresis of 2 % and are 40 ms late, and a tick's half more.
    for what, low, high in (("hysteresis", 1.9, 2.1), ("delay and lag", 40, 50)):
        valve = re.search(rf"^{what} +([0-9.]+) ± ([0-9.]+) ", result.stderr, re.MULTILINE)
        assert valve and low < float(valve[1]) < high and float(valve[2]) > 0
    for name in ("coarse", "hysteresis", "fine"):
        assert RunRecord.open(folder / name).summary.end_reason == "completed"
    assert (folder / "tuning.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_sdk_returns_what_it_stored(steel_blank_tuning: SteelBlankTuning) -> None:
    result = steel_blank_tuning.result
    assert result.before.pump_dead_band_percent == pytest.approx(20, abs=0.01)
    assert result.after.pump_dead_band_percent == pytest.approx(21.5, abs=0.05)
    assert steel_blank_tuning.on_board == result.after.model_copy(
        update={
            name: getattr(steel_blank_tuning.on_board, name)
            for name in ("converter", "channels", "reads_load_cell")
        }
    )
    assert result.folder == steel_blank_tuning.folder
    assert [tracking.run for tracking in result.tracking] == ["coarse", "fine"]
    for tracking in result.tracking:
        assert np.nanmax(np.abs(tracking.off_mpa)) < 15
    assert 100 * result.fine.profile.pump_dead_band / schema.OUTPUT_FULL == pytest.approx(
        result.after.pump_dead_band_percent, abs=0.001
    )


def test_the_sdk_writes_the_profile_from_before_back(tmp_path: Path) -> None:
    """Powder is no steel blank."""
    with Press.open("emulated") as press:
        before = press.profile()
        states: list[PressStatus] = []
        with pytest.raises(BadInputError) as refused:
            press.tune("250 MPa", "10 mm", out=tmp_path / "tune", on_status=states.append)
        assert refused.value.code == "tuning-nonsense"
        assert press.profile() == before
    assert any(status.step is not None for status in states)


def test_the_sdk_refuses_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("of another day")
    with Press.open("emulated") as press, pytest.raises(RecordError) as refused:
        press.tune("250 MPa", out=tmp_path)
    assert refused.value.code == "record-exists"


def test_tune_stores_nothing_learned_from_powder(tmp_path: Path) -> None:
    press = tmp_path / "powder.yaml"
    press.write_text("powder: {preset: Na3PS4}\n")
    options = ("--port", "emulated", "--press", press, "--out", tmp_path / "tune", "--yes")
    result = call("tune", "250 MPa", *options)
    assert result.exit_code == 2
    assert "one rise took" in result.stderr
    assert "--press examples/presses/steel-blank.yaml" in result.stderr
    assert "stored" not in result.stderr.replace("nothing to store", "")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("3000 MPa",), "over-limit"),
        (("590 MPa",), "over-limit"),
        (("50 kN",), "over-limit"),
        (("10 t",), "over-limit"),
        (("30 kN", "--die", "0 mm"), "force-without-die"),
        (("100 N",), "contact-pressure"),
        (("400",), "missing-unit"),
        (("2 MPa",), "contact-pressure"),
        (("0.003 MPa",), "contact-pressure"),
        (("400 MPa", "--die", "12.3 mm"), "unknown-die"),
        (("400 MPa", "--die", "0 mm"), "unknown-die"),
        (("15 MPa", "--die", "0 mm", "--first-contact"), "unknown-die"),
    ],
)
def test_what_the_press_cannot_do_is_refused_before_it_moves(
    options: tuple[str, ...], code: str, tmp_path: Path
) -> None:
    folder = tmp_path / "tune"
    result = call("tune", *options, "--port", "emulated", "--out", folder, "--yes")
    assert result.exit_code == 2, result.output
    assert f"({code})" in result.stderr
    assert not folder.exists()


@pytest.mark.slow
def test_a_board_with_a_fault_is_known_to_keep_the_last_profile(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No oil: the ram never meets the blank."""
    press = tmp_path / "no-oil.yaml"
    press.write_text("pump: {flow_ml_s: 0.001}\n")
    with Press.open("emulated", press=press) as opened:
        profile = opened.profile().model_copy(update={"pump_flow_ml_s": 1.0})
        opened.write_profile(profile)
        with pytest.raises(BadInputError, match="ended by fault"):
            opened.tune("250 MPa", out=tmp_path / "tune")
        assert opened.profile() != profile
    assert "keeps the profile of the last tuning run" in caplog.text


def test_tune_wants_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("of another day")
    result = call("tune", "250 MPa", "--port", "emulated", "--out", tmp_path, "--yes")
    assert result.exit_code == 2
    assert "choose another one with --out" in result.stderr


def test_tune_asks_for_the_blank_first(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["tune", "300 MPa", "--port", "emulated"], input="n\n")
    assert answer.exit_code == 2
    assert "steel blank" in answer.output


def test_a_sample_is_met_gently_and_nothing_is_stored(tmp_path: Path) -> None:
    options = ("--first-contact", "--port", "emulated", "--out", tmp_path / "contact", "--yes")
    result = call("tune", "15 MPa", *options)
    assert result.exit_code == 0, result.output
    landed = re.search(r"landed at +([0-9.]+) MPa", result.stderr)
    assert landed and float(landed[1]) < 15
    assert "tuned on a steel blank" in result.stderr and "stored" not in result.stderr
    frame = RunRecord.open(tmp_path / "contact" / "contact").frame()
    assert frame.pressure_mpa.max() < 17


def test_a_first_contact_is_no_pressing(tmp_path: Path) -> None:
    result = call(
        "tune", "100 MPa", "--first-contact", "--port", "emulated", "--yes", "--out", tmp_path
    )
    assert result.exit_code == 2
    assert "12 to 73 MPa show it" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((10.2, 1.03), "12 -> 10.2 ± 1.0 uL/min"),
        ((0.0, 0.034), "12 -> not distinguishable from zero, below 0.034 uL/min"),
        ((None, None), "12 -> unknown: the press was not shut"),
    ],
)
def test_a_leak_is_said_with_what_it_is_worth(
    found: tuple[float | None, float | None], said: str
) -> None:
    profile = MachineProfile.from_fields(PressDescription().nominal_profile())
    before, after = (
        profile.model_copy(update={"leak_ul_min": leak, "leak_uncertainty_ul_min": uncertainty})
        for leak, uncertainty in ((12.0, 1.2), found)
    )
    assert said in leak_line(before, after)


def test_an_isostatic_vessel_is_not_tuned(tmp_path: Path) -> None:
    """Before a question about a die, which a vessel has not, and before anything moves."""
    vessel = Path(__file__).resolve().parents[2] / "examples" / "presses" / "isostatic.yaml"
    for more in ((), ("--first-contact",)):
        result = call(
            *("tune", "150 MPa", "--port", "emulated", "--press", vessel, "--yes", *more),
            *("--out", tmp_path / "tune"),
        )
        assert result.exit_code == 2
        said = " ".join(result.stderr.split())
        assert "is an isostatic vessel, and tuning needs a ram" in said
        assert "pressloop calibrate" in said
        assert "die of 10 mm" not in said
    with Press.open("emulated", press=vessel) as press, pytest.raises(BadInputError) as refused:
        press.tune("150 MPa", "60 mm", out=tmp_path / "tune")
    assert refused.value.code == "vessel-not-tuned"
    assert not (tmp_path / "tune").exists()
