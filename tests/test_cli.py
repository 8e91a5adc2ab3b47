"""The command line: exit codes, what goes to stdout, what a person reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pressloop.cli.app import app
from pressloop.record import RunRecord
from typer.testing import CliRunner, Result

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
# Files that are doubtful but can be run.
WARNED = ("duplicate_name", "prompt_under_pressure")
BAD = [
    path
    for path in sorted((ROOT / "tests" / "data" / "bad").glob("*.yaml"))
    if path.stem not in WARNED
]
PRESSLOOP = [sys.executable, "-c", "from pressloop.cli import main; main()"]

SHORT = """
pressloop: 1
name: short
die: 10 mm
ceiling: 200 MPa
vent_rate: 50 MPa/s
stages:
  - name: first
    ramp: {target: 100 MPa, rate: 20 MPa/s}
    hold: {duration: 2 s, tolerance: 2 %}
    release: {target: 0 MPa, rate: 50 MPa/s}
  - prompt: turn the die
  - name: second
    ramp: {target: 50 MPa, rate: 10 MPa/s}
    hold: {duration: DWELL, tolerance: 3 %}
"""


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    path = tmp_path / "short.yaml"
    path.write_text(SHORT.replace("DWELL", "2 s"))
    return path


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_each_mistake_is_found_with_path_and_hint(path: Path) -> None:
    result = call("validate", path, "--json")
    assert result.exit_code == 2
    findings = json.loads(result.stdout)["findings"]
    errors = [finding for finding in findings if finding["severity"] == "error"]
    assert errors
    for finding in errors:
        assert finding["path"] and finding["code"] and finding["message"] and finding["hint"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_is_valid(path: Path) -> None:
    result = call("validate", path)
    assert result.exit_code == 0, result.output


def test_warnings_do_not_keep_a_protocol_from_running() -> None:
    for name in WARNED:
        result = call("validate", ROOT / "tests" / "data" / "bad" / f"{name}.yaml")
        assert result.exit_code == 0
        assert "warning" in result.stdout


def test_findings_name_line_and_hint_for_people(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(SHORT.replace("DWELL", "2 s").replace("rate: 10 MPa/s", "rate: 10 MPa"))
    result = call("validate", path)
    assert result.exit_code == 2
    assert f"{path}:14:" in result.stdout
    assert "stages[2].ramp.rate" in result.stdout
    assert "try" in result.stdout


def test_bad_input_presses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("pressloop: 1\nname: x\n")
    result = call("run", path, "--port", "emulated", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()
    assert call("run", tmp_path / "none.yaml", "--port", "emulated").exit_code == 2


def test_no_board_is_exit_code_3_with_the_next_step(protocol: Path, tmp_path: Path) -> None:
    result = call("run", protocol, "--port", "/dev/no-such-port", "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert "/dev/no-such-port" in result.stderr and "try" in result.stderr
    assert call("info", "--port", "socket://127.0.0.1:9").exit_code == 3


def test_a_run_keeps_the_contract(protocol: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = call("run", protocol, "--port", "emulated", "--out", out, "--yes")
    assert result.exit_code == 0, result.output
    # The folder is the data; everything else is for people.
    assert result.stdout.strip() == str(out)
    assert "turn the die" in result.stderr
    assert "SIMULATED" in result.stderr
    assert (out / "telemetry.parquet").exists()
    summary = json.loads((out / "run.json").read_text())
    assert summary["simulated"] is True
    assert summary["end_reason"] == "completed"
    assert summary["gaps"] == []
    for stages in (summary["stages"], summary["truth"]):
        assert [stage["name"] for stage in stages] == ["first", "second"]
        for stage in stages:
            for key in (
                "target_mpa",
                "peak_mpa",
                "overshoot_percent",
                "in_band_fraction",
                "dwell_s",
                "mean_mpa",
                "rms_error_mpa",
                "settle_s",
            ):
                assert isinstance(stage[key], float), key
    dwells = [stage["dwell_s"] for stage in summary["stages"]]
    assert dwells == pytest.approx([2.0, 2.0], abs=0.011)
    again = call("run", protocol, "--port", "emulated", "--out", out, "--yes")
    assert again.exit_code == 2
    assert "overwritten" in again.stderr
    assert json.loads((out / "run.json").read_text())["run_id"] == summary["run_id"]


def test_the_same_seed_gives_the_same_record(protocol: Path, tmp_path: Path) -> None:
    frames = []
    for number in range(2):
        out = tmp_path / str(number)
        assert call("run", protocol, "-p", "emulated", "-o", out, "-y", "--seed", 7).exit_code == 0
        frame = RunRecord.open(out).frame()
        frames.append(frame[["raw_counts", "setpoint_mpa", "true_pressure_mpa", "step_id"]])
    assert frames[0].equals(frames[1])


def test_ctrl_c_aborts_the_press_not_just_the_program(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(SHORT.replace("DWELL", "10 h").replace("prompt: turn the die", "prompt: go"))
    out = tmp_path / "out"
    process = subprocess.Popen(
        [*PRESSLOOP, "run", path, "--port", "emulated", "--out", out, "--yes"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "second hold" in line:
            break
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "aborted" in stderr
    record = RunRecord.open(out)
    assert record.summary.end_reason == "aborted"
    assert record.summary.gaps == ()
    # Released, not dropped: the record ends with the pressure gone.
    assert record.frame()["true_pressure_mpa"].iloc[-1] < 3.0
    assert record.frame()["state"].iloc[-1] == "idle"


def test_simulate_predicts_the_curve_without_a_board(protocol: Path, tmp_path: Path) -> None:
    result = call("simulate", protocol, "--csv", "-", "--interval", "0.5")
    assert result.exit_code == 0, result.output
    lines = result.stdout.strip().splitlines()
    assert lines[0] == "time_s,stage,setpoint_mpa,pressure_mpa,true_pressure_mpa"
    peak = max(float(line.split(",")[3]) for line in lines[1:])
    assert peak == pytest.approx(100, abs=5)
    chart = call("simulate", protocol, "--plot", tmp_path / "curve.svg")
    assert "MPa" in chart.stdout and "█" in chart.stdout
    assert (tmp_path / "curve.svg").stat().st_size > 10_000


def test_another_press_can_be_rehearsed(protocol: Path, tmp_path: Path) -> None:
    press = EXAMPLES / "presses" / "steel-blank.yaml"
    out = tmp_path / "out"
    result = call("run", protocol, "-p", "emulated", "-o", out, "-y", "--press", press)
    assert result.exit_code == 0, result.output
    assert "blank" in RunRecord.open(out).header.profile["name"]


def test_plot_also_draws_a_run_that_was_cut_off(protocol: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call("run", protocol, "-p", "emulated", "-o", out, "-y").exit_code == 0
    journal = (out / "run.journal").read_bytes()
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "run.journal").write_bytes(journal[: len(journal) // 2])
    result = call("plot", cut)
    assert result.exit_code == 0, result.output
    assert Path(result.stdout.strip()).stat().st_size > 10_000
    assert call("plot", tmp_path / "nothing").exit_code == 2


def test_info_shows_board_and_profile() -> None:
    result = call("info", "--port", "emulated", "--json")
    assert result.exit_code == 0
    facts = json.loads(result.stdout)
    assert facts["simulated"] is True
    assert facts["state"] == "idle"
    assert facts["python"].startswith("MicroPython 1.")


def test_help_lists_every_command() -> None:
    text = call("--help").stdout
    for command in app.registered_commands:
        assert command.callback is not None and command.callback.__name__ in text
