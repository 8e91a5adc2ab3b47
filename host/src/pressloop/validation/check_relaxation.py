"""Check holds that end on relaxation: whether the board can measure the rate, and in time."""

from __future__ import annotations

from typing import Final

from pressloop.plan import PlanStage, PlanStep
from pressloop.units import duration_text
from pressloop.validation.check_leak import leak_loss_at_target
from pressloop.validation.context import Context
from pressloop.validation.phrases import in_pass, mpa
from pressloop.wire.schema import HoldMode

_MIN_WINDOW_S: Final = 5
"""The board's shortest window."""

_MEAN_S: Final = 2
"""Readings that the board averages at each end of the window."""


def window_s(rate_kpa_min: int, finest_kpa_min: int) -> int:
    """Return the time over which the board measures a loss rate, s, as its `relaxation.py` does.

    Args:
        rate_kpa_min: The loss rate.
        finest_kpa_min: Slowest loss rate that the press can resolve within a minute.
    """
    return max(_MIN_WINDOW_S, -(-60 * finest_kpa_min // rate_kpa_min))


def check_relaxation(context: Context, step: PlanStep, stage: PlanStage, rate_kpa_min: int) -> None:
    """Check a hold that ends on relaxation.

    Args:
        context: The protocol on the press; collects the findings.
        step: The hold.
        stage: The stage that it belongs to.
        rate_kpa_min: Loss rate that ends the hold, kPa/min.
    """
    path = (*step.path, "until", "relaxation")
    if context.is_unreliable(path):
        return
    if step.mode is not HoldMode.SEALED:
        context.error(
            "not-sealed",
            (*step.path, "mode"),
            "the hold ends on relaxation, but in a regulated hold the pump replaces what relaxes",
            "write 'mode: sealed'",
        )
    if (step.least_ms or 0) > (step.duration_ms or 0):
        context.error(
            "out-of-range",
            (*step.path, "until", "at_least"),
            "'at_least' is longer than 'at_most'",
            "write a time that is shorter than 'at_most'",
        )
    if context.limits is None:
        return
    finest = context.limits.finest_loss_kpa_min
    if rate_kpa_min < finest:
        profile = context.profile
        context.error(
            "relaxation-unresolved",
            path,
            f"a loss of {mpa(rate_kpa_min)}/min is slower than the transducer can resolve: the "
            "board measures over a minute at most, and then needs two counts or an eighth of "
            f"{profile.accuracy_percent:g} % of {profile.full_scale_bar:g} bar, which are "
            f"{mpa(finest)}/min {context.with_die}",
            "write a rate that the transducer resolves; what helps: a transducer with a smaller "
            "range or a better accuracy",
        )
        return
    leak = leak_loss_at_target(context, step)
    if leak is not None and rate_kpa_min < leak.uncertainty_kpa_min:
        context.error(
            "relaxation-unresolved",
            path,
            f"a loss of {mpa(rate_kpa_min)}/min cannot be distinguished from the press's own leak, "
            f"which is {mpa(leak.kpa_min)}/min at {context.pressure(step.target_kpa)}"
            f"{in_pass(stage)}, known to +-{mpa(leak.uncertainty_kpa_min)}/min",
            "write a rate above this uncertainty; or repair release valve and "
            "fittings so that they leak less, and tune again",
        )
        return
    takes_s = window_s(rate_kpa_min, finest)
    if (step.duration_ms or 0) < 1000 * (takes_s + _MEAN_S):
        context.warn(
            "relaxation-late",
            (*step.path, "until", "at_most"),
            f"the hold ends before the board can measure {mpa(rate_kpa_min)}/min, which takes "
            f"{duration_text(takes_s + _MEAN_S)} on this press",
            "write an 'at_most' of at least this time",
        )
    by_leak = leak.kpa_min if leak is not None else 0
    lost_kpa = (rate_kpa_min + by_leak) * takes_s // 60
    if step.tolerance_kpa is not None and 4 * lost_kpa > 3 * step.tolerance_kpa:
        context.warn(
            "relaxation-late",
            (*step.path, "tolerance"),
            f"at {mpa(rate_kpa_min)}/min"
            + (f" and {mpa(by_leak)}/min of leak" if by_leak else "")
            + f" the pressure{in_pass(stage)} leaves the band within the "
            f"{duration_text(takes_s)} that the board needs to measure the rate: it is topped up, "
            "and the measurement begins again; "
            f"a tolerance of {mpa(-(-4 * lost_kpa // 3))} is wide enough",
            "write a tolerance that is wide enough",
        )
