"""Shows what the press is and in which state its controller, tuning and calibration are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import IntEnum
from typing import Any, Final

from pressloop.errors import PressloopError
from pressloop.machine.profile import MachineProfile
from pressloop.machine.summary import summarise
from pressloop.press import Press
from pressloop.session.board_journal import BoardRecord
from pressloop.units.keys import name_and_unit
from pressloop.wire.names import wire_name
from pressloop.wire.schema import Fault

_MAX_JOURNAL: Final = 20
_EPOCH: Final = date(1970, 1, 1)
_STATE_WORDS: Final = ("calibrat", "commission")
"""Parts of the names of values that say whether the press was calibrated and commissioned."""


def machine_view(press: Press, profile: MachineProfile | None) -> dict[str, Any]:
    """Return identity, dies, tuning and calibration of a press, and its board's journal."""
    hello = press.hello
    return {
        "name": None if profile is None else profile.name,
        "identity": [
            ["Board", hello.board],
            ["Serial number", hello.unique_id.hex()],
            ["Firmware", f"{hello.firmware} (build {hello.build})"],
            ["Protocol on the wire", f"{hello.major}.{hello.minor}"],
            ["Runs on", hello.python],
            ["Address", press.session.url],
            ["Press", "simulated, no real press" if hello.simulated else "real"],
            ["Last start", f"{wire_name(hello.reset_cause)}, number {hello.boot_id}"],
            ["Pressure channels", _channels(hello.channels, profile)],
        ],
        "tuning": None if profile is None else _tuning(profile),
        "states": state_rows(_stated(press, profile), date.today()),
        "dies": [] if profile is None else [vars(row) for row in summarise(profile)],
        "profile": [] if profile is None else _profile_rows(profile),
        "journal": _journal(press),
    }


def identity_view(press: Press, profile: MachineProfile | None) -> dict[str, Any]:
    """Return what every page says of the press at its top."""
    hello = press.hello
    return {
        "board": hello.board,
        "firmware": hello.firmware,
        "simulated": hello.simulated,
        "address": press.session.url,
        "name": None if profile is None else profile.name,
        "channels": hello.channels,
    }


def _channels(count: int, profile: MachineProfile | None) -> str:
    if count == 2 or (profile is not None and profile.second_full_scale_bar is not None):
        return "2, compared in every control tick"
    return "1: a transducer that reads wrong is not noticed by a second one"


def _tuning(profile: MachineProfile) -> str:
    if profile.tuning_residual_percent is None:
        return "The press was not tuned: the profile has the values of its data sheet."
    return (
        "The press was tuned; tuning explains all but "
        f"{profile.tuning_residual_percent:g} % of the pumped volume."
    )


def state_rows(values: Mapping[str, object], today: date) -> list[list[str]]:
    """Return what board and profile say of calibration and commissioning, if they say anything.

    Args:
        values: All that they say, by name. Days are dates, or counted from 1970-01-01.
        today: The day with which a due day is compared.
    """
    rows = []
    for name, value in values.items():
        if value is None or not any(word in name for word in _STATE_WORDS):
            continue
        text = _text(value)
        if name.endswith("_day"):
            day = _EPOCH + timedelta(days=value) if isinstance(value, int) else value
            text = str(day)
            if "due" in name and text < today.isoformat():
                text += ", overdue"
        rows.append([_title(name), text])
    return rows


def _stated(press: Press, profile: MachineProfile | None) -> dict[str, object]:
    """Return what hello and profile say, by name; the profile's word counts where both say it."""
    hello = press.hello
    values: dict[str, object] = {field.name: getattr(hello, field.name) for field in hello.FIELDS}
    return values if profile is None else values | profile.model_dump(mode="json")


def _profile_rows(profile: MachineProfile) -> list[list[str]]:
    return [
        [_title(name), _text(value)]
        for name, value in profile.model_dump(mode="json").items()
        if value is not None and name != "name"
    ]


def _journal(press: Press) -> list[str]:
    try:
        return [_entry(record) for record in press.board_journal(_MAX_JOURNAL)]
    except PressloopError:
        return []


def _entry(record: BoardRecord) -> str:
    said = [f"{record.number}: {wire_name(record.kind)}", record.detail, wire_name(record.state)]
    if record.fault is not Fault.NONE:
        said.append(f"fault {wire_name(record.fault)}")
    if record.run_id:
        said.append(f"run {record.run_id}, {record.pressure_mpa:.1f} MPa")
    return ", ".join(part for part in said if part)


def _title(key: str) -> str:
    """Return a key as the title of a row: `calibration_error_percent` is "Calibration error, %"."""
    name, unit = name_and_unit(key)
    return f"{name[0].upper()}{name[1:]}{f', {unit}' if unit else ''}"


def _text(value: object) -> str:
    if isinstance(value, IntEnum):
        return wire_name(value)
    if isinstance(value, list | tuple):
        return ", ".join(_text(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
