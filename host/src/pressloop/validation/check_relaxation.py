"""Holds that end on relaxation: whether the board can tell such a loss, and in time."""

from __future__ import annotations

from typing import Final

from pressloop.plan import PlanStage, PlanStep
from pressloop.validation.check_leak import leak_loss_at_target
from pressloop.validation.context import Context
from pressloop.validation.phrases import in_pass, mpa
from pressloop.wire.schema import HoldMode

_MIN_WINDOW_S: Final = 5


def window_s(rate_kpa_min: int, finest_kpa_min: int) -> int:
    """Return over how many seconds the board tells a rate, as its own `relaxation.py` does.

    Args:
        rate_kpa_min: The loss to be told.
        finest_kpa_min: What the press can tell over a minute.
    """
    return max(_MIN_WINDOW_S, -(-60 * finest_kpa_min // rate_kpa_min))


def check_relaxation(context: Context, step: PlanStep, stage: PlanStage, rate_kpa_min: int) -> None:
    """Check the relaxation rate that ends a hold, kPa/min."""
    path = (*step.path, "until", "relaxation")
    if context.is_unreliable(path):
        return
    if step.mode is not HoldMode.SEALED:
        context.error(
            "not-sealed",
            (*step.path, "mode"),
            "the hold ends on relaxation, but its loop pumps back what relaxes",
            "write 'mode: sealed'",
        )
    if (step.least_ms or 0) > (step.duration_ms or 0):
        context.error(
            "out-of-range",
            (*step.path, "until", "at_least"),
            "the least time of the hold is longer than its longest",
            "write less than 'at_most'",
        )
    if context.limits is None:
        return
    finest = context.limits.finest_loss_kpa_min
    if rate_kpa_min < finest:
        profile = context.profile
        context.error(
            "relaxation-unresolved",
            path,
            f"a loss of {mpa(rate_kpa_min)}/min is finer than the transducer can tell: two "
            f"counts, or an eighth of {profile.accuracy_percent:g} % of "
            f"{profile.full_scale_bar:g} bar, are {mpa(finest)} on a {context.protocol.die} "
            "die, and the board compares over a minute at most",
            f"write at least '{mpa(finest)}/min'; what helps: a transducer with a smaller "
            "range or better accuracy, a larger die",
        )
        return
    leak = leak_loss_at_target(context, step)
    if leak is not None and rate_kpa_min < leak.uncertainty_kpa_min:
        context.error(
            "relaxation-unresolved",
            path,
            f"a loss of {mpa(rate_kpa_min)}/min cannot be told from the press's own leak, which "
            f"takes {mpa(leak.kpa_min)}/min at {mpa(step.target_kpa)}{in_pass(stage)} and is known "
            f"to +-{mpa(leak.uncertainty_kpa_min)}/min",
            f"write at least '{mpa(leak.uncertainty_kpa_min)}/min'; what helps: a release valve "
            "and fittings that leak less, then tune again",
        )
        return
    takes_s = window_s(rate_kpa_min, finest)
    if (step.duration_ms or 0) < 1000 * (takes_s + 2):
        context.warn(
            "relaxation-late",
            (*step.path, "until", "at_most"),
            f"the hold is over before the board can tell {mpa(rate_kpa_min)}/min on this "
            f"press, which takes {takes_s} s",
            "allow a longer time, or a larger rate",
        )
    by_leak = leak.kpa_min if leak is not None else 0
    lost_kpa = (rate_kpa_min + by_leak) * takes_s // 60
    if step.tolerance_kpa is not None and 4 * lost_kpa > 3 * step.tolerance_kpa:
        context.warn(
            "relaxation-late",
            (*step.path, "tolerance"),
            f"at {mpa(rate_kpa_min)}/min"
            + (f" and {mpa(by_leak)}/min of leak" if by_leak else "")
            + f" the hold{in_pass(stage)} leaves its band within the "
            f"{takes_s} s that it takes to tell, and is topped up instead",
            f"write a tolerance of at least '{mpa(-(-4 * lost_kpa // 3))}'",
        )
