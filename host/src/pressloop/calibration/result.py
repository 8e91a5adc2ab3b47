"""Writes the result of a calibration into a machine profile."""

from __future__ import annotations

import datetime
import math
from calendar import monthrange

from pressloop.calibration.figures import Figures
from pressloop.machine.profile import MachineProfile

DEFAULT_MONTHS = 12
"""Time until the next calibration."""


def calibrated_profile(
    profile: MachineProfile,
    figures: Figures,
    *,
    up_to_kn: float,
    date: str,
    due: str,
    reference: str,
) -> MachineProfile:
    """Return a profile with the result of a calibration; correct it before.

    Args:
        profile: The profile, corrected if the calibration was passed.
        figures: Of the calibration.
        up_to_kn: Highest level, kN.
        date: Its day, such as `2026-11-28`.
        due: Day from which on it is overdue.
        reference: Certificate of the reference.
    """
    return profile.model_copy(
        update={
            "calibration_result": "passed" if figures.passed else "failed",
            "calibration_date": date,
            "calibration_due": due,
            "calibration_error_percent": _up(figures.error_left_percent),
            "calibration_uncertainty_percent": _up(figures.uncertainty_percent),
            "calibration_uncertainty_n": math.ceil(figures.uncertainty_n),
            "calibration_reference": reference,
            "calibration_up_to_kn": round(up_to_kn, 3),
        }
    )


def due_day(day: datetime.date, months: int = DEFAULT_MONTHS) -> datetime.date:
    """Return the day as many months later; the last of a shorter month."""
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    return datetime.date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _up(percent: float) -> float:
    """Return a percentage rounded up to the board's 0.0001 %, at most 100 %."""
    return min(100.0, math.ceil(10_000 * percent) / 10_000)
