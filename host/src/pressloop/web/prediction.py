"""Checks a protocol as it is typed, and draws what it asks for before anything moves."""

from __future__ import annotations

from typing import Any

from pressloop.analysis.force import force_kn
from pressloop.machine.profile import MachineProfile
from pressloop.plan import Plan, compile_plan
from pressloop.plan.model import PlanError
from pressloop.units import pressure_text
from pressloop.validation import LoadedProtocol, validate_loaded
from pressloop.wire.schema import StepKind


def check_view(text: str, name: str, profile: MachineProfile | None) -> dict[str, Any]:
    """Return the findings of the validator for a page, and the curve of a protocol without errors.

    Without a profile only the form is checked: no press is connected.
    """
    source = LoadedProtocol.of_text(text, name)
    if profile is None:
        return {
            "valid": False,
            "name": _name(source),
            "checked_for": None,
            "findings": [finding.as_dict() for finding in source.draft.findings],
            "plan": None,
        }
    result = validate_loaded(source, profile)
    plan = None
    findings = [finding.as_dict() for finding in result.findings]
    if not result.errors:
        try:
            plan = plan_view(compile_plan(result.checked(), profile))
        except PlanError as error:
            findings.append(
                {
                    "severity": "error",
                    "code": error.code,
                    "path": ".",
                    "line": None,
                    "column": None,
                    "message": error.message,
                    "hint": error.hint,
                }
            )
    return {
        "valid": plan is not None,
        "name": _name(source),
        "checked_for": profile.name,
        "findings": findings,
        "plan": plan,
    }


def _name(source: LoadedProtocol) -> str | None:
    """Return the name of a protocol, also of one that this press cannot run; None: it has none."""
    protocol = source.draft.protocol
    return None if protocol is None else protocol.name


def plan_view(plan: Plan) -> dict[str, Any]:
    """Return summary, stages and nominal curve of a plan.

    The curve is that of the setpoint without the approach, and with no time for prompts and for
    holds that a person ends.
    """
    die_um = plan.begin.die_um
    highest_kpa = max((step.target_kpa for step in plan.sources), default=0)
    time_s, pressure_mpa = [0.0], [0.0]
    marks = []
    starts: dict[int, float] = {}
    for step in plan.sources:
        now_s = time_s[-1]
        starts.setdefault(step.stage, now_s)
        if step.kind is StepKind.PROMPT:
            marks.append({"t": now_s, "kind": "prompt", "text": step.text or ""})
            continue
        if step.is_open:
            marks.append({"t": now_s, "kind": "open", "text": step.text or "until you end it"})
        time_s.append(now_s + step.expected_s)
        pressure_mpa.append(step.target_kpa / 1000)
    stages = [
        {
            "name": stage.label,
            "prompt": stage.prompt,
            "target_mpa": stage.target_mpa,
            "force_kn": force_kn(stage.target_mpa, die_um / 1000),
            "expected_s": stage.expected_s,
            "start_s": starts.get(stage.index, 0.0),
            "open": stage.is_open,
        }
        for stage in plan.stages
    ]
    return {
        "name": plan.protocol.name,
        "die_mm": die_um / 1000,
        "ceiling_mpa": plan.begin.ceiling_kpa / 1000,
        "highest": pressure_text(highest_kpa, die_um),
        "highest_mpa": highest_kpa / 1000,
        "expected_s": plan.expected_s,
        "steps": len(plan.steps),
        "stages": stages,
        "marks": marks,
        "curve": {"t": time_s, "p": pressure_mpa},
    }
