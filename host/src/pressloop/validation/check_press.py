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
    if protocol.is_isostatic != context.profile.is_vessel:
        _report_other_kind(context)
    elif context.die_um not in context.profile.dies_um:
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
            f"press {context.with_die}, {context.pressure(limits.pellet_limit_kpa)}",
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


def _report_other_kind(context: Context) -> None:
    """Report a protocol for a vessel on a press with a ram, or the other way round."""
    if context.profile.is_vessel:
        context.error(
            "no-die-here",
            ("die",),
            f"'{context.profile.name}' is an isostatic vessel, which has no die, and the protocol "
            f"is for a die of {context.protocol.die}",
            "use a protocol for a vessel; in a vessel the powder yields to pressure from all sides",
        )
    else:
        context.error(
            "no-vessel-here",
            ("die",),
            f"the protocol is for an isostatic vessel, and '{context.profile.name}' has a ram",
            "write 'die' with the diameter of the die in the press, in mm",
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
    limit_kpa = context.profile.limits(die_um).pellet_limit_kpa
    return (
        f"the ceiling of {context.pressure(ceiling_kpa)} is above the greatest load of the "
        f"{context.protocol.die} die, {load_n / 1000:.3g} kN ({limit_kpa / 1000:.3g} MPa)"
    )


def check_filter(context: Context, steps: Sequence[PlanStep]) -> None:
    """Warn of a filter so slow that the loop notices late what its model does not know."""
    lag_s = 2**context.profile.filter_shift / TICK_HZ
    ramp = next((s for s in steps if s.kind is StepKind.RAMP and s.target_kpa), None)
    if ramp is None or lag_s < _MAX_FILTER_LAG_S:
        return
    context.warn(
        "filter-slow",
        ramp.path,
        f"the press's profile filters readings over {lag_s:.2g} s (filter_shift "
        f"{context.profile.filter_shift}): the loop notices so late what the model of the valves "
        "does not know, such as powder that gives way",
        "use a profile with a filter_shift of 4 or less; tuning finds the one that the "
        "transducer's noise needs",
    )
