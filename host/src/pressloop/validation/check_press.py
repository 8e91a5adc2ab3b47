"""Check what the whole protocol needs from the press: die, limits, release rate and filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pressloop.machine.die_limits import load_n_of
from pressloop.plan import PlanStep
from pressloop.units import LENGTH, format_quantity
from pressloop.validation.check_ramp import report_impossible_rate
from pressloop.validation.context import Context
from pressloop.wire.schema import TICK_HZ, StepKind

_MAX_FILTER_LAG_S: Final = 0.3
"""Time constant from which the filter delays contact more than the landing after it takes."""


def check_press(context: Context) -> None:
    """Check die, ceiling, crack threshold and vent rate against the press."""
    limits, protocol = context.limits, context.protocol
    if limits is None:
        return
    if protocol.die_um not in context.profile.dies_um:
        dies = ", ".join(format_quantity(die, LENGTH) for die in context.profile.dies_um)
        context.error(
            "unknown-die",
            ("die",),
            f"the press '{context.profile.name}' has no die of {protocol.die}; its dies: {dies}",
            "if you have this die, add it to the press's profile; else correct 'die'",
        )
    if context.ceiling_kpa is not None and context.ceiling_kpa > limits.pellet_limit_kpa:
        context.error(
            "over-limit",
            ("ceiling",),
            _over_load(context, context.ceiling_kpa)
            or f"the ceiling of {context.pressure(context.ceiling_kpa)} is above the limit of this "
            f"press with a {protocol.die} die, {context.pressure(limits.pellet_limit_kpa)}",
            "lower the ceiling to what die and sample stand; keep it above the highest target",
        )
    crack_kpa = protocol.crack_kpa
    if crack_kpa and crack_kpa < 2 * limits.resolution_kpa:
        context.warn(
            "crack-threshold-low",
            ("crack_threshold",),
            f"a crack threshold of {context.pressure(crack_kpa)} is below the board's own, "
            f"{context.pressure(2 * limits.resolution_kpa)}: noise could end a run",
            "watch a few runs before you rely on it, or leave the key out",
        )
    vent_rate = protocol.vent_rate_kpa_s
    if vent_rate is not None and vent_rate > limits.fastest_fall_kpa_s:
        report_impossible_rate(
            context, ("vent_rate",), vent_rate, limits.fastest_fall_kpa_s, "release"
        )


def _over_load(context: Context, ceiling_kpa: int) -> str | None:
    """Return the sentence on a ceiling above the load of the die; None if it is not above it."""
    die_um = context.protocol.die_um
    load_n = context.profile.die_load_n(die_um)
    if load_n is None:
        return None
    force_n = load_n_of(ceiling_kpa, die_um)
    if force_n <= load_n:
        return None
    return (
        f"the ceiling of {context.protocol.ceiling} loads the {context.protocol.die} die with "
        f"{force_n / 1000:.3g} kN, above its limit of {load_n / 1000:.3g} kN"
    )


def check_filter(context: Context, steps: Sequence[PlanStep]) -> None:
    """Warn of a filter so slow that the pellet is already loaded when contact is detected."""
    lag_s = 2**context.profile.filter_shift / TICK_HZ
    ramp = next((s for s in steps if s.kind is StepKind.RAMP and s.target_kpa), None)
    if ramp is None or lag_s < _MAX_FILTER_LAG_S:
        return
    context.warn(
        "filter-slow",
        ramp.path,
        f"the press's profile filters readings over {lag_s:.2g} s (filter_shift "
        f"{context.profile.filter_shift}): the ram moves on for so long after contact and loads "
        "the pellet faster than the protocol says",
        "use a profile with a filter_shift of 4 or less, or a smaller approach_opening_percent",
    )
