"""Check that a run can end before the board's device clock does, 124 days after its start.

The sum is the board's own (`pressloop_fw/loop/plan.py`), for a board that was just switched on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pressloop.plan import PlanStep, begin_request
from pressloop.units import DURATION, format_quantity
from pressloop.validation.context import Context
from pressloop.wire.schema import CLOCK_END, TICK_HZ

_UNLOAD_TICKS: Final = 3600 * TICK_HZ
_UNPLANNED_TICKS: Final = 24 * _UNLOAD_TICKS
"""Time that the board keeps free: an hour until the press is unloaded, a day for pauses."""


def check_clock(context: Context, steps: Sequence[PlanStep]) -> None:
    """Report a protocol that no board can start, because its longest duration exceeds the clock."""
    begin = begin_request(context.protocol, context.profile, len(steps))
    vent_ticks = begin.ceiling_kpa * TICK_HZ // begin.vent_rate_kpa_s
    left = CLOCK_END - _UNLOAD_TICKS - _UNPLANNED_TICKS - vent_ticks
    planned = sum(_planned_ticks(context, step) for step in steps)
    if planned <= left:
        return
    longest = format_quantity(1000 * planned // TICK_HZ, DURATION)
    context.error(
        "clock-spent",
        ("stages",),
        f"the run may take {longest}, timeouts included, and a board's clock ends before: it takes "
        f"up to {format_quantity(1000 * max(0, left) // TICK_HZ, DURATION)}",
        "shorten durations and timeouts, or split it into two protocols",
    )


def _planned_ticks(context: Context, step: PlanStep) -> int:
    planned = _ticks(step.duration_ms) + _ticks(step.timeout_ms)
    if step.rate_kpa_s:
        planned += abs(step.target_kpa - step.start_kpa) * TICK_HZ // step.rate_kpa_s
        planned += _ticks(context.profile.to_wire().approach_timeout_ms)
    return planned


def _ticks(ms: int | None) -> int:
    """Return a duration in ticks, rounded up as on the board."""
    return -(-(ms or 0) * TICK_HZ // 1000)
