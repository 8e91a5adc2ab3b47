"""`pressloop commission` on the emulated board."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pressloop.cli.app import app
from pressloop.commissioning.report import CommissioningReport, save_report
from pressloop.commissioning.steps import BY_NAME
from pressloop.errors import BadInputError
from pressloop.press import Press
from typer.testing import CliRunner, Result

from tests.emulated.commissioned_press import ROOT, walked

BLANK = ROOT / "examples" / "presses" / "steel-blank.yaml"


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Path(shutil.copy(BLANK, tmp_path / "mine.yaml"))


@pytest.mark.slow
def test_a_rehearsal_goes_through_all_steps_and_keeps_the_report(file: Path) -> None:
    done = call("commission", file, "--port", "emulated", "--yes")
    assert done.exit_code == 0, done.output
    assert "23/23 load-cell" in done.stderr
    report = json.loads(file.with_name("mine.commissioning.json").read_text())
    assert report["finished_on"] and report["simulated"]
    readable = file.with_name("mine.commissioning.md")
    assert done.stdout.strip() == str(readable)
    assert "SIMULATED" in readable.read_text()
    # The records of the runs are kept beside it.
    assert (file.with_name("mine.commissioning") / "tune").is_dir()


def test_a_wrong_wire_ends_the_rehearsal_in_its_name(file: Path) -> None:
    arguments = ("--port", "emulated", "--yes", "--fault", "wiring-stop-bridged")
    done = call("commission", file, *arguments)
    assert done.exit_code == 1
    assert "4/23 emergency-stop" in done.stderr and "5/23" not in done.stderr
    assert "no input changed" in done.stderr and "to do" in done.stderr
    # The next rehearsal is on another emulated board, and begins anew.
    listed = call("commission", file, "--port", "emulated", "--list")
    assert listed.exit_code == 0 and "emergency-stop  not made" in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--fault", "wiring-valve-swapped"], "unknown-fault"),
        (["--fault", "wiring-shunt"], "bad-fault"),
        (["--fault", "wiring-shunt=much"], "bad-fault"),
        (["--fault", "wiring-converter-missing"], "fault-not-here"),
        (["--step", "gard"], "unknown-step"),
        (["--step", "tune"], "step-too-early"),
    ],
)
def test_what_cannot_be_is_refused(file: Path, arguments: list[str], code: str) -> None:
    done = call("commission", file, "--port", "emulated", "--yes", *arguments)
    assert done.exit_code == 2
    assert f"({code})" in done.stderr


def test_air_in_a_vessel_is_rehearsed_and_ends_the_walk_in_its_name(tmp_path: Path) -> None:
    file = Path(shutil.copy(ROOT / "examples" / "presses" / "isostatic.yaml", tmp_path / "v.yaml"))
    done = call("commission", file, "--port", "emulated", "--yes", "--fault", "vessel-air=5")
    assert done.exit_code == 1
    assert "mL of air are in it" in done.stderr
    assert "The manual release is opened." in done.stderr, (
        "the texts are those of a press with a ram"
    )


def test_a_press_with_a_ram_takes_no_air_of_a_vessel(file: Path) -> None:
    done = call("commission", file, "--port", "emulated", "--yes", "--fault", "vessel-air=5")
    assert done.exit_code != 0 and "has a ram" in done.stderr


def test_yes_is_no_look_at_a_press_that_this_program_does_not_emulate(tmp_path: Path) -> None:
    with Press.open("emulated", press=BLANK) as other:
        assert other.board is not None
        url = other.board.url
        other.session.close()
        done = call("commission", BLANK, "--port", url, "--yes", "--report", tmp_path / "x.json")
    assert done.exit_code == 2
    assert "(yes-is-no-look)" in done.stderr


def test_a_rehearsal_does_not_overwrite_the_report_of_a_press(file: Path) -> None:
    kept = file.with_name("mine.commissioning.json")
    save_report(kept, CommissioningReport("beef", "mine", simulated=False))
    before = kept.read_text()
    done = call("commission", file, "--port", "emulated", "--yes")
    assert done.exit_code == 2 and "(other-board)" in done.stderr
    assert kept.read_text() == before


def test_an_emulated_press_needs_a_file() -> None:
    done = call("commission", "--port", "emulated", "--yes")
    assert done.exit_code == 2 and "(no-press-file)" in done.stderr


def test_a_walk_goes_on_where_it_failed_and_proves_mended_wires_anew() -> None:
    with walked(wiring={"swap": ["pump", "release"]}) as it:
        assert it.until().fault == "valves-swapped"
        it.control({"wiring": {"mend": True}})
        made = len(it.results)
        assert it.until("ram").name == "relief"
        again = [result.name for result in it.results[made:]]
        assert again == [step.name for step in BY_NAME.values() if step.group == "wires"]


def test_a_step_is_repeated_only_after_those_before_it() -> None:
    with walked() as it:
        it.until("ram")
        assert it.walk.run_step("guard").outcome == "pass"
        with pytest.raises(BadInputError, match="comes after: pulses"):
            it.walk.run_step("dry-strokes")
        it.until()
        # The pump motor runs by now: it is switched off before an output is tried again.
        made = len(it.results)
        it.walk.run_step("outputs")
        assert [result.name for result in it.results[made:]] == ["pump-off", "outputs"]


def test_a_failure_takes_the_day_off_the_board() -> None:
    with walked() as it:
        dated = it.press.profile().model_copy(update={"commissioned_day": 20785})
        it.press.write_profile(dated)
        it.walk._bench.profile = dated
        it.control({"wiring": {"bridge": "button"}})
        assert it.until().fault == "button-stuck"
        assert it.press.profile().commissioned_day is None
