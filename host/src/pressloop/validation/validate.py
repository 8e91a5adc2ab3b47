"""Check a protocol for a press: run all checks in their order."""

from __future__ import annotations

from pathlib import Path

from pressloop.findings import Finding
from pressloop.machine.profile import MachineProfile
from pressloop.plan import count_steps, unroll
from pressloop.protocol import Protocol
from pressloop.protocol.loading import Draft, draft_of_file, draft_of_text
from pressloop.validation.check_names import check_names
from pressloop.validation.check_press import check_filter, check_press
from pressloop.validation.check_steps import check_steps
from pressloop.validation.context import Context
from pressloop.validation.result import Validation
from pressloop.wire.schema import MAX_STEPS
from pressloop.yaml import SourceMap


def validate_file(path: Path | str, profile: MachineProfile) -> Validation:
    """Validate a protocol file for a press.

    Raises:
        BadInputError: The file cannot be read.
    """
    return _validated(draft_of_file(path), str(path), profile)


def validate_text(text: str, source_name: str, profile: MachineProfile) -> Validation:
    """Validate a protocol's YAML text for a press; never raises."""
    return _validated(draft_of_text(text), source_name, profile)


def validate_protocol(protocol: Protocol, profile: MachineProfile) -> Validation:
    """Validate a protocol that was built in Python for a press."""
    return _validated(Draft(SourceMap(), [], protocol), f"protocol '{protocol.name}'", profile)


def _validated(draft: Draft, source_name: str, profile: MachineProfile) -> Validation:
    findings = list(draft.findings)
    if draft.protocol is not None:
        findings += _checked(Context(draft, draft.protocol, profile))
    findings.sort(key=lambda f: (f.line or 0, f.column or 0))
    sound = draft.protocol is not None and all(f.severity != "error" for f in findings)
    return Validation(source_name, draft.protocol if sound else None, tuple(findings), draft.marks)


def _checked(context: Context) -> list[Finding]:
    check_press(context)
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
    return context.findings
