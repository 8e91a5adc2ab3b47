"""Converters and sensors of the press: found at power-on, alive, and in agreement at rest."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pressloop.hil import wiring
from pressloop.machine.uncertainty import LOAD_CELL
from pressloop.press import Press
from pressloop.wire.schema import CapabilityBits, HelloReply

from hil_tests.protocols import one_hold

WIRING = wiring.current()


def test_every_converter_that_the_profile_names_was_found(board: HelloReply) -> None:
    if board.found_parts is None:
        pytest.skip("the emulated board has no converters to look for")
    assert board.missing_parts is None, board.missing_parts
    assert "transducer" in board.found_parts
    second = CapabilityBits.SECOND_CHANNEL in board.capabilities
    assert ("second" in board.found_parts) is second
    cell = CapabilityBits.LOAD_CELL in board.capabilities
    assert ("load cell" in board.found_parts) is cell


def test_both_channels_read_an_unloaded_press_at_rest(press: Press) -> None:
    status = press.session.status()
    assert abs(status.pressure_kpa) / 1000 < WIRING.at_rest_mpa
    if status.second_kpa is None:
        pytest.skip("a single-channel press")
    profile = press.profile()
    percent = profile.second_accuracy_percent or 0.0
    full_mpa = (profile.second_full_scale_bar or 0.0) / 10 * profile.lever(WIRING.die_mm)
    error_mpa = percent / 100 * full_mpa
    assert abs(status.second_kpa) / 1000 < WIRING.at_rest_mpa + error_mpa


def test_the_load_cell_is_alive_at_rest(press: Press) -> None:
    status = press.session.status()
    if status.load_cell_kpa is None:
        pytest.skip("a press without a load cell, or a profile that does not describe it")
    readings = set()
    for _ in range(20):
        readings.add(press.session.status().load_cell_kpa)
        time.sleep(0.05)
    assert len(readings) > 1, "a cell whose readings never differ is not converted"
    assert all(reading is not None and abs(reading) < 20_000 for reading in readings)


@pytest.mark.needs("pressing")
def test_the_load_cell_follows_the_oil(press: Press, tmp_path: Path) -> None:
    if press.session.status().load_cell_kpa is None:
        pytest.skip("a press without a load cell, or a profile that does not describe it")
    summary = press.run(one_hold("2 s"), out=tmp_path / "run").check().summary
    assert [stage.judged_by for stage in summary.stages] == [LOAD_CELL]
