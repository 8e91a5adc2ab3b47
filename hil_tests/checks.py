"""What several cases ask of a stretch of telemetry."""

from __future__ import annotations

import pandas as pd
from pressloop.hil import wiring

WIRING = wiring.current()


def assert_pressure_is_kept(frame: pd.DataFrame) -> None:
    """Check that the press regulates a setpoint that stands still.

    A ramp can be behind its setpoint when it is frozen, so the pressure may go on to the setpoint;
    it may not go beyond, nor go away.
    """
    assert frame.setpoint_mpa.nunique() == 1, "the setpoint moved"
    setpoint, first = frame.setpoint_mpa.iloc[0], frame.pressure_mpa.iloc[0]
    low, high = min(setpoint, first), max(setpoint, first)
    assert frame.pressure_mpa.min() >= low - WIRING.kept_within_mpa
    assert frame.pressure_mpa.max() <= high + WIRING.kept_within_mpa
