"""The profile of the reference press, and a protocol of one ramp for it."""

from __future__ import annotations

from typing import Any

from pressloop.emulator.description import PressDescription
from pressloop.machine.profile import MachineProfile

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())
ONE_RAMP = """
pressloop: 1
name: test
die: 10 mm
ceiling: 400 MPa
stages:
  - name: press
    ramp: {target: 300 MPa, rate: 20 MPa/s}
"""


def reference(**changes: Any) -> MachineProfile:
    """Return the profile with changed fields."""
    return REFERENCE.model_copy(update=changes)
