"""A protocol from standard input is read once, like a file."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAD = "pressloop: 1\nname: A\ndie: 10 mm\nceiling: 120 MPa\nstages:\n- name: bond\n"


def give(command: str, text: str) -> subprocess.CompletedProcess[str]:
    """Run a command with a protocol on its standard input."""
    program = [sys.executable, "-c", "from pressloop.cli import main; main()", command, "-"]
    return subprocess.run(program, input=text, capture_output=True, text=True, check=False)


def test_a_protocol_from_standard_input_is_validated() -> None:
    done = give("validate", HEAD + "  ramp: {target: 100 MPa, rate: 20 MPa/s}\n")
    assert done.returncode == 0, done.stderr
    assert "valid for reference press: standard input" in done.stderr
    assert done.stdout.splitlines()[0].endswith("up to 100 MPa (7.85 kN on 10 mm)")


@pytest.mark.parametrize("command", ["validate", "simulate", "run"])
def test_a_mistake_in_it_is_named_with_its_line(command: str) -> None:
    done = give(command, HEAD + "  ramp: {target: 100, rate: 20 MPa/s}\n")
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "Traceback" not in said
    if command != "run":
        assert "standard input:7:" in said
