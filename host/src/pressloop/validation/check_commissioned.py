"""Warn of a board whose wires were never proved on its press."""

from __future__ import annotations

from pressloop.validation.context import Context


def check_commissioned(context: Context) -> None:
    """Warn if the board was never commissioned, or not since sensor, ram or limit changed."""
    if context.profile.commissioned_day is not None:
        return
    context.warn(
        "never-commissioned",
        ("die",),
        "this board was never commissioned: nothing has proved that its valves, sensors and its "
        "emergency stop are wired right",
        "commission the press: pressloop commission",
    )
