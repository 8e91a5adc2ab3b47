"""Says whether the press of a run was calibrated on that day, and how well."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Final

from pressloop.analysis.force import force_kn
from pressloop.evaluation.run_data import RunData
from pressloop.machine.calibration import CalibrationStatus, calibration_status

_OVER: Final = 1.005
"""A target may be so much above the largest force of the calibration: levels are rounded."""


def calibration_of(data: RunData) -> CalibrationStatus | None:
    """Return the calibration of the press; None where an earlier version wrote the record."""
    if data.press is None or "calibration_result" not in data.header.profile:
        return None
    started_s = data.header.created_unix_time_second
    day = datetime.fromtimestamp(started_s, tz=timezone.utc).date()
    return calibration_status(data.press.profile, day)


def calibration_warnings(data: RunData, found: CalibrationStatus | None) -> tuple[str, ...]:
    """Return what a reader has to know of a calibration that does not count for the run."""
    if found is None:
        return ()
    if found.state in ("overdue", "failed"):
        return (f"{found.text}: the pressure may be off by more than the stated uncertainty",)
    if found.up_to_kn is None:
        return ()
    above = [
        stage.name
        for stage in data.target_stages
        if (force_kn(stage.target_mpa, data.header.die_mm) or 0.0) > _OVER * found.up_to_kn
    ]
    if not above:
        return ()
    return (
        f"above {found.up_to_kn:.4g} kN, the largest force of the calibration, the uncertainty is "
        f"extrapolated: {', '.join(dict.fromkeys(above))}",
    )
