"""Check what an isostatic vessel needs: a slow end of its release, and a lid that is watched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pressloop.plan import PlanStep
from pressloop.units import PRESSURE, format_quantity
from pressloop.validation.context import Context

LID_KPA: Final = 100
"""Pressure that lifts a lid when it is opened, kPa."""
SLOW_KPA: Final = 20_000
"""Pressure from which on a release in one part is too fast at its end, kPa."""


def check_vessel(context: Context, steps: Sequence[PlanStep]) -> None:
    """Warn of a lid that nothing watches; refuse a release that is fastest at its end."""
    if not (context.profile.is_vessel and context.protocol.is_isostatic):
        return
    _check_lid(context)
    # Air in the pores leaves last: it is the end of a release that cracks a body.
    before: list[int] = []
    for step in steps:
        if step.rate_kpa_s is None:
            continue
        if step.target_kpa >= step.start_kpa:
            before = []
            continue
        if step.target_kpa < LID_KPA:
            _check_end(context, step, before)
        before.append(step.rate_kpa_s)


def _check_end(context: Context, step: PlanStep, before: list[int]) -> None:
    """Check the last part of a release, behind parts with these rates."""
    rate_kpa_s = step.rate_kpa_s or 0
    path = (*step.path, "rate")
    hint = "air leaves the pores last: write a release whose last part is the slowest"
    if before and rate_kpa_s > min(before):
        context.error(
            "release-not-slowest",
            path,
            f"the last part of the release, at {context.rate(rate_kpa_s)}, is faster than a part "
            f"before it, at {context.rate(min(before))}",
            hint,
        )
    elif not before and step.start_kpa > SLOW_KPA:
        context.warn(
            "release-not-slowest",
            path,
            f"the release from {context.pressure(step.start_kpa)} is as fast at its end as at its "
            f"begin, {context.rate(rate_kpa_s)}",
            hint,
        )


def _check_lid(context: Context) -> None:
    limits = context.limits
    if context.profile.lid_switch or limits is None:
        return
    error = format_quantity(limits.resolution_kpa, PRESSURE)
    context.warn(
        "lid-unwatched",
        ("die",),
        f"nothing tells 0.1 MPa under the lid of '{context.profile.name}' from none: its "
        f"transducer may be off by +-{error}, and no low-range sensor or switch is fitted; a lid "
        "that is opened under 0.1 MPa is thrown off",
        "fit a low-range sensor or a switch to the input vessel-pressure, and set "
        "vessel.lid_switch in the press file; until then open the vent by hand before the lid",
    )
