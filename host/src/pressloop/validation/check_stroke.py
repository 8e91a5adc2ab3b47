"""Warn of a ram that may reach the end of its stroke while it presses."""

from __future__ import annotations

from pressloop.machine.stroke import RESERVE_MM, StrokeLeft
from pressloop.validation.context import Context


def check_stroke(context: Context) -> None:
    """Warn if the stroke that is left at contact may not suffice for the ceiling."""
    profile, ceiling_kpa = context.profile, context.ceiling_kpa
    if ceiling_kpa is None or context.limits is None or context.protocol.is_isostatic:
        return
    left = StrokeLeft.of(profile, ceiling_kpa / 1000, context.protocol.die_um / 1000)
    if left is None or left.suffices:
        return
    context.warn(
        "stroke-short",
        ("ceiling",),
        f"the ram has {left.behind_contact_mm:.3g} mm of its stroke left at contact (stroke_mm "
        f"{profile.stroke_mm:g} less approach_mm {profile.approach_mm:g}); frame and oil take up "
        f"to {left.stretch_mm:.2g} mm at the ceiling, and {RESERVE_MM:g} mm is kept free: at the "
        "end of its stroke the reading would rise and the load on the sample would not",
        "put more spacers under the die, then tune again, which measures approach_mm",
    )
