"""Statuses of a press for tests of what is shown of them."""

from __future__ import annotations

from typing import Any

from pressloop.session.status import PressStatus
from pressloop.wire.schema import EndReason, Fault, InputBits, State


def a_status(**changes: Any) -> PressStatus:
    """Return the status of a press in a hold at 500 MPa on a 10 mm die, with changes to it."""
    fields: dict[str, Any] = {
        "state": State.RUNNING,
        "tick": 100,
        "pressure_mpa": 499.9,
        "setpoint_mpa": 500.0,
        "target_mpa": 500.0,
        "step": 1,
        "stage": 0,
        "stage_name": "densify the electrolyte, second time",
        "elapsed_s": 4000.0,
        "dwell_s": 1000.0,
        "remaining_s": 2600.0,
        "prompt": "",
        "approaching": False,
        "end_reason": EndReason.NONE,
        "fault": Fault.NONE,
        "inputs": InputBits(0),
        "host_lost": False,
        "run_id": bytes(8),
        "force_kn": 39.3,
    }
    return PressStatus(**{**fields, **changes})
