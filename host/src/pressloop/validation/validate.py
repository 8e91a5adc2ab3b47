"""A protocol as file, text or object, checked for a press: all checks, in their order."""

from __future__ import annotations

from pathlib import Path as FilePath

from pressloop.findings import Finding
from pressloop.machine.profile import MachineProfile
from pressloop.plan import count_steps, unroll
from pressloop.protocol import Protocol
from pressloop.validation.any_source import LoadedProtocol
from pressloop.validation.check_names import check_names
from pressloop.validation.check_press import check_filter, check_press
from pressloop.validation.check_steps import check_steps
from pressloop.validation.context import Case
from pressloop.validation.result import Validation
from pressloop.wire.schema import MAX_STEPS


def validate_loaded(source: LoadedProtocol, profile: MachineProfile) -> Validation:
    """Validate a protocol that was read before, for a press."""
    draft = source.draft
    findings = list(draft.findings)
    if draft.protocol is not None:
        findings += _checked(Case(draft, draft.protocol, profile))
    findings.sort(key=lambda f: (f.line or 0, f.column or 0))
    sound = draft.protocol is not None and all(f.severity != "error" for f in findings)
    return Validation(source, draft.protocol if sound else None, tuple(findings))


def validate_file(path: FilePath | str, profile: MachineProfile) -> Validation:
    """Validate a protocol file for a press.

    Raises:
        BadInputError: the file cannot be read.
    """
    return validate_loaded(LoadedProtocol.of_file(path), profile)


def validate_text(text: str, source_name: str, profile: MachineProfile) -> Validation:
    """Validate a protocol's YAML text for a press; never raises, whatever the text."""
    return validate_loaded(LoadedProtocol.of_text(text, source_name), profile)


def validate_protocol(protocol: Protocol, profile: MachineProfile) -> Validation:
    """Validate a protocol that was built in Python for a press."""
    return validate_loaded(LoadedProtocol.of_object(protocol), profile)


def _checked(case: Case) -> list[Finding]:
    check_press(case)
    check_names(case)
    # A plan is unrolled only when it is known to be of a bounded size.
    steps = count_steps(case.protocol.stages)
    if steps > MAX_STEPS:
        case.error(
            "too-many-steps",
            ("stages",),
            f"the protocol has {steps} steps when its repeats are unrolled, "
            f"{MAX_STEPS} fit the board",
            "use fewer passes, or split it into two protocols",
        )
    else:
        stages, plan_steps = unroll(case.protocol)
        check_steps(case, stages, plan_steps)
        check_filter(case, plan_steps)
    return case.findings
