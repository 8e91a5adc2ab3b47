"""Checks of telemetry that several cases share."""

from __future__ import annotations

import pandas as pd
from pressloop.hil import wiring


def assert_pressure_is_kept(frame: pd.DataFrame) -> None:
    """Check that the press holds the pressure at a setpoint that is frozen.

    The pressure may lag the ramp when its setpoint is frozen, and may then still reach the
    setpoint. It must not pass the setpoint and not move away from it.
    """
    assert frame.setpoint_mpa.nunique() == 1, "the setpoint moved"
    setpoint, first = frame.setpoint_mpa.iloc[0], frame.pressure_mpa.iloc[0]
    low, high = min(setpoint, first), max(setpoint, first)
    assert frame.pressure_mpa.min() >= low - wiring.KEPT_WITHIN_MPA
    assert frame.pressure_mpa.max() <= high + wiring.KEPT_WITHIN_MPA
