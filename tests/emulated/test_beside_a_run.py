"""Commands in a second terminal steer and watch a run; its own program keeps link and record."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.emulated.command_line import command

PROTOCOL = """
pressloop: 1
name: Two holds
die: 10 mm
ceiling: 120 MPa
stages:
  - name: first
    ramp: {target: 60 MPa, rate: 60 MPa/s}
    hold: {duration: 10 min, tolerance: 2 %}
  - name: second
    ramp: {target: 80 MPa, rate: 60 MPa/s}
    hold: {duration: open, tolerance: 2 %}
    release: {target: 0 MPa, rate: 60 MPa/s}
"""
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command in a second terminal of the same user, who has one active run."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "runtime").mkdir(mode=0o700)

    def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command(*words), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.fixture
def run(beside: Command, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in real time, in the first terminal, which has come to its first hold."""
    (tmp_path / "two.yaml").write_text(PROTOCOL)
    process = subprocess.Popen(
        command("run", "two.yaml", "--port", "emulated", "--real-time", "--yes", "--out", "out"),
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "first hold" in line:
            break
    yield process
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_every_command_steers_the_run_and_leaves_its_record_whole(
    run: subprocess.Popen[str], beside: Command, tmp_path: Path
) -> None:
    assert "nothing to resume" in beside("resume", code=1).stderr
    assert "paused" in beside("pause").stderr
    assert "resumed" in beside("resume").stderr
    assert "nothing to end" in beside("end", code=1).stderr
    assert "skipped" in beside("skip").stderr
    assert run.stderr is not None
    for line in run.stderr:
        if "second hold" in line:
            break
    beside("end")
    run.communicate()
    assert run.returncode == 0
    summary = json.loads((tmp_path / "out" / "run.json").read_text())
    assert summary["end_reason"] == "completed"
    assert summary["gaps"] == []


@pytest.mark.slow
def test_abort_from_a_second_terminal_ends_the_run(
    run: subprocess.Popen[str], beside: Command, tmp_path: Path
) -> None:
    beside("abort")
    run.communicate()
    assert run.returncode == 1
    summary = json.loads((tmp_path / "out" / "run.json").read_text())
    assert summary["end_reason"] == "aborted"
    assert summary["gaps"] == []
