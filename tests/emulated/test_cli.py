"""The command line: exit codes, data on stdout, messages on stderr, answers of the operator."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pressloop.cli.app import app
from pressloop.cli.commands import COMMANDS
from pressloop.cli.verdict import _number
from pressloop.emulator.process import EmulatedBoard
from pressloop.errors import RecordError
from pressloop.evaluation import RunRecord
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.run.prompts import confirm_all
from pressloop.wire.schema import State
from typer.testing import CliRunner, Result

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
# Files with warnings only: they can be run.
WARNED = (
    "crack_threshold_low",
    "duplicate_name",
    "prompt_under_pressure",
    "relaxation_band",
    "relaxation_late",
    "yaml_duplicate_anchor",
)
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
    assert "hint" in result.stdout


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
    assert "/dev/no-such-port" in result.stderr and "hint" in result.stderr
    assert call("info", "--port", "socket://127.0.0.1:9").exit_code == 3


def test_a_run_keeps_the_contract(protocol: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = call("run", protocol, "--port", "emulated", "--out", out, "--yes")
    assert result.exit_code == 0, result.output
    # Stdout has the folder alone; all messages go to stderr.
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
    assert "--overwrite" in again.stderr
    assert json.loads((out / "run.json").read_text())["run_id"] == summary["run_id"]


def test_the_same_seed_gives_the_same_record(protocol: Path, tmp_path: Path) -> None:
    frames = []
    for number in range(2):
        out = tmp_path / str(number)
        assert (
            call("run", protocol, "-p", "emulated", "-o", out, "-y", "--seed", "7").exit_code == 0
        )
        frame = RunRecord.open(out).frame()
        frames.append(frame[["raw_counts", "setpoint_mpa", "true_pressure_mpa", "step_id"]])
    assert frames[0].equals(frames[1])


def test_ctrl_c_aborts_the_run_and_not_only_the_program(tmp_path: Path) -> None:
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
    # The pressure was released: the record ends without pressure.
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
    drawn = [line for line in chart.stdout.splitlines() if "┤" in line]
    assert len(drawn) == 12 and all("█" in line for line in drawn[-2:])  # none wrapped
    assert (tmp_path / "curve.svg").stat().st_size > 10_000


def test_run_script_and_simulate_emulate_the_die_of_the_protocol(
    protocol: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(protocol.read_text().replace("die: 10 mm", "die: 12 mm"))
    call("run", other, "--port", "emulated", "--out", tmp_path / "cli", "--yes", "--seed", "4")
    with Press.open("emulated", seed=4) as press:
        from_script = press.run(other, out=tmp_path / "sdk", on_prompt=confirm_all)
    call("simulate", other, "--csv", tmp_path / "curve.csv", "--interval", "0.01", "--seed", "4")

    assert from_script.summary.truth is not None
    assert from_script.summary.truth[0].peak_mpa == pytest.approx(100, abs=1)
    emulated = from_script.summary.header.emulated_press
    assert emulated is not None and emulated.description["die_mm"] == 12
    columns = ["time_s", "pressure_mpa", "true_pressure_mpa"]
    frame = from_script.frame()[columns]
    pd.testing.assert_frame_equal(frame, RunRecord.open(tmp_path / "cli").frame()[columns])
    simulated = pd.read_csv(tmp_path / "curve.csv")["true_pressure_mpa"]
    assert simulated.to_numpy() == pytest.approx(frame["true_pressure_mpa"].to_numpy(), abs=1e-3)


def test_a_run_on_another_emulated_press(protocol: Path, tmp_path: Path) -> None:
    press = EXAMPLES / "presses" / "steel-blank.yaml"
    out = tmp_path / "out"
    result = call("run", protocol, "-p", "emulated", "-o", out, "-y", "--press", press)
    assert result.exit_code == 0, result.output
    assert "blank" in str(RunRecord.open(out).header.profile["name"])


def test_plot_draws_an_interrupted_run(protocol: Path, tmp_path: Path) -> None:
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
    for entry in COMMANDS:
        *group, name = entry.name.split()
        text = call(*group, "--help").stdout
        assert name in text
        assert " ".join(entry.help.split()[:5]) in text


def at_a_terminal(arguments: list[str | Path], answers: list[tuple[str, bytes]]) -> tuple[int, str]:
    """Run a command at a pseudo terminal; type each answer once its text has been shown."""
    if sys.platform == "win32":
        pytest.skip("needs a pseudo terminal")
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PRESSLOOP, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm"},
    )
    os.close(theirs)
    shown, seen = "", 0
    with contextlib.suppress(OSError):  # Linux: the other end was closed
        while chunk := os.read(ours, 4096):
            shown += chunk.decode(errors="replace")
            while answers and (at := shown.find(answers[0][0], seen)) >= 0:
                seen = at + len(answers[0][0])
                os.write(ours, answers.pop(0)[1])
    os.close(ours)
    return process.wait(60), shown


def test_an_enter_typed_before_the_prompt_does_not_confirm_it(
    protocol: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, shown = at_a_terminal(
        ["run", protocol, "--port", "emulated", "--out", out],
        [
            ("firmware", b"\n\n"),
            ("to abort:", b"no\n"),
            ("not an answer", b""),
            ("to abort:", b"a\n"),
        ],
    )
    assert code == 1, shown
    record = RunRecord.open(out)
    assert record.summary.end_reason == "aborted"
    answers = [e.data["answer"] for e in record.summary.events if e.kind == "prompt-answered"]
    assert answers == ["abort"]


@pytest.mark.slow
def test_the_operator_ends_an_open_hold(tmp_path: Path) -> None:
    path = tmp_path / "open.yaml"
    path.write_text(SHORT.replace("DWELL", "open"))
    out = tmp_path / "out"
    code, shown = at_a_terminal(
        ["run", path, "--port", "emulated", "--out", out, "--yes"],
        [("firmware", b"end\n"), ("open hold", b"x\n"), ("is no command", b"end\n")],
    )
    assert code == 0, shown
    assert RunRecord.open(out).summary.stages[1].outcome == "done"


@pytest.mark.slow
def test_a_closed_input_aborts_at_a_prompt(protocol: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [*PRESSLOOP, "run", str(protocol), "--port", "emulated", "--out", str(out)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 1
    assert "--yes" in done.stderr and "aborted" in done.stderr
    assert RunRecord.open(out).summary.end_reason == "aborted"
    piped = subprocess.run([*command, "--overwrite"], input="\n", capture_output=True, text=True)
    assert piped.returncode == 0, piped.stderr


@pytest.mark.slow
def test_a_prompt_that_timed_out_asks_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "prompt.yaml"
    text = SHORT.replace("DWELL", "2 s")
    path.write_text(text.replace("turn the die", "turn the die\n    timeout: 1 s"))
    out = tmp_path / "out"
    code, shown = at_a_terminal(["run", path, "--port", "emulated", "--out", out], [])
    assert code == 1
    assert "too late" in shown
    assert RunRecord.open(out).summary.end_reason == "prompt-timeout"


def test_simulate_ends_open_holds_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "open.yaml"
    path.write_text(SHORT.replace("DWELL", "open"))
    result = call("simulate", path, "--open-hold", "5")
    assert result.exit_code == 0, result.output
    assert "5 s in band" in result.stderr


def test_files_that_cannot_be_written_are_bad_input(protocol: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for out in (file, file / "run"):
        result = call("run", protocol, "--port", "emulated", "--out", out, "--yes")
        assert result.exit_code == 2, result.output
        assert "--out" in result.stderr
    for option, name in (("--csv", "none/curve.csv"), ("--plot", "none/a.png"), ("--plot", "a.b")):
        result = call("simulate", protocol, option, tmp_path / name)
        assert result.exit_code == 2, result.output
    assert call("plot", file).exit_code == 2
    # A protocol that cannot be read is reported before a board is looked for.
    assert call("run", file / "none.yaml", "--port", "/dev/no-such-port").exit_code == 2


def test_nothing_is_wider_than_a_terminal(protocol: Path, tmp_path: Path) -> None:
    result = call("run", protocol, "--port", "emulated", "--out", tmp_path / "out", "--yes")
    table = [line for line in result.stderr.splitlines() if line.startswith((" ", "red"))]
    assert len(table) >= 7
    assert max(map(len, table)) <= 80


def test_info_rounds_for_people() -> None:
    result = call("info", "--port", "emulated")
    assert re.search(r"pump dead band +20 %", result.stdout)
    assert re.search(r"die uncertainty +not set", result.stdout)
    assert "None" not in result.stdout
    assert not re.search(r"\d\.\d{5}", result.stdout)


def test_attach_reports_a_run_that_has_ended(protocol: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call("run", protocol, "-p", "emulated", "-o", out, "-y")
    # A program that is killed before it has written run.json leaves only the journal.
    (out / "run.json").unlink()
    result = call("attach", out)
    assert result.exit_code == 0
    assert "has ended" in result.stderr and "in band" in result.stderr
    assert (out / "run.json").exists()
    with pytest.raises(RecordError) as refused:
        Press.reopen(out)
    assert refused.value.code == "record-ended"


def test_a_file_of_another_kind_gives_one_finding(protocol: Path, tmp_path: Path) -> None:
    press = EXAMPLES / "presses" / "reference.yaml"
    pellet = tmp_path / "pellet.yaml"
    pellet.write_text("mass_mg: 140\nthickness_mm: 1.2\n")
    for command in ("validate", "simulate"):
        result = call(command, press)
        assert result.exit_code == 2
        assert "description of a press" in result.output and "--press" in result.output
        assert result.output.count("\n    hint") == 1
    assert "this is a sample" in call("validate", pellet).output
    as_press = call("simulate", protocol, "--press", protocol)
    assert as_press.exit_code == 2 and "this is a press protocol" in as_press.stderr
    as_sample = call("run", protocol, "-p", "emulated", "-o", tmp_path, "--sample", press)
    assert as_sample.exit_code == 2 and "description of a press" in as_sample.stderr
    # One key of another kind of file is a mistake in this file.
    described = tmp_path / "press.yaml"
    described.write_text("name: near\nstages: 1\n")
    assert "'stages' is not a key here" in call("simulate", protocol, "--press", described).stderr


def test_cells_of_long_dwells_do_not_touch(tmp_path: Path) -> None:
    assert [_number(value, 7) for value in (9.5, 999.99, 1200.0, 7200.04, 86400.0)] == [
        "   9.50",
        " 999.99",
        " 1200.0",
        " 7200.0",
        "  86400",
    ]


def test_attach_says_that_the_emulated_board_has_ended(protocol: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Press.open("emulated") as press:
        press.start(protocol, out=out).detach()
        assert press.board is not None
        press.board.stop()
    result = call("attach", out)
    assert result.exit_code == 3
    assert "emulated board of this record has ended" in result.stderr
    assert call("plot", out).exit_code == 0


def test_attach_resumes_only_with_its_option(protocol: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with EmulatedBoard() as board:
        with Press.open(board.url) as press:
            press.write_profile(MachineProfile.from_fields(board.press.nominal_profile()))
            run = press.start(protocol, out=out)
            run.pause()
            run.detach()
        left = call("attach", out)
        assert left.exit_code == 1
        assert "--resume" in left.stderr
        with Press.open(board.url) as press:
            assert press.status().state is State.PAUSED
        assert call("attach", out, "--resume", "--yes").exit_code == 0
    assert RunRecord.open(out).summary.end_reason == "completed"


def test_a_sample_is_given_with_the_run_or_later(protocol: Path, tmp_path: Path) -> None:
    says, out = tmp_path / "pellet.yaml", tmp_path / "out"
    says.write_text("mass_mg: 140\ntrue_density_g_cm3: 2.2\nthickness_mm: 1.2\n")
    run = ("run", protocol, "-p", "emulated", "-o", out, "-y")
    result = call(*run, "--sample", says)
    assert result.exit_code == 0, result.output
    assert "relative density 67.5 ±" in result.stderr
    says.write_text(says.read_text().replace("1.2", "1.1"))
    later = call("sample", out, says)
    assert later.exit_code == 0, later.output
    assert later.stdout.strip() == str(out)
    stage = json.loads((out / "run.json").read_text())["stages"][0]
    assert stage["density"]["released"]["relative_density"] == pytest.approx(0.737, abs=1e-3)
    # A new run in the folder does not keep the sample of the run before.
    assert call(*run, "--overwrite").exit_code == 0
    assert json.loads((out / "run.json").read_text())["sample"] is None


def test_a_sample_of_a_stage_that_does_not_press_is_refused(protocol: Path, tmp_path: Path) -> None:
    says, out = tmp_path / "pellet.yaml", tmp_path / "out"
    says.write_text("thickness_mm: 1.2\nuntil_stage: frist\n")
    run = ("run", protocol, "-p", "emulated", "-o", out, "-y")
    refused = call(*run, "--sample", says)
    assert refused.exit_code == 2
    assert "frist" in refused.stderr and "first, second" in refused.stderr
    assert not (out / "run.journal").exists()
    call(*run)
    assert call("sample", out, says).exit_code == 2
    assert not (out / "sample.json").exists()


def test_a_sample_with_a_mistake_stops_before_the_press(protocol: Path, tmp_path: Path) -> None:
    says = tmp_path / "pellet.yaml"
    says.write_text("mass_mg: 140 mg\n")
    out = tmp_path / "out"
    result = call("run", protocol, "-p", "emulated", "-o", out, "-y", "--sample", says)
    assert result.exit_code == 2
    assert "mass_mg" in result.stderr and not out.exists()
