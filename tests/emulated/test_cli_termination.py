"""SIGTERM and SIGHUP end `pressloop run` in good order, as the protocol says of a lost host."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from pressloop import Press
from pressloop.cli.app import app
from pressloop.run.run import Run
from typer.testing import CliRunner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")

PRESSLOOP: Final = [
    sys.executable,
    "-c",
    # Under nohup SIGHUP would be ignored, as it should.
    "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
    "from pressloop.cli import main; main()",
]

PROTOCOL: Final = """
pressloop: 1
name: A
die: 10 mm
ceiling: 120 MPa
vent_rate: 50 MPa/s
on_host_loss: {action: ACTION, limit: 20 s}
stages:
  - name: bond
    ramp: {target: 100 MPa, rate: 20 MPa/s}
    hold: {duration: 10 h, tolerance: 1 %}
"""


def terminate(tmp_path: Path, action: str, number: int) -> tuple[int, str]:
    """Run a protocol, send a signal during its first stage, and return exit code and messages."""
    protocol = tmp_path / "a.yaml"
    protocol.write_text(PROTOCOL.replace("ACTION", action))
    command = [*PRESSLOOP, "run", str(protocol), "--port", "emulated", "--yes"]
    command += ["--out", str(tmp_path / "out")]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert run.stderr is not None
        said = ""
        while "bond" not in said:
            line = run.stderr.readline()
            assert line, said
            said += line
        run.send_signal(number)
        said += run.communicate(timeout=60)[1]
    finally:
        run.kill()
        run.wait()
    return run.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_aborts_a_run_whose_protocol_vents(tmp_path: Path, number: int) -> None:
    code, said = terminate(tmp_path, "vent", number)
    assert code == 1, said
    assert "Traceback" not in said
    summary = json.loads((tmp_path / "out" / "run.json").read_text())
    assert summary["end_reason"] == "aborted"
    assert summary["gaps"] == []


def test_a_signal_leaves_a_run_whose_protocol_holds_to_the_board(tmp_path: Path) -> None:
    code, said = terminate(tmp_path, "hold", signal.SIGTERM)
    assert code == 1, said
    assert "Traceback" not in said
    assert f"pressloop attach {tmp_path / 'out'}" in said
    summary = json.loads((tmp_path / "out" / "run.json").read_text())
    assert summary["end_reason"] == "interrupted"
    with Press.reopen(tmp_path / "out") as press:
        run = press.attach(tmp_path / "out")
        assert run.is_active
        run.abort()
        assert run.result(30).end_reason == "aborted"


class RaisesWhenCollected:
    """Sends this process a signal in a finalizer, where every exception is lost."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __del__(self) -> None:
        signal.raise_signal(self._number)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("send", [signal.raise_signal, RaisesWhenCollected])
def test_a_signal_between_the_start_and_the_following_is_not_lost(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    send: Callable[[signal.Signals], object],
) -> None:
    monkeypatch.setattr(Press, "_allow_remote_control", lambda _press, _run: send(number))
    protocol, out = tmp_path / "a.yaml", tmp_path / "out"
    protocol.write_text(PROTOCOL.replace("ACTION", "vent").replace("10 h", "2 s"))
    command = ["run", str(protocol), "--port", "emulated", "--yes", "--out", str(out)]
    before = signal.signal(number, signal.default_int_handler if number == 2 else signal.SIG_DFL)
    try:
        done = CliRunner().invoke(app, command)
    finally:
        signal.signal(number, before)
    assert done.exit_code == 1, done.output
    assert "aborting" in done.output
    summary = json.loads((out / "run.json").read_text())
    assert summary["end_reason"] == "aborted"
    (abort,) = [event for event in summary["events"] if event["kind"] == "abort"]
    by = "operator (Ctrl-C)" if number == signal.SIGINT else number.name
    assert abort["data"]["by"] == by


def test_a_signal_while_the_run_starts_leaves_it_to_the_board_if_the_protocol_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: list[Run] = []

    def note(_press: Press, run: Run) -> None:
        followed.append(run)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Press, "_allow_remote_control", note)
    protocol = tmp_path / "a.yaml"
    protocol.write_text(PROTOCOL.replace("ACTION", "hold"))
    command = ["run", str(protocol), "--port", "emulated", "--yes", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 1 and "pressloop attach" in done.output, done.output
    assert followed[0].detached
    monkeypatch.undo()
    with Press.reopen(tmp_path / "out") as press:
        press.abort()
