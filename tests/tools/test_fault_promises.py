"""Faults that the controller handles: each kept promise of the bench, on the reference press.

`make bench-faults` judges all kinds on the whole family. What it finds broken there is not in here
until it is mended.
"""

from __future__ import annotations

from typing import Any

import pytest
from pressloop.wire.schema import Profile
from pressloop_bench.control.press_family import reference
from pressloop_bench.control.tuned_press import fields
from pressloop_bench.faults.fault_case import FaultCase
from pressloop_bench.faults.fault_run import run_case
from pressloop_bench.faults.judge import judge
from pressloop_sim.plant.fault_kinds import BY_NAME, parse

KEPT = [
    # The fault, the stage, whether in a second and lower pressing, and what is told.
    ("sensor-open", "approach", False, "sensor-low"),
    ("sensor-open", "hold", False, "sensor-low"),
    ("sensor-short", "ramp", True, "sensor-high"),
    ("sensor-dropout=0.8", "hold", False, "sensor-low"),
    ("sensor-frozen", "ramp", True, "no-pressure-gain"),
    ("sensor-blocked", "ramp", True, "no-pressure-gain"),
    ("sensor-frozen", "ramp", False, "no-pressure-gain"),
    ("pump-dead", "ramp", False, "no-pressure-gain"),
    ("relief=100", "ramp", False, "no-pressure-gain"),
    ("supply-dip", "ramp", False, "sensor-low"),
    ("power-cut", "ramp", False, "power-loss"),
    ("tick-hang", "ramp", False, "tick-hang"),
    ("tick-slow=0.9", "hold", False, "tick-overrun"),
    ("foreground-hang", "hold", True, "watchdog"),
    ("flash-full", "hold", False, "completed"),
    ("host-kill", "ramp", False, "host-lost"),
    ("host-stall", "hold", True, "host-lost"),
]


def profile() -> dict[str, Any]:
    """The reference press by its data sheet: tuning it would take seconds."""
    press = reference().press.nominal_profile()
    return fields(Profile(**dict(press, dies_um=(10_000,))))


@pytest.mark.parametrize(("text", "stage", "again", "told"), KEPT)
def test_promise_is_kept(text: str, stage: str, again: bool, told: str) -> None:
    fault = parse(text)
    case = FaultCase(
        seed=1,
        number=1,
        case=reference(),
        kind=BY_NAME[fault.kind.name],
        value=fault.value,
        stage=stage,
        again=again,
        share=0.5,
        channels=1,
    )
    course = run_case(case, profile())
    judgement = judge(case, course, profile())
    assert course.fault_tick is not None
    assert (judgement.problems, judgement.name) == ((), told)
