"""SIGTERM and SIGHUP end `pressloop run` in good order, as the protocol says of a lost host."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from pressloop import Press

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")

PRESSLOOP: Final = [sys.executable, "-c", "from pressloop.cli import main; main()"]

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
