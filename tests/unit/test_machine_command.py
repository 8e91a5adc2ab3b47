"""`pressloop machine new|check|write|show`: from a data sheet to a board and back."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest
from pressloop.cli import machine_write
from pressloop.cli.app import app
from pressloop.cli.machine_questions import QUESTIONS, SECOND
from pressloop.emulator import description
from pressloop.emulator.description import PressDescription, presets
from pressloop.machine import part_codes
from pressloop.machine.profile import MachineProfile
from pressloop.wire.message import Message
from pressloop.wire.schema import ErrorCode, ProfileReadReply, ProfileWriteReply
from typer.testing import CliRunner, Result

from tests.unit.fake_board import FakeBoard, RefusalError

TUNED = """\
preset: jack-15t
name: tuned
measured:
  compliance_ul_mpa: 61.52
  compliance_curve_ul_mpa: [90, 80.123, 75, 70, 68, 66, 64, 62]
  leak_ul_min: 11.5
  leak_uncertainty_ul_min: 2
  raw_zero: 4866
  raw_zero_fraction: 0.25
  tuning_residual_percent: 0.3
"""
ANSWERS = {
    "dies_mm": "10, 13",
    "ram.area_cm2": "20.3",
    "transducer.full_scale_bar": "250",
    "limits.max_oil_bar": "220",
    "transducer.converter": "adc",
}
ALL_ANSWERS = "".join(f"{ANSWERS.get(question.key, '')}\n" for question in QUESTIONS)


@pytest.fixture(autouse=True)
def state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep the log of this user out of the user's own folder."""
    monkeypatch.setattr("pressloop.cli.machine_write.user_state_path", lambda _: tmp_path / "state")
    return tmp_path / "state"


def call(*arguments: str | Path, typed: str = "") -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(
        app, ["machine", *map(str, arguments)], input=typed
    )


def stored_on(board: FakeBoard) -> ProfileReadReply:
    """Return the profile of a board, which must have one by now."""
    assert board.profile is not None
    return board.profile


# --- new


