"""Runs the cases that need two programs: a host and a board with a bad link between them.

They run on the emulated board with the reference press, each program in a process of its own.
"""

from __future__ import annotations

import tempfile
from typing import Final

from pressloop import Press
from pressloop.errors import PressloopError, required
from pressloop_sim.plant.fault_kinds import ScheduledFault

from pressloop_bench.faults.fault_case import FaultCase
from pressloop_bench.faults.judge import Judgement
from pressloop_bench.faults.promises import OUTSIDE

_RUN_S: Final = 40.0
"""About the length of a run of `_PROTOCOL`."""

_LIMIT_S: Final = 120.0
_CONTROL: Final = 0.01
_CEILING_MPA: Final = 210.0
_TARGETS_MPA: Final = (200.0, 60.0)
_DWELL_S: Final = 5.0

# A host that is heard too late counts as lost: the run then ends and says so.
_PROTOCOL: Final = f"""
pressloop: 1
name: bad link
die: 10 mm
ceiling: {_CEILING_MPA:g} MPa
on_host_loss: {{action: vent}}
stages:
  - name: up
    ramp: {{target: {_TARGETS_MPA[0]:g} MPa, rate: 20 MPa/s}}
    hold: {{duration: {_DWELL_S:g} s, tolerance: 2 %}}
    release: {{target: 40 MPa, rate: 20 MPa/s}}
  - name: again
    ramp: {{target: {_TARGETS_MPA[1]:g} MPa, rate: 20 MPa/s}}
    hold: {{duration: {_DWELL_S:g} s, tolerance: 2 %}}
"""


def run_on_link(case: FaultCase) -> Judgement:
    """Run a case whose fault is one of the link, and judge it by its record and the truth."""
    fault = ScheduledFault(
        required(case.kind, "the kind of fault"), case.value, round(case.share * _RUN_S, 2)
    )
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="pressloop-faults-") as folder:
        try:
            with Press.open("emulated", seed=case.number) as machine:
                run = machine.start(
                    _PROTOCOL, out=folder, remote_control=False, faults=[fault.text()]
                )
                summary = run.result(_LIMIT_S).summary
        except PressloopError as error:
            return Judgement(
                OUTSIDE, 0.0, 0.0, None, error.code, 1.0, (f"no record: {error.message}",)
            )
    truth = summary.truth or ()
    reached = [stage for stage in truth if stage.direction == "up" and stage.peak_mpa is not None]
    excess = [(stage.peak_mpa or 0.0) - stage.target_mpa for stage in reached]
    beyond = max([0.0, *excess])
    allowed = _CONTROL * max(_TARGETS_MPA) + 1.0
    dwell = min(((stage.dwell_s or 0.0) / _DWELL_S for stage in truth), default=1.0)
    name = summary.fault or summary.end_reason
    if beyond > allowed:
        problems.append(f"{beyond:.0f} MPa beyond, {allowed:.0f} allowed")
    if summary.end_reason == "completed" and dwell < 0.9:
        problems.append(f"claims completed with {dwell:.0%} of the dwell")
    return Judgement(OUTSIDE, beyond, allowed, None, name, dwell, tuple(problems))
