"""Say when the wiring of a board was proved on its press, and which change undoes that."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Final

from pressloop.machine.profile import MachineProfile
from pressloop.machine.profile_wire import stored

NEVER: Final = "never"
"""Stands for the date of a board that was never commissioned."""

_FIELD: Final = "commissioned_day"
_EPOCH: Final = datetime.date(1970, 1, 1)
_PROVED: Final = (
    "ram_area_cm2",
    "full_scale_bar",
    "raw_fault_low",
    "raw_fault_high",
    "max_oil_bar",
    "single_channel_bar",
    "hold_to_run",
    "second_full_scale_bar",
    "load_cell_capacity_kn",
)
"""What a commissioning proves of a profile: another value is another press, sensor or limit."""


def day_number(date: datetime.date) -> int:
    """Return a date as the board stores it: days from 1970-01-01."""
    return (date - _EPOCH).days


def commissioned_text(day: int | None) -> str:
    """Return the date of a commissioning, such as `2026-11-28`, or `never`."""
    return NEVER if day is None else (_EPOCH + datetime.timedelta(days=day)).isoformat()


def commissioned_in(profile: Mapping[str, Any]) -> str | None:
    """Return the date in a profile that a record kept; None if it is older than commissioning."""
    if _FIELD not in profile:
        return None
    day = profile[_FIELD]
    return commissioned_text(day if isinstance(day, int) else None)


def keep_commissioned(new: MachineProfile, old: MachineProfile | None) -> MachineProfile:
    """Return a profile to write with the date that a board has, if the profile does not undo it.

    Args:
        new: Profile to write; its own date is another board's, and is dropped.
        old: Profile of the board; None if it has none.
    """
    day = None
    if old is not None and not undone(new, old):
        day = old.commissioned_day
    return new.model_copy(update={"commissioned_day": day})


def undone(new: MachineProfile, old: MachineProfile) -> list[str]:
    """Return the values whose change makes a new commissioning necessary."""
    return [
        name
        for name in _PROVED
        if stored(name, getattr(new, name)) != stored(name, getattr(old, name))
    ]