@pytest.mark.parametrize("name", presets.PRESSES)
def test_new_from_a_preset_asks_nothing_and_gives_its_profile(name: str, tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    made = call("new", file, "--preset", name)
    assert made.exit_code == 0, made.output
    assert "MPa/bar" in made.stdout and "machine write" in made.stderr
    there = description.load(file).nominal_profile()
    assert there.pop("die_loads_n") == [0, 0, 0]
    assert part_codes.unpacked(there.pop("parts"))["transducer_converter"] == "ads1115"
    assert there == description.load(name).nominal_profile()


def test_new_takes_the_answers_from_a_pipe_and_explains_each(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    made = call("new", file, typed=ALL_ANSWERS)
    assert made.exit_code == 0, made.output
    for question in QUESTIONS:
        assert question.text in made.stderr and question.why in made.stderr
    assert "1 bar of oil is 2.58 MPa on a 10 mm die" in made.stderr
    press = description.load(file)
    assert list(press.dies_mm) == [10, 13]
    assert press.ram.area_cm2 == 20.3
    assert press.transducer.converter == "adc"
    assert press.controller.contact_bar == 1.25
    # Enter describes the press with less: one channel, no known load of a die.
    assert press.machine_profile().single_channel
    assert press.machine_profile().die_loads_kn == (0, 0)
    assert all(len(line) < 100 for line in file.read_text().splitlines())
    # In the file, `none` in place of a range would be refused.
    comments = " ".join(line.strip("# ") for line in file.read_text().splitlines())
    assert "without one write fitted: false here" in comments and "none if" not in comments


def test_new_asks_for_the_second_channel_and_the_loads_of_the_dies(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    given = ANSWERS | {SECOND: "400", "die_loads_kn": "60 99.6"}
    made = call(
        "new", file, typed="".join(f"{given.get(question.key, '')}\n" for question in QUESTIONS)
    )
    assert made.exit_code == 0, made.output
    profile = description.load(file).machine_profile()
    assert (profile.second_full_scale_bar, profile.die_loads_kn) == (400, (60, 99.6))


def test_new_has_no_default_for_what_sets_every_pressure(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    made = call("new", file, typed="\n" * 30)
    assert made.exit_code == 2
    assert "dies_mm: it sets every pressure and has no default" in made.stderr
    assert not file.exists()


@pytest.mark.parametrize(
    "key", ["dies_mm", "ram.area_cm2", "transducer.full_scale_bar", "limits.max_oil_bar"]
)
def test_new_wants_each_value_that_sets_every_pressure_typed(key: str, tmp_path: Path) -> None:
    lines = [ANSWERS.get(each.key, "") if each.key != key else "" for each in QUESTIONS]
    made = call("new", tmp_path / "my.yaml", typed="\n".join([*lines, ""]))
    assert made.exit_code == 2
    assert f"{key}: it sets every pressure and has no default" in made.stderr


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ("mine\n10\n60 70\n", "die_loads_kn: "),
        ("mine\n10\n\n-4\n", "ram.area_cm2: '-4' is out of range"),
        ("mine\n10\n\n20.3 cm\n", "ram.area_cm2: "),
        ("mine\n10\n\n", "the answers end before question ram.area_cm2"),
        (ALL_ANSWERS.replace("220", "300"), "limits.max_oil_bar: "),
    ],
)
def test_new_names_the_answer_that_cannot_be(answers: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    made = call("new", file, typed=answers)
    assert made.exit_code == 2
    assert said in made.stderr and "hint" in made.stderr
    assert not file.exists()


def test_new_overwrites_nothing(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("name: old\n")
    assert call("new", file, "--preset", "jack-15t").exit_code == 2
    # Before the first question, not after the last one.
    assert "file-exists" in call("new", file).stderr
    assert file.read_text() == "name: old\n"
    assert "did you mean jack-15t" in call("new", tmp_path / "b", "--preset", "jak-15t").stderr


# --- check


def test_check_prints_what_the_press_can_do_with_each_die(tmp_path: Path) -> None:
    checked = call("check", "jack-15t")
    assert checked.exit_code == 0
    row = next(line for line in checked.stdout.splitlines() if line.startswith("10 mm"))
    cells = "10 mm 44.7 kN 569 2.58 +-0.646 +-11.4 +-0.646 547"
    assert " ".join(row.split()) == cells
    dies = json.loads(call("check", "jack-15t", "--json").stdout)["dies"]
    assert [die["die_mm"] for die in dies] == [10, 12, 13]


def test_check_counts_with_the_converter_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "adc.yaml"
    file.write_text("transducer: {converter: adc}\n")
    die = json.loads(call("check", file, "--json").stdout)["dies"][0]
    assert die["tolerance_mpa"] > 2 * die["transducer_mpa"]


def test_check_lists_every_finding_with_place_and_hint(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("pump:\n  flow: 3\nram: {area_cm2: 0}\n")
    checked = call("check", file)
    assert checked.exit_code == 2
    assert f"{file}:2:3 error pump.flow" in checked.stdout
    assert f"{file}:3:17 error ram.area_cm2" in checked.stdout
    assert checked.stdout.count("hint") == 2
    file.write_text("limits:\n  max_oil_bar: 500\n")
    found = json.loads(call("check", file, "--json").stdout)["findings"]
    assert [(each["path"], each["line"]) for each in found] == [("limits.max_oil_bar", 2)]
    assert call("check", tmp_path / "none.yaml").exit_code == 2


# --- write and show


def test_write_shows_what_changes_asks_and_stores_it(
    board: FakeBoard, tmp_path: Path, state_folder: Path
) -> None:
    file = tmp_path / "tuned.yaml"
    file.write_text(TUNED)
    before = board.profile
    refused = call("write", file, "--port", board.url, typed="n\n")
    assert refused.exit_code == 2 and "nothing was written" in refused.stderr
    assert call("write", file, "--port", board.url).exit_code == 2  # standard input is empty
    assert board.profile is before
    written = call("write", file, "--port", board.url, typed="y\n")
    assert written.exit_code == 0, written.output
    row = next(line for line in written.stdout.splitlines() if line.startswith("max oil"))
    assert row.split() == ["max", "oil", "350", "220", "bar"]
    assert "kp" not in written.stdout
    assert MachineProfile.from_wire(stored_on(board)) == description.load(file).machine_profile()
    (line,) = (state_folder / "machine-profiles.jsonl").read_text().splitlines()
    logged = json.loads(line)
    assert logged["changed"]["max_oil_bar"] == {"old": 350, "new": 220}
    again = call("write", file, "--port", board.url, "--yes")
    assert again.exit_code == 0 and "nothing was written" in again.stderr


def test_a_written_profile_is_shown_as_a_file_of_an_equal_profile(
    board: FakeBoard, tmp_path: Path
) -> None:
    file, shown = tmp_path / "tuned.yaml", tmp_path / "shown.yaml"
    file.write_text(TUNED)
    assert call("write", file, "--port", board.url, "--yes").exit_code == 0
    shown.write_text(call("show", "--port", board.url, "--yaml").stdout)
    press = description.load(shown)
    assert press.nominal_profile() == description.load(file).nominal_profile()
    assert press.measured == description.load(file).measured
    table = call("show", "--port", board.url)
    assert table.exit_code == 0
    assert "compliance curve" in table.stdout and "80.123" in table.stdout


def test_a_board_that_wants_its_button_says_so_and_keeps_its_profile(
    board: FakeBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Message) -> NoReturn:
        raise RefusalError(ErrorCode.NEEDS_BUTTON)

    monkeypatch.setattr(board, "do_profile_write", refuse)
    file = tmp_path / "tuned.yaml"
    file.write_text(TUNED)
    before = board.profile
    refused = call("write", file, "--port", board.url, "--yes")
    assert refused.exit_code == 1
    assert "needs-button" in refused.stderr and "press the button" in refused.stderr
    assert board.profile is before


def test_a_real_board_gets_no_value_of_the_reference_press_unasked(
    board: FakeBoard, tmp_path: Path
) -> None:
    board.simulated = False
    before, file = board.profile, tmp_path / "tuned.yaml"
    file.write_text("name: mine\nram: {approach_gap_mm: 3}\ntransducer: {full_scale_bar: 400}\n")
    refused = call("write", file, "--port", board.url, "--yes")
    assert refused.exit_code == 2 and "not-stated" in refused.stderr
    missing = ("dies_mm", "ram.area_cm2", "transducer.accuracy_percent", "limits.max_oil_bar")
    for key in (*missing, "second_transducer"):
        assert f"write {key} as your press has it" in refused.stderr
    assert "write transducer.full_scale_bar" not in refused.stderr
    assert board.profile is before
    checked = json.loads(call("check", file, "--json").stdout)["findings"]
    assert {(each["severity"], each["path"]) for each in checked} == {
        ("warning", key) for key in (*missing, "second_transducer")
    }
    assert "valid for an emulated press" in call("check", file).stderr
    file.unlink()
    assert call("new", file, typed=ALL_ANSWERS).exit_code == 0
    assert call("write", file, "--port", board.url, "--yes").exit_code == 0


def test_what_a_real_board_shows_another_one_takes(board: FakeBoard, tmp_path: Path) -> None:
    board.simulated = False
    shown = tmp_path / "shown.yaml"
    shown.write_text(call("show", "--port", board.url, "--yaml").stdout)
    same = call("write", shown, "--port", board.url, "--yes")
    assert same.exit_code == 0 and "nothing was written" in same.stderr
    board.profile = None
    assert call("write", shown, "--port", board.url, "--yes").exit_code == 0


def test_at_a_terminal_the_button_is_waited_for(
    board: FakeBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, asked = board.do_profile_write, []

    def refuse_once(message: Message) -> ProfileWriteReply:
        asked.append(message)
        if len(asked) == 1:
            raise RefusalError(ErrorCode.NEEDS_BUTTON)
        return write(message)

    monkeypatch.setattr(board, "do_profile_write", refuse_once)
    terminal = SimpleNamespace(isatty=lambda: True, readline=lambda: "\n")
    monkeypatch.setattr(machine_write, "sys", SimpleNamespace(stdin=terminal))
    file = tmp_path / "tuned.yaml"
    file.write_text(TUNED)
    written = call("write", file, "--port", board.url, "--yes")
    assert written.exit_code == 0, written.output
    assert "Press the button on the controller" in written.stderr
    assert len(asked) == 2
    assert MachineProfile.from_wire(stored_on(board)).name == "tuned"


def test_a_board_that_stores_something_else_is_an_error(board: FakeBoard, tmp_path: Path) -> None:
    file = tmp_path / "tuned.yaml"
    file.write_text(TUNED)
    kept = board.profile

    def forget(message: Message) -> None:
        board.profile = kept

    board.on_request = forget
    refused = call("write", file, "--port", board.url, "--yes")
    assert refused.exit_code == 1
    assert "profile-differs" in refused.stderr and "max_oil_bar" in refused.stderr


def test_an_emulated_board_takes_its_press_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("name: mine\n")
    refused = call("write", file, "--port", "emulated")
    assert refused.exit_code == 2 and f"--press {file}" in refused.stderr


def test_a_board_without_a_profile_names_the_commands(board: FakeBoard, tmp_path: Path) -> None:
    board.profile = None
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(
        "pressloop: 1\nname: x\ndie: 10 mm\nceiling: 20 MPa\nvent_rate: 5 MPa/s\nstages:\n"
        "  - name: a\n    ramp: {target: 10 MPa, rate: 1 MPa/s}\n"
    )
    info = CliRunner(env={"COLUMNS": "300"}).invoke(app, ["info", "--port", board.url])
    assert info.exit_code == 0
    shown = " ".join(info.stdout.split())
    assert f"pressloop machine write my-press.yaml --port {board.url}" in shown
    for command in (
        ["run", str(protocol), "--port", board.url, "--out", str(tmp_path / "run")],
        ["tune", "400 MPa", "--yes", "--port", board.url, "--out", str(tmp_path / "tune")],
        ["machine", "show", "--port", board.url],
    ):
        result = CliRunner().invoke(app, command)
        assert result.exit_code != 0
        assert "pressloop machine new my-press.yaml" in result.stderr, command
        assert "pressloop machine write my-press.yaml" in result.stderr, command
    file = tmp_path / "my.yaml"
    file.write_text("name: mine\n")
    written = call("write", file, "--port", board.url, "--yes")
    assert written.exit_code == 0 and "no machine profile yet" in written.stderr
    wanted = PressDescription(name="mine").machine_profile()
    assert MachineProfile.from_wire(stored_on(board)) == wanted


def test_check_refuses_parts_that_no_board_serves_and_names_them(tmp_path: Path) -> None:
    file = tmp_path / "press.yaml"
    file.write_text("transducer: {signal: ratiometric, converter: adc}\n")
    checked = call("check", file)
    assert checked.exit_code == 2
    assert "transducer.signal" in checked.stdout and "ADS1115" in checked.stdout
    file.write_text("transducer: {signal: ratiometric, converter: ads1115}\n")
    assert call("check", file).exit_code == 0


def test_check_warns_of_channels_that_share_a_converter(tmp_path: Path) -> None:
    file = tmp_path / "press.yaml"
    file.write_text("transducer: {converter: adc}\nsecond_transducer: {converter: adc}\n")
    checked = call("check", file, "--json")
    assert checked.exit_code == 0
    assert "shared-converter" in [each["code"] for each in json.loads(checked.stdout)["findings"]]
