"""Check holds: their target, and whether the transducer can resolve their band."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

from pressloop.findings import KeyPath
from pressloop.machine.resolution import Resolution
from pressloop.plan import PlanStage, PlanStep
from pressloop.validation.check_leak import check_leak
from pressloop.validation.check_relaxation import check_relaxation
from pressloop.validation.context import Context
from pressloop.validation.phrases import in_pass, mpa


def check_hold(context: Context, step: PlanStep, stage: PlanStage, level_kpa: int | None) -> None:
    """Check a hold.

    Args:
        context: The protocol on the press; collects the findings.
        step: The hold.
        stage: The stage that it belongs to.
        level_kpa: Pressure when it begins, kPa; None: unknown.
    """
    if step.target_kpa == 0:
        context.error(
            "hold-at-zero",
            step.target_path,
            "a hold at zero pressure has no pressure to keep",
            "write a target above zero; to wait without pressure, write 'rest' in the stage whose "
            "release ends at zero, or a prompt to wait for the operator",
        )
        return
    if level_kpa is not None and step.target_kpa != level_kpa:
        context.error(
            "hold-elsewhere",
            step.target_path,
            f"the hold is at {context.pressure(step.target_kpa)}, but the pressure is "
            f"{context.pressure(level_kpa)} when it begins{in_pass(stage)}",
            "add a ramp to the stage, which leads to the target at a rate of your choice",
        )
    path = (*step.path, "tolerance")
    if step.tolerance_kpa is None or context.is_unreliable(path):
        return
    if step.tolerance_kpa >= step.target_kpa:
        context.warn(
            "tolerance-wide",
            path,
            f"the band around {context.pressure(step.target_kpa)} reaches down to zero: time "
            "without pressure would count as dwell",
            "write a tolerance that is much smaller than the target",
        )
    _check_resolution(context, step, stage, path)
    check_leak(context, step, stage)
    if step.relaxation_kpa_min is not None:
        check_relaxation(context, step, stage, step.relaxation_kpa_min)


def _check_resolution(context: Context, step: PlanStep, stage: PlanStage, path: KeyPath) -> None:
    if context.limits is None or step.tolerance_kpa is None:
        return
    press = Resolution(context.profile, context.die_um)
    finest = press.finest_kpa
    if step.tolerance_kpa >= finest:
        return
    accepted = context.protocol.accept_unresolved_tolerance
    report = context.warn if accepted else context.error
    report(
        "tolerance-unresolved",
        path,
        f"+-{mpa(step.tolerance_kpa)} at {context.pressure(step.target_kpa)}{in_pass(stage)} is "
        f"finer than the transducer can resolve: {press.reason}; "
        f"the finest is {_least_tolerance(step, finest)}",
        "write a tolerance that is not finer; what helps: "
        f"{press.improvements(step.tolerance_kpa, context.ceiling_kpa or step.target_kpa)}"
        + ("" if accepted else "; 'accept_unresolved_tolerance: true' makes it a warning"),
    )


def _least_tolerance(step: PlanStep, finest_kpa: int) -> str:
    """Return the finest tolerance that is accepted, in percent and as a pressure."""
    percent = Decimal(100 * finest_kpa) / Decimal(step.target_kpa)
    rounded = percent.quantize(Decimal("0.1"), rounding=ROUND_UP)
    pressure = mpa(finest_kpa)
    if rounded > 100:
        return pressure
    return f"{rounded} % ({pressure})"
