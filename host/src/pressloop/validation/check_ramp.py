"""Check ramps and releases: their target, and whether the press reaches their rate."""

from __future__ import annotations

from typing import Any, Final

from pressloop.findings import KeyPath
from pressloop.plan import PlanStage, PlanStep
from pressloop.units import PRESSURE_RATE, format_quantity, parse_pressure_rate
from pressloop.validation.context import Context
from pressloop.validation.phrases import in_pass
from pressloop.wire.schema import StepKind

_MAX_SILENT_ROUNDING: Final = 0.01
"""Largest relative change of a rate by rounding that gives no warning."""


def check_ramp(
    context: Context, step: PlanStep, stage: PlanStage, level_kpa: int | None, known_target: bool
) -> None:
    """Check a ramp or a release.

    Args:
        context: The protocol on the press; collects the findings.
        step: The ramp or release.
        stage: The stage that it belongs to.
        level_kpa: Pressure when it begins, kPa; None: unknown.
        known_target: Whether its target is what the user wrote, and not a stand-in.
    """
    rate_path = (*step.path, "rate")
    if not context.is_unreliable(rate_path):
        _check_rounding(context, step, rate_path)
    if not known_target or level_kpa is None:
        return
    if step.target_kpa == level_kpa:
        context.warn(
            "goes-nowhere",
            step.target_path,
            f"the {step.kind.name.lower()} has no effect: the pressure is "
            f"{context.pressure(level_kpa)} already{in_pass(stage)}",
            f"remove the {step.kind.name.lower()}, or correct its target",
        )
    elif step.kind is StepKind.RELEASE and step.target_kpa > level_kpa:
        context.error(
            "wrong-direction",
            step.target_path,
            f"a release cannot raise the pressure from {context.pressure(level_kpa)} to "
            f"{context.pressure(step.target_kpa)}{in_pass(stage)}",
            "correct the target, or write a ramp",
        )
        return
    if context.limits is None or step.rate_kpa_s is None:
        return
    rising = step.target_kpa > level_kpa
    limits = context.limits
    fastest = limits.fastest_rise_kpa_s if rising else limits.fastest_fall_kpa_s
    if step.rate_kpa_s > fastest:
        report_impossible_rate(
            context, rate_path, step.rate_kpa_s, fastest, "raise" if rising else "release"
        )


def _check_rounding(context: Context, step: PlanStep, path: KeyPath) -> None:
    """Warn if rounding to the wire's whole kPa/s changes the rate by more than 1 %."""
    item: Any = context.protocol
    for part in path:
        item = item[part] if isinstance(part, int) else getattr(item, part)
    written = parse_pressure_rate(item, context.protocol.die_um).value
    sent = step.rate_kpa_s or 0
    if abs(sent - written) > _MAX_SILENT_ROUNDING * written:
        context.warn(
            "rate-rounded",
            path,
            f"the board's rates are whole kPa/s: {item} becomes "
            f"{format_quantity(sent, PRESSURE_RATE)}",
            "write a rate that is a whole number of kPa/s",
        )


def report_impossible_rate(
    context: Context, path: KeyPath, rate_kpa_s: int, fastest_kpa_s: int, way: str
) -> None:
    """Report a rate that the press cannot reach; `way` is `raise` or `release`."""
    context.error(
        "rate-impossible",
        path,
        f"{format_quantity(rate_kpa_s, PRESSURE_RATE)} is faster than this press can {way} "
        f"the pressure {context.with_die}: the fastest is "
        f"{format_quantity(fastest_kpa_s, PRESSURE_RATE)}",
        "write a rate that the press reaches",
    )
