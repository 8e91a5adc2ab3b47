"""Faults of an emulated press, from the control port to what the board does about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop import EmulatedBoard, EmulatorError
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
        assert machine.board is not None
        machine.board.control({"faults": list(faults)})
        summary = machine.run(tmp_path / "protocol.yaml", out=tmp_path / "run").summary
        injected = machine.board.control({"get": True})["injected"]
    assert [text for _, text in injected] == list(faults)
    return summary.end_reason, summary.fault


def test_without_a_fault_the_run_completes(tmp_path: Path) -> None:
    assert _ends(tmp_path) == ("completed", None)


@pytest.mark.parametrize(
    ("fault", "end_reason", "name"),
    [
        ("sensor-open@5", "fault", "sensor-low"),
        ("sensor-short@5", "fault", "sensor-high"),
        ("supply-dip@5", "fault", "sensor-low"),
        ("power-cut@5", "board-reset", "power-loss"),
        ("tick-hang@5", "board-reset", "watchdog"),
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


def test_control_port_refuses_what_is_no_fault() -> None:
    with EmulatedBoard() as board:
        with pytest.raises(EmulatorError, match="kinds: sensor-frozen"):
            board.control({"fault": "sensor-melted"})
        with pytest.raises(EmulatorError, match="one transducer"):
            board.control({"faults": ["second-zero@1"]})
        board.control({"fault": "sensor-open"})
        ((_, text),) = board.control({"get": True})["injected"]
        assert text == "sensor-open"
