"""Builds the protocols of the cases from the numbers of the wiring."""

from __future__ import annotations

from typing import Final

from pressloop.hil import wiring
from pressloop.wire.schema import (
    HoldMode,
    HostLossAction,
    PlanBeginRequest,
    PlanStepRequest,
    StepKind,
)

WIRING = wiring.current()

RAMP: Final = 0
HOLD: Final = 1
RELEASE: Final = 2
PROMPT: Final = 3
SECOND_HOLD: Final = 5
"""Steps of `short_run`."""

REST: Final = 3
"""Step of `two_passes`."""

PLAN_REST: Final = 4
"""Step of `plan_steps`, whose others are those of `short_run`."""

_HEAD: Final = f"""\
pressloop: 1
name: {{name}}
die: {WIRING.die_mm:g} mm
ceiling: {WIRING.ceiling_mpa} MPa
on_host_loss: {{{{action: {{action}}, limit: {{limit_s:g}} s}}}}
host_timeout: {{timeout_s:g}} s
vent_rate: {{vent_mpa_s:g}} MPa/s
stages:
"""


def _head(name: str, action: str = "hold", limit_s: float = 60.0, timeout_s: float = 10.0) -> str:
    return _HEAD.format(
        name=name,
        action=action,
        limit_s=limit_s,
        timeout_s=timeout_s,
        vent_mpa_s=WIRING.rest_stop_mpa,
    )


def three_steps() -> str:
    """Return the sodium-ion protocol, shortened: densify, cathode, bond, anode, stack."""
    first, second, stack = WIRING.three_steps_mpa
    rate = f"{WIRING.fast_rate_mpa_s} MPa/s"
    return (
        _head("Three steps, shortened")
        + f"""\
  - name: densify
    ramp: {{target: {first} MPa, rate: {rate}}}
    hold: {{duration: 2 s, tolerance: 2 %}}
    release: {{target: 0 MPa, rate: {rate}}}
  - prompt: Insert the cathode composite
  - name: bond
    ramp: {{target: {second} MPa, rate: {rate}}}
    hold: {{duration: 2 s, tolerance: 2 %}}
    release: {{target: 0 MPa, rate: {rate}}}
  - prompt: Insert the anode
  - name: stack
    ramp: {{target: {stack} MPa, rate: {rate}}}
    hold: {{duration: 2 s, tolerance: 1.5 %}}
    release: {{target: 0 MPa, rate: {rate}}}
"""
    )


def short_run(
    action: str = "hold",
    *,
    limit_s: float = 60.0,
    timeout_s: float = 10.0,
    hold_s: float = 3.0,
    prompt_timeout_s: float = 60.0,
) -> str:
    """Return one step of each kind, the prompt under pressure; then a shorter ramp and hold."""
    rate = f"{WIRING.work_rate_mpa_s} MPa/s"
    # Slow enough to lose a host in the middle of it.
    slow = f"{WIRING.rest_stop_mpa} MPa/s"
    tolerance = f"{WIRING.tolerance_percent} %"
    return (
        _head("One step of each kind", action, limit_s, timeout_s)
        + f"""\
  - name: press
    ramp: {{target: {WIRING.work_mpa} MPa, rate: {slow}}}
    hold: {{duration: {hold_s:g} s, tolerance: {tolerance}}}
    release: {{target: {WIRING.rest_stop_mpa} MPa, rate: {slow}}}
  - prompt: Look at the gauge
    timeout: {prompt_timeout_s:g} s
  - name: press again
    ramp: {{target: {WIRING.work_mpa} MPa, rate: {rate}}}
    hold: {{duration: 0.5 s, tolerance: {tolerance}}}
    release: {{target: 0 MPa, rate: {rate}}}
"""
    )


def one_hold(
    duration: str, action: str = "finish", *, limit_s: float = 600.0, timeout_s: float = 10.0
) -> str:
    """Return a ramp, a hold and a release, without a prompt."""
    rate = f"{WIRING.work_rate_mpa_s} MPa/s"
    return (
        _head("One hold", action, limit_s, timeout_s)
        + f"""\
  - name: hold
    ramp: {{target: {WIRING.work_mpa} MPa, rate: {rate}}}
    hold: {{duration: {duration}, tolerance: {WIRING.tolerance_percent} %}}
    release: {{target: 0 MPa, rate: {rate}}}
"""
    )


def two_passes(rest: str) -> str:
    """Return two holds with a rest without pressure between them: its steps are 0 to 6."""
    rate = f"{WIRING.work_rate_mpa_s} MPa/s"
    one_pass = f"""\
    ramp: {{target: {WIRING.work_mpa} MPa, rate: {rate}}}
    hold: {{duration: 1 s, tolerance: {WIRING.tolerance_percent} %}}
    release: {{target: 0 MPa, rate: {rate}}}
"""
    return (
        _head("Two passes", "finish", 600.0)
        + f"  - name: press\n{one_pass}    rest: {rest}\n  - name: press again\n{one_pass}"
    )


def one_hold_until(until: str, mode: str) -> str:
    """Return `one_hold` with a hold that ends on `until`, keys of the protocol's `until`."""
    return one_hold("1 s").replace("{duration: 1 s,", f"{{until: {{{until}}}, mode: {mode},")


def plan_begin(steps: int = 5) -> PlanBeginRequest:
    """Return a plan header that is valid in every field."""
    return PlanBeginRequest(
        steps=steps,
        die_um=round(WIRING.die_mm * 1000),
        ceiling_kpa=WIRING.ceiling_mpa * 1000,
        host_loss=HostLossAction.VENT,
        host_loss_limit_ms=10_000,
        host_timeout_ms=2_000,
        vent_rate_kpa_s=WIRING.work_rate_mpa_s * 1000,
        record_every=1,
        accept_unresolved=False,
    )


def plan_steps() -> list[PlanStepRequest]:
    """Return one valid step of each kind: ramp, hold, release, prompt, rest."""
    work_kpa, rate_kpa_s = WIRING.work_mpa * 1000, WIRING.work_rate_mpa_s * 1000
    return [
        PlanStepRequest(0, StepKind.RAMP, 0, target_kpa=work_kpa, rate_kpa_s=rate_kpa_s),
        PlanStepRequest(
            1,
            StepKind.HOLD,
            0,
            target_kpa=work_kpa,
            tolerance_kpa=work_kpa * WIRING.tolerance_percent // 100,
            duration_ms=1_000,
            timeout_ms=10_000,
            mode=HoldMode.REGULATED,
        ),
        PlanStepRequest(2, StepKind.RELEASE, 0, target_kpa=0, rate_kpa_s=rate_kpa_s),
        PlanStepRequest(3, StepKind.PROMPT, 1, text="Done?", timeout_ms=10_000),
        PlanStepRequest(4, StepKind.REST, 2, duration_ms=1_000),
    ]
