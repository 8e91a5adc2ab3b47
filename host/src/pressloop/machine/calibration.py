"""Says how a press was calibrated, and whether that still counts on a given day.

The board has no calendar: it stores the days, and the host compares them with its own date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from pressloop.machine.profile import MachineProfile
from pressloop.machine.profile_wire import day_of
from pressloop.wire import schema

CalibrationState = Literal["calibrated", "overdue", "failed", "not calibrated"]

NOT_CALIBRATED: Final = "not calibrated"


@dataclass(frozen=True)
class CalibrationStatus:
    """The calibration of a press, as seen on one day.

    Attributes:
        state: `calibrated`, `overdue`, `failed` or `not calibrated`.
        text: The same in words, for a verdict; it begins with a small letter.
        date: Day of the calibration, such as `2026-11-28`; None if there was none.
        due: Day from which on it is overdue.
        reference: Certificate of the reference.
        error_percent: Largest error that was left, of the reading.
        uncertainty_percent: Expanded uncertainty (k = 2), of the reading.
        uncertainty_n: The same without load, N; added as squares.
        up_to_kn: Largest force of the calibration, kN.
    """

    state: CalibrationState
    text: str
    date: str | None = None
    due: str | None = None
    reference: str | None = None
    error_percent: float | None = None
    uncertainty_percent: float | None = None
    uncertainty_n: int | None = None
    up_to_kn: float | None = None

    @property
    def sentence(self) -> str:
        """The state as a sentence: `The press is not calibrated.`"""
        if self.state == "not calibrated":
            return "The press is not calibrated."
        return f"{self.text[0].upper()}{self.text[1:]}."

    @property
    def counts(self) -> bool:
        """Whether a result may rely on it."""
        return self.state == "calibrated"


def calibration_status(profile: MachineProfile, today: date) -> CalibrationStatus:
    """Return the calibration of a press by its profile, as seen on a day."""
    day, due = profile.calibration_date, profile.calibration_due
    if profile.calibration_result is None or day is None or due is None:
        return CalibrationStatus("not calibrated", NOT_CALIBRATED)
    state, text = _judged(profile.calibration_result == "failed", day, due, today)
    if state == "calibrated":
        text += f", against {profile.calibration_reference}"
    return CalibrationStatus(
        state=state,
        text=text,
        date=day,
        due=due,
        reference=profile.calibration_reference,
        error_percent=profile.calibration_error_percent,
        uncertainty_percent=profile.calibration_uncertainty_percent,
        uncertainty_n=profile.calibration_uncertainty_n,
        up_to_kn=profile.calibration_up_to_kn,
    )


def outdated_by(old: MachineProfile, new: MachineProfile) -> tuple[str, ...]:
    """Return the values whose change makes a calibration untrue that a new profile still has.

    Empty where the new profile has no calibration, or another one than the old one.
    """
    if new.calibration_result is None or any(
        getattr(old, name) != getattr(new, name) for name in _CALIBRATION
    ):
        return ()
    changed = [name for name in _MEANING if getattr(old, name) != getattr(new, name)]
    if old.raw_full - old.raw_zero != new.raw_full - new.raw_zero:
        changed.append("raw_full")
    return tuple(changed)


_CALIBRATION: Final = tuple(
    name for name in MachineProfile.model_fields if name.startswith("calibration_")
)
_MEANING: Final = (
    "ram_area_cm2",
    "full_scale_bar",
    "friction_percent",
    "friction_n",
    "friction_uncertainty_percent",
    "load_cell_capacity_kn",
    "load_cell_zero",
    "load_cell_full",
)


def calibration_of_hello(hello: schema.HelloReply, today: date) -> str:
    """Return in words what a board's hello says of the calibration, as seen on a day."""
    day, due = hello.calibration_day, hello.calibration_due_day
    if day is None or due is None:
        return NOT_CALIBRATED
    failed = hello.calibration is schema.CalibrationResult.FAILED
    return _judged(failed, day_of(day), day_of(due), today)[1]


def _judged(failed: bool, day: str, due: str, today: date) -> tuple[CalibrationState, str]:
    if failed:
        return "failed", f"calibration failed on {day}"
    if today >= date.fromisoformat(due):
        return "overdue", f"calibration overdue since {due}"
    return "calibrated", f"calibrated on {day}, due {due}"
