"""Find the place in the protocol that a board's refusal of a plan is about."""

from __future__ import annotations

from typing import Final

from pressloop.errors import CommandRefusedError
from pressloop.findings import Finding, KeyPath
from pressloop.plan.model import Plan, PlanStep
from pressloop.units import PRESSURE, format_quantity, pressure_text
from pressloop.wire.schema import StepKind
from pressloop.yaml import SourceMap

_STEP_KEYS: Final = {
    "rate_kpa_s": ("rate",),
    "tolerance_kpa": ("tolerance",),
    "duration_ms": ("duration",),
    "open": ("duration",),
    "timeout_ms": ("timeout",),
    "mode": ("mode",),
    "relaxation_kpa_min": ("until", "relaxation"),
    "least_ms": ("until", "at_least"),
}
_BEGIN_PATHS: Final[dict[str, KeyPath]] = {
    "steps": ("stages",),
    "die_um": ("die",),
    "ceiling_kpa": ("ceiling",),
    "host_loss": ("on_host_loss", "action"),
    "host_loss_limit_ms": ("on_host_loss", "limit"),
    "host_timeout_ms": ("host_timeout",),
    "vent_rate_kpa_s": ("vent_rate",),
    "record_every": ("record_every",),
    "crack_kpa": ("crack_threshold",),
    "accept_unresolved": ("accept_unresolved_tolerance",),
}
# The field that a code is about, if the refusal does not name one.
_DEFAULT_FIELD: Final = {
    "unknown-die": "die_um",
    "over-limit": "ceiling_kpa",
    "over-ceiling": "target_kpa",
    "hold-elsewhere": "target_kpa",
    "wrong-direction": "target_kpa",
    "rate-impossible": "rate_kpa_s",
    "tolerance-unresolved": "tolerance_kpa",
    "no-end": "duration_ms",
    "relaxation-unresolved": "relaxation_kpa_min",
    "not-sealed": "mode",
    "clock-spent": "steps",
}
_PRESSURE_CODES: Final = ("over-ceiling", "over-limit", "hold-elsewhere", "rest-above-zero")
"""Codes whose detail is a pressure that the user knows as a force, too."""


def finding_of_refusal(
    plan: Plan, refusal: CommandRefusedError, marks: SourceMap | None = None
) -> Finding:
    """Return the board's refusal of a plan as a finding with its place in the protocol.

    Args:
        plan: The plan that was sent.
        refusal: The refusal; the name of its field may be as in the CDDL or as in Python.
        marks: Positions in the file that the protocol was loaded from, if any.
    """
    name = (refusal.field or _DEFAULT_FIELD.get(refusal.code, "")).replace("-", "_")
    if refusal.step is not None and refusal.step < len(plan.sources):
        path = place_in_step(plan.sources[refusal.step], name)
    else:
        path = place_in_protocol(name)
    message = _with_force(refusal, plan.protocol.die_um or None)
    return (marks or SourceMap()).finding("error", refusal.code, path, message, refusal.hint)


def _with_force(refusal: CommandRefusedError, die_um: int | None) -> str:
    """Return the message of a refusal, with the force beside the pressure that was exceeded."""
    if refusal.code not in _PRESSURE_CODES or refusal.detail is None:
        return refusal.message
    pressure = format_quantity(refusal.detail, PRESSURE)
    return refusal.message.replace(pressure, pressure_text(refusal.detail, die_um))


def place_in_protocol(name: str) -> KeyPath:
    """Return the place of a field of plan-begin in the protocol; the whole if it has none."""
    return _BEGIN_PATHS.get(name, ())


def place_in_step(step: PlanStep, name: str) -> KeyPath:
    """Return the place of a field of plan-step in the protocol; the step if it has none."""
    if name == "target_kpa":
        return step.target_path
    if step.kind is StepKind.PROMPT:
        # The text is the value of `prompt`; `timeout` is a key beside it.
        return (*step.path[:-1], "timeout") if name == "timeout_ms" else step.path
    if step.kind is StepKind.REST:
        return step.path
    if name in ("kp", "ki", "kd"):
        return (*step.path[:-1], "pid", name)
    if name == "duration_ms" and (step.relaxation_kpa_min or (step.is_open and step.duration_ms)):
        return (*step.path, "until", "at_most")
    return (*step.path, *_STEP_KEYS[name]) if name in _STEP_KEYS else step.path
