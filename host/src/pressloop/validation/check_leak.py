"""Check sealed holds on a press that leaks."""

from __future__ import annotations

from pressloop.machine.leak import LeakLoss, leak_loss
from pressloop.plan import PlanStage, PlanStep
from pressloop.units import DURATION, format_quantity
from pressloop.validation.context import Context
from pressloop.validation.phrases import in_pass, mpa
from pressloop.wire.schema import HoldMode


def leak_loss_at_target(context: Context, step: PlanStep) -> LeakLoss | None:
    """Return the loss rate by the leak at a hold's target; None if leak or die are unknown."""
    if context.limits is None:
        return None
    return leak_loss(context.profile, context.die_um, step.target_kpa)


def check_leak(context: Context, step: PlanStep, stage: PlanStage) -> None:
    """Warn of a sealed hold that leaves its band within its dwell because of the leak alone.

    Holds until relaxation have no fixed dwell; `check_relaxation` checks them.
    """
    dwell_ms, tolerance_kpa = step.dwell_ms, step.tolerance_kpa
    if step.mode is not HoldMode.SEALED or not dwell_ms or not tolerance_kpa:
        return
    if context.is_unreliable((*step.path, "duration")):
        return
    loss = leak_loss_at_target(context, step)
    lost_kpa = loss.kpa_min * dwell_ms // 60_000 if loss else 0
    if not loss or lost_kpa <= tolerance_kpa:
        return
    leak_ul_min = context.profile.leak_ul_min or 0.0
    stays_s = 60 * tolerance_kpa / loss.kpa_min
    # A top-up ends a quarter of the tolerance below the target; the next begins at the band's edge.
    top_ups = 1 + 4 * (lost_kpa - tolerance_kpa) // (3 * tolerance_kpa)
    context.warn(
        "leak-leaves-band",
        (*step.path, "tolerance"),
        f"the press's own leak, {leak_ul_min:.3g} uL/min at an oil pressure of 10 MPa, lowers "
        f"{context.pressure(step.target_kpa)}{in_pass(stage)} by {mpa(loss.kpa_min)}/min: "
        "even without powder "
        f"the pressure leaves the band within {stays_s:.3g} s and is topped up {top_ups} times in "
        f"{format_quantity(dwell_ms, DURATION)}, in which it loses {mpa(lost_kpa)}",
        "write a tolerance of at least this loss, or 'mode: regulated'; or repair release "
        f"valve and fittings until they leak less than "
        f"{leak_ul_min * tolerance_kpa / lost_kpa:.2g} uL/min, and tune again",
    )
