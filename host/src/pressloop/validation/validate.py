"""Check a protocol for a press: run all checks in their order."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pressloop.findings import Finding
from pressloop.machine.calibration import calibration_status
from pressloop.machine.channels import ChannelComparison
from pressloop.machine.profile import MachineProfile
from pressloop.plan import count_steps, unroll
from pressloop.protocol import Protocol
from pressloop.validation.any_source import LoadedProtocol
from pressloop.validation.check_calibration import check_calibration
from pressloop.validation.check_channels import check_channels
from pressloop.validation.check_clock import check_clock
from pressloop.validation.check_commissioned import check_commissioned
from pressloop.validation.check_load_cell import check_load_cell
from pressloop.validation.check_messages import check_messages
from pressloop.validation.check_names import check_names
from pressloop.validation.check_press import check_filter, check_press
from pressloop.validation.check_steps import check_steps
from pressloop.validation.check_stroke import check_stroke
from pressloop.validation.check_vessel import check_vessel
from pressloop.validation.context import Context
from pressloop.validation.result import Validation
from pressloop.wire.schema import MAX_STEPS


def validate_loaded(
    source: LoadedProtocol,
    profile: MachineProfile,
    *,
    real: bool = False,
    today: date | None = None,
) -> Validation:
    """Validate a protocol that was read before, for a press.

    Args:
        source: The protocol.
        profile: The press.
        real: Whether the profile is that of a board with a real press, whose wires can be wrong.
        today: Day on which its calibration must count; None: today.
    """
    calibration = calibration_status(profile, today or date.today())
    draft = source.draft
    findings = list(draft.findings)
    comparison = None
    if draft.protocol is not None:
        context = Context(draft, draft.protocol, profile)
        if real:
            check_commissioned(context)
        check_calibration(context, calibration)
        findings += _checked(context)
        if context.limits is not None:
            comparison = ChannelComparison.of(profile, context.limits.die_um)
    findings.sort(key=lambda f: (f.line or 0, f.column or 0))
    sound = draft.protocol is not None and all(f.severity != "error" for f in findings)
    return Validation(
        source, draft.protocol if sound else None, tuple(findings), comparison, calibration
    )


def validate_file(path: Path | str, profile: MachineProfile) -> Validation:
    """Validate a protocol file for a press.

    Raises:
        BadInputError: The file cannot be read.
    """
    return validate_loaded(LoadedProtocol.of_file(path), profile)


def validate_text(text: str, source_name: str, profile: MachineProfile) -> Validation:
    """Validate a protocol's YAML text for a press; never raises."""
    return validate_loaded(LoadedProtocol.of_text(text, source_name), profile)


def validate_protocol(protocol: Protocol, profile: MachineProfile) -> Validation:
    """Validate a protocol that was built in Python for a press."""
    return validate_loaded(LoadedProtocol.of_object(protocol), profile)


def _checked(context: Context) -> list[Finding]:
    check_press(context)
    check_channels(context)
    check_load_cell(context)
    check_stroke(context)
    check_names(context)
    # The plan is unrolled only after its size is known to be limited.
    steps = count_steps(context.protocol.stages)
    if steps > MAX_STEPS:
        context.error(
            "too-many-steps",
            ("stages",),
            f"the protocol has {steps} steps when its repeats are unrolled, the board accepts "
            f"{MAX_STEPS}",
            "use fewer passes, or split it into two protocols",
        )
    else:
        stages, plan_steps = unroll(context.protocol)
        check_steps(context, stages, plan_steps)
        check_filter(context, plan_steps)
        check_vessel(context, plan_steps)
        check_messages(context, plan_steps)
        check_clock(context, plan_steps)
    return context.findings
