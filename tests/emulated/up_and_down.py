"""A protocol that reaches one pressure from below and one from above, where friction differs."""

from __future__ import annotations

from pathlib import Path

from pressloop import Press, RunResult
from pressloop.emulator.description import PressDescription

_PROTOCOL = """
pressloop: 1
name: from below and from above
die: 10 mm
ceiling: 300 MPa
stages:
  - name: up
    ramp: {target: 250 MPa, rate: 25 MPa/s}
    hold: {duration: 10 s, tolerance: 0.5 %}
  - name: down
    ramp: {target: 74 MPa, rate: 20 MPa/s}
    hold: {duration: 10 s, tolerance: 1.5 %}
"""


def press_up_and_down(press: PressDescription, folder: Path) -> RunResult:
    """Run the protocol on an emulated press; the record is in `folder`."""
    with Press.open("emulated", press=press, seed=3) as opened:
        return opened.run(_PROTOCOL, out=folder / "run")
