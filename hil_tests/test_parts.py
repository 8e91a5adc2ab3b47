"""Converters and sensors of the press: found at power-on, alive, and in agreement at rest.

A case of a part that the press does not have is skipped; docs/hil-tests.md has a press with each.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pressloop.hil import wiring
from pressloop.hil.bench import HilBench
from pressloop.hil.watching import until, watching
from pressloop.machine.uncertainty import LOAD_CELL
from pressloop.press import Press
from pressloop.session.telemetry import TelemetryRecord
from pressloop.wire.schema import CapabilityBits, HelloReply

from hil_tests.protocols import one_hold

WIRING = wiring.current()
_STEADY_K = 1.0
_STEADY_MM = 0.2


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


def test_the_load_cell_is_alive_at_rest(board: HelloReply, press: Press) -> None:
    if board.board == "emulated":
        pytest.skip("the press of the emulated board has no noise at rest")
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


# --- oil temperature


def require_thermistor(press: Press) -> None:
    if press.profile().auxiliary_sensor != "oil-temperature":
        pytest.skip("a press without a thermistor, or a profile that does not name it")


def test_the_oil_has_a_plausible_and_steady_temperature(press: Press) -> None:
    require_thermistor(press)
    first = press.status()
    assert first.oil_temperature_c is not None, "the thermistor's wire is cut or shorted"
    assert 0 < first.oil_temperature_c < 80
    until(lambda: press.status().tick > first.tick + 100, "a second of the press")
    later = press.status().oil_temperature_c
    assert later is not None and abs(later - first.oil_temperature_c) < _STEADY_K


@pytest.mark.needs("wires")
def test_a_cut_thermistor_reads_as_no_temperature(bench: HilBench, press: Press) -> None:
    require_thermistor(press)
    bench.cut_wire("auxiliary")
    until(lambda: press.status().oil_temperature_c is None, "no temperature")
    bench.repair()
    until(lambda: press.status().oil_temperature_c is not None, "the temperature")


# --- displacement


def require_displacement(board: HelloReply) -> None:
    if CapabilityBits.DISPLACEMENT not in board.capabilities:
        pytest.skip("a press without a displacement sensor, or a profile that does not name it")


def test_the_displacement_is_steady_at_rest(board: HelloReply, press: Press) -> None:
    require_displacement(board)
    readings: list[float | None] = []
    with watching(press) as watch:
        first = watch.until(lambda _now: True, "a record")

        def is_over(now: TelemetryRecord) -> bool:
            readings.append(now.displacement_mm)
            return now.tick > first.tick + 100

        watch.until(is_over, "a second of the press")
    assert None not in readings
    read = [reading for reading in readings if reading is not None]
    assert max(read) - min(read) < _STEADY_MM


@pytest.mark.needs("pressing")
def test_the_displacement_rises_while_the_platens_close(
    board: HelloReply, press: Press, tmp_path: Path
) -> None:
    require_displacement(board)
    frame = press.run(one_hold("1 s"), out=tmp_path / "run").check().frame()
    closed = frame.displacement_mm
    assert closed.notna().all()
    pressed = closed[frame.pressure_mpa > WIRING.work_mpa / 2]
    assert pressed.max() > closed.iloc[0] + 0.01, "it does not count up while the platens close"


@pytest.mark.needs("wires")
def test_a_cut_displacement_sensor_reads_as_none(
    bench: HilBench, board: HelloReply, press: Press
) -> None:
    require_displacement(board)
    bench.cut_wire("auxiliary")
    with watching(press) as watch:
        watch.until(lambda now: now.displacement_mm is None, "no displacement", limit_s=1.0)
