"""Faults of an emulated press, from the control port to what the board does about them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pressloop import BadInputError, EmulatedBoard, EmulatorError
from pressloop.evaluation import finalise
from pressloop.press import Press

PROTOCOL = """
pressloop: 1
name: short
die: 10 mm
ceiling: 120 MPa
stages:
  - name: only
    ramp: {target: 100 MPa, rate: 30 MPa/s}
    hold: {duration: 4 s, tolerance: 2 %}
"""
PRESS = "preset: jack-10t\nram: {approach_gap_mm: 0.3}\n"


def _ends(tmp_path: Path, *faults: str) -> tuple[str, str | None]:
    """Run the protocol with faults; return end reason and fault."""
    (tmp_path / "press.yaml").write_text(PRESS)
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    with Press.open("emulated", press=tmp_path / "press.yaml") as machine:
        run = machine.run(tmp_path / "protocol.yaml", out=tmp_path / "run", faults=faults)
    summary = run.summary
    assert summary.injected is not None
    assert [(one.kind, one.time_s) for one in summary.injected] == [
        (fault.partition("@")[0].partition("=")[0], float(fault.partition("@")[2]))
        for fault in faults
    ]
    return summary.end_reason, summary.fault


def test_without_a_fault_the_run_completes(tmp_path: Path) -> None:
    assert _ends(tmp_path) == ("completed", None)


@pytest.mark.parametrize(
    ("fault", "end_reason", "name"),
    [
        ("sensor-open@5", "fault", "sensor-low"),
        ("sensor-short@5", "fault", "sensor-high"),
        ("supply-dip@5", "fault", "sensor-low"),
        ("power-cut@5", "power-lost", "power-loss"),
        ("emergency-stop@5", "fault", "emergency-stop"),
        ("guard-open@5", "fault", "guard-open"),
        ("tick-hang@5", "board-reset", "tick-hang"),
        ("foreground-hang@5", "board-reset", "watchdog"),
    ],
)
def test_faults_that_end_a_run_in_their_name(
    tmp_path: Path, fault: str, end_reason: str, name: str | None
) -> None:
    ended = _ends(tmp_path, fault)
    assert ended == (end_reason, name)


@pytest.mark.parametrize(
    "fault",
    ["link-drop@2", "link-duplicate@2", "link-flip@2", "link-delay=0.2@2", "tick-slow=0.05@2"],
)
def test_faults_that_a_run_survives(tmp_path: Path, fault: str) -> None:
    assert _ends(tmp_path, fault) == ("completed", None)


def test_faults_that_the_run_does_not_reach_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "press.yaml").write_text(PRESS)
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    with Press.open("emulated", press=tmp_path / "press.yaml") as machine:
        faults = ["sensor-open@5", "burst@6"]
        run = machine.run(tmp_path / "protocol.yaml", out=tmp_path / "run", faults=faults)
        assert run.summary.injected is not None
        assert [one.kind for one in run.summary.injected] == ["sensor-open"]


def test_a_second_channel_breaks_only_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "press.yaml").write_text(PRESS)
    (tmp_path / "one.yaml").write_text(PRESS + "second_transducer: {fitted: false}\n")
    with Press.open("emulated", press=tmp_path / "press.yaml") as machine:
        run = machine.run(PROTOCOL, out=tmp_path / "two", faults=["second-zero@5"])
    assert (run.end_reason, run.summary.fault) == ("fault", "sensor-disagree")
    with (
        Press.open("emulated", press=tmp_path / "one.yaml") as machine,
        pytest.raises(BadInputError, match="one transducer") as error,
    ):
        machine.start(PROTOCOL, out=tmp_path / "one", faults=["second-zero@1"])
    assert error.value.code == "fault-not-here"


def test_command_injects_and_the_record_of_a_killed_host_says_so(tmp_path: Path) -> None:
    (tmp_path / "press.yaml").write_text(PRESS)
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    command = [sys.executable, "-c", "from pressloop.cli import main; main()", "run"]
    command += [str(tmp_path / "protocol.yaml")]
    command += ["--port", "emulated", "--press", str(tmp_path / "press.yaml"), "--yes"]
    command += ["--out", str(tmp_path / "run"), "--fault", "leak=0.01@2"]
    command += ["--fault", "host-kill@4", "--fault", "burst@30"]
    killed = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    summary = finalise(tmp_path / "run")
    assert summary.end_reason == "interrupted"
    assert summary.injected is not None
    assert [one.kind for one in summary.injected] == ["leak", "host-kill"]


def test_control_port_refuses_what_is_no_fault() -> None:
    with EmulatedBoard() as board:
        with pytest.raises(EmulatorError, match="kinds: sensor-frozen"):
            board.control({"fault": "sensor-melted"})
        board.control({"fault": "sensor-open"})
        ((_, text),) = board.control({"get": True})["injected"]
        assert text == "sensor-open"


def test_the_truth_of_a_run_after_a_reset_is_its_own(tmp_path: Path) -> None:
    """The device clock begins anew with a reset, so that ticks of both runs are the same."""
    (tmp_path / "press.yaml").write_text(PRESS)
    with Press.open("emulated", press=tmp_path / "press.yaml") as machine:
        long = PROTOCOL.replace("duration: 4 s", "duration: 90 s")
        cut = machine.run(long, out=tmp_path / "cut", faults=["power-cut@80"])
        machine.clear_fault()
        again = machine.run(PROTOCOL, out=tmp_path / "again")
    assert again.completed
    first, second = cut.frame(), again.frame()
    assert second.tick.iloc[0] < first.tick.iloc[-1], "no tick is in both runs"
    for frame in (first, second):
        assert not frame.true_pressure_mpa.isna().any()
        assert (frame.pressure_mpa - frame.true_pressure_mpa).abs().max() < 4
