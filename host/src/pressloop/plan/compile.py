"""Compile a protocol for a press into the plan that is sent to its board."""

from __future__ import annotations

from typing import Final

from pressloop.findings import path_text
from pressloop.machine.profile import MachineProfile
from pressloop.plan.model import Plan, PlanError
from pressloop.plan.unroll import unroll
from pressloop.protocol import Protocol
from pressloop.wire.message import Message
from pressloop.wire.schema import HostLossAction, PlanBeginRequest

DEFAULT_VENT_RATE_KPA_S: Final = 20_000
"""Releases 500 MPa in 25 s; a pellet that is released faster may crack."""


def compile_plan(protocol: Protocol, profile: MachineProfile) -> Plan:
    """Return the plan of a protocol for a press.

    Raises:
        PlanError: There are too many steps, or a value is out of the wire's range. Limits of the
            press are not checked here.
    """
    stages, steps = unroll(protocol)
    begin = begin_request(protocol, profile, len(steps))
    plan = Plan(protocol, begin, steps, stages)
    _check_range(begin, "the protocol")
    for step, request in zip(steps, plan.steps, strict=True):
        _check_range(request, path_text(step.path))
    return plan


def begin_request(protocol: Protocol, profile: MachineProfile, steps: int) -> PlanBeginRequest:
    """Return the message that begins the upload of a plan with this number of steps."""
    vent_rate = protocol.vent_rate_kpa_s
    die_um = bore_or_die_um(protocol, profile)
    if vent_rate is None:
        fastest = profile.limits(die_um).fastest_fall_kpa_s
        vent_rate = max(1, min(DEFAULT_VENT_RATE_KPA_S, fastest))
    return PlanBeginRequest(
        steps=steps,
        die_um=die_um,
        ceiling_kpa=protocol.ceiling_kpa,
        host_loss=HostLossAction[protocol.on_host_loss.action.upper()],
        host_loss_limit_ms=protocol.on_host_loss.limit_ms,
        host_timeout_ms=protocol.host_timeout_ms,
        vent_rate_kpa_s=vent_rate,
        record_every=protocol.record_every_ticks,
        accept_unresolved=protocol.accept_unresolved_tolerance,
        crack_kpa=protocol.crack_kpa,
    )


def bore_or_die_um(protocol: Protocol, profile: MachineProfile) -> int:
    """Return the diameter that the board computes with: of the die, or of a vessel's bore, um."""
    return profile.dies_um[0] if protocol.is_isostatic else protocol.die_um


def _check_range(message: Message, where: str) -> None:
    """Refuse values outside the wire's range; `validation` reports them in the user's units.

    Raises:
        PlanError: A field is out of range.
    """
    for field in message.FIELDS:
        value = getattr(message, field.name)
        if isinstance(value, int) and not field.low <= value <= field.high:
            raise PlanError(
                f"{where}: {field.name} is {value}, the board accepts {field.low} to {field.high}",
                hint="run 'pressloop validate' on the protocol: it names the mistake and its place",
            )
