"""A file that a user gives is read once: checks, plan, board and record all see the same bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from pressloop import Press, confirm_all
from pressloop.cli.app import app
from pressloop.wire.message import Message
from pressloop.wire.schema import PlanStepRequest, State
from typer.testing import CliRunner

from tests.unit.fake_board import FakeBoard

PROTOCOL = """\
# Umlauts and line ends are kept as they are: Zelle für Dr. Müller\r
pressloop: 1
name: First version
die: 10 mm
ceiling: 300 MPa
stages:
  - name: densify
    ramp: {target: 200 MPa, rate: 10 MPa/s}
    hold: {duration: 10 s, tolerance: 1 %}
"""
LATER = PROTOCOL.replace("200 MPa", "250 MPa").replace("First", "Second")
SAMPLE = "mass_mg: 100\ntrue_density_g_cm3: 2.0\n"


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    """Write the first version of the protocol."""
    path = tmp_path / "protocol.yaml"
    path.write_bytes(PROTOCOL.encode())
    return path


@pytest.fixture
def stepping(board: FakeBoard) -> FakeBoard:
    """Let the steps of the board last one batch each."""

    def step_press() -> None:
        if board.state is State.RUNNING:
            board.go_to(board.step + 1)

    board.step_press = step_press  # type: ignore[method-assign]
    board.lockstep = True
    return board


def assert_all_from_first_version(board: FakeBoard, record: Path) -> None:
    summary = json.loads((record / "run.json").read_bytes())
    header = summary["header"]
    assert [step.target_kpa for step in board.plan] == [200_000, 200_000]
    assert [step["target_mpa"] for step in header["steps"]] == [200, 200]
    assert header["protocol_name"] == "First version"
    assert "target: 200 MPa" in header["protocol_text"]
    assert header["protocol_text"] == PROTOCOL
    assert summary["hashes"]["protocol_sha256"] == hashlib.sha256(PROTOCOL.encode()).hexdigest()


def test_a_script_records_the_protocol_that_the_board_got(
    stepping: FakeBoard, protocol: Path, tmp_path: Path
) -> None:
    def save_during_upload(message: Message) -> None:
        if isinstance(message, PlanStepRequest):
            protocol.write_text(LATER, encoding="utf-8")

    stepping.on_request = save_during_upload
    with Press.open(stepping.url) as press:
        press.run(protocol, out=tmp_path / "run", on_prompt=confirm_all)
    assert "250 MPa" in protocol.read_text("utf-8")
    assert_all_from_first_version(stepping, tmp_path / "run")


def test_the_command_line_presses_what_it_checked(
    stepping: FakeBoard, protocol: Path, tmp_path: Path
) -> None:
    sample = tmp_path / "sample.yaml"
    sample.write_text(SAMPLE, encoding="utf-8")

    def save_at_each_request(message: Message) -> None:
        protocol.write_text(LATER, encoding="utf-8")
        sample.write_text(SAMPLE.replace("100", "150"), encoding="utf-8")

    stepping.on_request = save_at_each_request
    where = ["--port", stepping.url, "--out", str(tmp_path / "run"), "--sample", str(sample)]
    result = CliRunner().invoke(app, ["run", str(protocol), *where])
    assert result.exit_code == 0, result.output
    assert "250 MPa" in protocol.read_text("utf-8")
    assert_all_from_first_version(stepping, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "sample.json").read_text("utf-8"))["mass_mg"] == 100
