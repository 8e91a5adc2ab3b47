"""What the press has to have: die, strength, a release and a filter that are fast enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pressloop.plan import PlanStep
from pressloop.units import LENGTH, format_quantity
from pressloop.validation.check_ramp import report_impossible_rate
from pressloop.validation.context import Context
from pressloop.validation.phrases import mpa
from pressloop.wire.schema import TICK_HZ, StepKind

_MAX_FILTER_LAG_S: Final = 0.3
"""Longer than the landing after contact takes anyway."""


def check_press(context: Context) -> None:
    """Compare what the whole protocol asks for with the press and its dies."""
    limits, protocol = context.limits, context.protocol
    if limits is None:
        return
    if protocol.die_um not in context.profile.dies_um:
        dies = ", ".join(format_quantity(die, LENGTH) for die in context.profile.dies_um)
        context.error(
            "unknown-die",
            ("die",),
            f"the press '{context.profile.name}' has no die of {protocol.die}",
            f"its dies: {dies}; add the die to the press's profile if it has one",
        )
    if context.ceiling_kpa is not None and context.ceiling_kpa > limits.pellet_limit_kpa:
        context.error(
            "over-limit",
            ("ceiling",),
            f"the ceiling of {protocol.ceiling} is above what this press may do with a "
            f"{protocol.die} die: {mpa(limits.pellet_limit_kpa)}",
            "lower the ceiling, or use a smaller die",
        )
    crack_kpa = protocol.crack_kpa
    if crack_kpa and crack_kpa < 2 * limits.resolution_kpa:
        context.warn(
            "crack-threshold-low",
            ("crack_threshold",),
            f"{protocol.crack_threshold} is less than the {mpa(2 * limits.resolution_kpa)} "
            "that the board itself takes for a crack on this die: noise could trip it",
            "watch a few runs before you rely on it, or leave the key out",
        )
    vent_rate = protocol.vent_rate_kpa_s
    if vent_rate is not None and vent_rate > limits.fastest_fall_kpa_s:
        report_impossible_rate(
            context, ("vent_rate",), vent_rate, limits.fastest_fall_kpa_s, "release"
        )


def check_filter(context: Context, steps: Sequence[PlanStep]) -> None:
    """Warn of a filter that shows contact so late that the press is far beyond it."""
    lag_s = 2**context.profile.filter_shift / TICK_HZ
    ramp = next((s for s in steps if s.kind is StepKind.RAMP and s.target_kpa), None)
    if ramp is None or lag_s < _MAX_FILTER_LAG_S:
        return
    context.warn(
        "filter-slow",
        ramp.path,
        f"the press's profile smooths its readings over {lag_s:.2g} s (filter_shift "
        f"{context.profile.filter_shift}): the ram runs on for so long after contact, and a cell "
        "that is loaded by it has been pressed faster than the protocol says",
        "write a profile with a filter_shift of 4 or less, or a smaller approach opening",
    )
