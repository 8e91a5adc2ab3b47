"""A run survives the loss of what it writes to: the reader of its progress, standard output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

PRESSLOOP: Final = [sys.executable, "-c", "from pressloop.cli import main; main()"]

PROTOCOL: Final = """
pressloop: 1
name: A
die: 10 mm
ceiling: 120 MPa
stages:
  - name: bond
    ramp: {target: 100 MPa, rate: 20 MPa/s}
    hold: {duration: 2 s, tolerance: 1 %}
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The command of a run on the emulated press; its record goes to `out`."""
    protocol = tmp_path / "a.yaml"
    protocol.write_text(PROTOCOL)
    out = str(tmp_path / "out")
    return [*PRESSLOOP, "run", str(protocol), "--port", "emulated", "--yes", "--out", out]


def test_a_run_goes_on_without_a_reader_of_its_progress(command: list[str], tmp_path: Path) -> None:
    run = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert run.stderr is not None and run.stdout is not None
        for _ in range(3):  # as `2>&1 | head -3`
            run.stderr.readline()
        run.stderr.close()
        assert run.wait(60) == 0
        assert run.stdout.read().decode().strip() == str(tmp_path / "out")
        run.stdout.close()
    finally:
        run.kill()
        run.wait()
    summary = json.loads((tmp_path / "out" / "run.json").read_text())
    assert summary["end_reason"] == "completed"
    assert summary["gaps"] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_standard_output_does_not_change_the_exit_code(command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    assert "No space left on device" in run.stderr.splitlines()[-1]


def test_a_lost_reader_of_the_folder_does_not_change_the_exit_code(command: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(write)
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("limit_bytes", [5_000, 20_000, 40_960])
def test_a_full_disk_aborts_the_run_with_one_true_sentence(
    command: list[str], limit_bytes: int
) -> None:
    """A limit of the file size stands for the full disk; it may end the emulated board, too."""
    resource = pytest.importorskip("resource")

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    run = subprocess.run(
        command, preexec_fn=limit_files, capture_output=True, text=True, timeout=100
    )
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr
    assert "continues" not in run.stderr
    (sentence,) = [line for line in run.stderr.splitlines() if line.startswith("error ")]
    assert "could not be written" in sentence and "File too large" in sentence
    if "the link to the board is lost" not in sentence:
        assert "so the run was aborted" in sentence or "run.journal" in sentence
