"""A press file on the firmware: stored, shown, and pressed with."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop import EmulatedBoard, Press
from pressloop.cli.app import app
from pressloop.emulator import description
from pressloop.emulator.description.from_profile import press_text
from pressloop.run.prompts import confirm_all
from typer.testing import CliRunner, Result

from tests.emulated.conftest import SteelBlankTuning

PRESSES = Path(__file__).resolve().parents[2] / "examples" / "presses"
PROTOCOL = """
pressloop: 1
name: short
die: 13 mm
ceiling: 60 MPa
vent_rate: 20 MPa/s
stages:
  - name: press
    ramp: {target: 40 MPa, rate: 10 MPa/s}
    hold: {duration: 2 s, tolerance: 5 %}
    release: {target: 0 MPa, rate: 20 MPa/s}
"""


@pytest.fixture(autouse=True)
def state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the log of this user out of the user's own folder."""
    monkeypatch.setattr("pressloop.cli.machine_write.user_state_path", lambda _: tmp_path / "state")


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["machine", *map(str, arguments)])


@pytest.mark.parametrize("name", ["compact-jack", "jack-15t", "pellet-25t"])
def test_a_file_stored_on_the_firmware_is_shown_as_an_equal_one(name: str, tmp_path: Path) -> None:
    file, shown = PRESSES / f"{name}.yaml", tmp_path / "shown.yaml"
    wanted = description.load(file).nominal_profile()
    with EmulatedBoard(seed=1) as board:
        assert call("write", file, "--port", board.url, "--yes").exit_code == 0
        said = call("show", "--port", board.url, "--yaml")
        assert said.exit_code == 0, said.output
        shown.write_text(said.stdout, encoding="utf-8")
    assert "simulated" in shown.read_text().splitlines()[0]
    assert description.load(shown).nominal_profile() == wanted


def test_a_tuned_profile_survives_the_file(steel_blank_tuning: SteelBlankTuning) -> None:
    tuned = steel_blank_tuning.on_board
    press = description.loads(press_text(tuned, "tuned"))
    assert press.measured.compliance_curve_ul_mpa is not None
    assert press.measured.tuning_residual_percent is not None
    assert press.machine_profile().to_wire() == tuned.to_wire()


def test_the_emulated_press_of_a_shown_file_presses(tmp_path: Path) -> None:
    profile = description.load(PRESSES / "pellet-25t.yaml").machine_profile()
    shown = tmp_path / "shown.yaml"
    shown.write_text(press_text(profile, "shown"))
    protocol = tmp_path / "short.yaml"
    protocol.write_text(PROTOCOL)
    with Press.open("emulated", press=shown, seed=1) as press:
        assert press.profile().to_wire() == profile.to_wire()
        result = press.run(protocol, out=tmp_path / "run", on_prompt=confirm_all)
    assert result.end_reason == "completed"
