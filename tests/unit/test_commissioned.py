"""The day of commissioning belongs to a board: a file never brings it, and a new sensor ends it."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from pressloop.cli.profile_values import change_table, changes, value_table
from pressloop.cli.verdict import print_verdict
from pressloop.emulator import description
from pressloop.emulator.description.from_profile import press_text
from pressloop.evaluation import finalise
from pressloop.machine.commissioned import (
    NEVER,
    commissioned_in,
    commissioned_text,
    day_number,
    keep_commissioned,
    undone,
)
from pressloop.machine.profile import MachineProfile
from pressloop.validation import LoadedProtocol, validate_loaded
from rich.console import Console

from tests.unit.golden_records import RUN, write

DAY = day_number(datetime.date(2026, 11, 28))


@pytest.fixture
def on_board() -> MachineProfile:
    sheet = description.PressDescription().machine_profile()
    return sheet.model_copy(update={"commissioned_day": DAY})


def test_the_day_is_said_as_a_date() -> None:
    assert commissioned_text(DAY) == "2026-11-28"
    assert commissioned_text(None) == NEVER


def test_the_board_keeps_the_day_to_the_wire_and_back(on_board: MachineProfile) -> None:
    assert MachineProfile.from_wire(on_board.to_wire()).commissioned_day == DAY


def test_a_press_file_does_not_carry_the_day_to_another_board(on_board: MachineProfile) -> None:
    shown = description.loads(press_text(on_board, "shown"))
    assert shown.machine_profile().commissioned_day is None


def test_a_board_keeps_its_day_when_only_the_loop_changes(on_board: MachineProfile) -> None:
    new = on_board.model_copy(update={"kp_per_s": 5.0, "commissioned_day": None})
    assert keep_commissioned(new, on_board).commissioned_day == DAY


@pytest.mark.parametrize(
    ("name", "value"), [("ram_area_cm2", 10.0), ("full_scale_bar", 600.0), ("max_oil_bar", 100.0)]
)
def test_another_press_or_sensor_is_not_commissioned(
    on_board: MachineProfile, name: str, value: float
) -> None:
    new = on_board.model_copy(update={name: value})
    assert undone(new, on_board) == [name]
    assert keep_commissioned(new, on_board).commissioned_day is None


def test_the_tables_of_the_command_line_say_the_day_as_a_date(on_board: MachineProfile) -> None:
    console = Console(record=True, width=100)
    console.print(value_table(on_board))
    fresh = on_board.model_copy(update={"commissioned_day": None})
    console.print(change_table(changes(on_board, fresh)))
    shown = console.export_text()
    assert shown.count("commissioned") == 2 and shown.count("2026-11-28") == 2
    assert NEVER in shown and str(DAY) not in shown


def test_a_profile_of_another_board_brings_no_day(on_board: MachineProfile) -> None:
    fresh = on_board.model_copy(update={"commissioned_day": None})
    assert keep_commissioned(on_board, fresh).commissioned_day is None
    assert keep_commissioned(on_board, None).commissioned_day is None


PROTOCOL = """
pressloop: 1
name: short
die: 10 mm
ceiling: 60 MPa
stages:
  - name: only
    ramp: {target: 40 MPa, rate: 10 MPa/s}
"""


def _codes(profile: MachineProfile, *, real: bool) -> list[str]:
    checked = validate_loaded(LoadedProtocol.of_text(PROTOCOL, "short"), profile, real=real)
    return [finding.code for finding in checked.findings]


def test_validation_on_a_real_board_says_that_it_was_never_commissioned(
    on_board: MachineProfile,
) -> None:
    never = on_board.model_copy(update={"commissioned_day": None})
    assert "never-commissioned" in _codes(never, real=True)
    assert "never-commissioned" not in _codes(never, real=False)
    assert "never-commissioned" not in _codes(on_board, real=True)


@pytest.mark.parametrize(("day", "said"), [(DAY, "2026-11-28"), (None, "never")])
def test_the_record_and_the_verdict_say_when_the_press_was_commissioned(
    tmp_path: Path, day: int | None, said: str
) -> None:
    profile = {**RUN.header.profile, "commissioned_day": day}
    header = RUN.header.model_copy(update={"profile": profile, "simulated": False})
    write(tmp_path, replace(RUN, header=header), RUN.end(), truth=None)
    summary = finalise(tmp_path)
    assert summary.commissioned == said
    warned = any(text.startswith("never commissioned") for text in summary.warnings)
    assert warned == (day is None)
    console = Console(record=True, width=80)
    print_verdict(console, summary)
    assert f"press commissioned: {said}" in console.export_text()


def test_a_record_of_an_earlier_version_says_nothing_of_it() -> None:
    older = {key: value for key, value in RUN.header.profile.items() if key != "commissioned_day"}
    assert commissioned_in(older) is None
    assert commissioned_in(RUN.header.profile) == NEVER
