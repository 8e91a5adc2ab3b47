"""The parts of a press on the emulated Pico: converters, load cell, valves and contactor."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.description import PressDescription
from pressloop.emulator.pico import EmulatedPico
from pressloop.emulator.pico.process import find_image
from pressloop.errors import CommandRefusedError, EmulatorError
from pressloop.machine.uncertainty import LOAD_CELL
from pressloop.press import Press
from pressloop.session.session import Session
from pressloop.transport.transport import open_transport
from pressloop.wire.schema import CapabilityBits, Fault, ProfileWriteRequest

TIMEOUT_S = 60.0
NEAR = {"ram": {"approach_gap_mm": 0.3}}

try:
    find_image()
except EmulatorError as error:
    pytest.skip(f"{error}; {error.hint}", allow_module_level=True)

pytestmark = pytest.mark.timeout(300)

ONE_HOLD = """\
pressloop: 1
name: one hold
die: 10 mm
ceiling: 150 MPa
on_host_loss: {action: vent, limit: 60 s}
host_timeout: 10 s
vent_rate: 40 MPa/s
stages:
  - name: press
    ramp: {target: 60 MPa, rate: 40 MPa/s}
    hold: {duration: 1.5 s, tolerance: 4 %}
    release: {target: 0 MPa, rate: 40 MPa/s}
"""


@contextlib.contextmanager
def board(folder: Path, **press: Any) -> Iterator[tuple[EmulatedPico, Session]]:
    """Start a board with a press and open a session with its firmware."""
    described = PressDescription.model_validate(press)
    with EmulatedPico(described, work_dir=folder) as pico:
        session = Session(lambda: open_transport(pico.url), host="test", reconnect_timeout_s=2.0)
        try:
            yield pico, session
        finally:
            session.close()


def give_profile(pico: EmulatedPico, session: Session) -> None:
    """Write the profile of the board's press and let its readings settle."""
    session.request(ProfileWriteRequest(**pico.press.nominal_profile()))
    tick = session.status().tick
    until(lambda: session.status().tick > tick + 60)


def until(condition: Any) -> None:
    """Wait for a condition on the board's clock."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline


def test_hello_names_the_converters_that_were_found(tmp_path: Path) -> None:
    with board(tmp_path) as (_, session):
        assert session.hello.found_parts == "transducer ads1115, second adc"
        assert session.hello.missing_parts is None
        assert CapabilityBits.LOAD_CELL not in session.hello.capabilities


def test_a_converter_that_is_missing_is_told_at_power_on(tmp_path: Path) -> None:
    """Before, the chip's own converter took the place of an ADS1115 that did not answer."""
    press = PressDescription.model_validate({"transducer": {"converter": "ads1115"}})
    with EmulatedPico(press, work_dir=tmp_path, ads1115=False) as pico:
        with contextlib.closing(_session(pico)) as session:
            session.request(ProfileWriteRequest(**press.nominal_profile()))
        with contextlib.closing(_session(pico)) as session:
            assert session.hello.missing_parts == "transducer ads1115"
        with Press.open(pico.url) as opened, pytest.raises(CommandRefusedError) as refused:
            opened.run(ONE_HOLD, out=tmp_path / "run", die="10 mm")
        assert refused.value.code == "part-missing"
        assert "ads1115" in str(refused.value)


def _session(pico: EmulatedPico) -> Session:
    return Session(lambda: open_transport(pico.url), host="test", reconnect_timeout_s=2.0)


def test_a_second_ads1115_is_the_second_channel(tmp_path: Path) -> None:
    second = {"converter": "ads1115", "noise_percent": 0.006, "accuracy_percent": 0.2}
    with board(tmp_path, second_transducer=second) as (pico, session):
        give_profile(pico, session)
        status = session.status()
        assert session.hello.found_parts == "transducer ads1115, second ads1115"
        assert status.fault == Fault.NONE and status.second_kpa is not None
        # The offset of the second transducer on the reference press is -0.2 % of full scale.
        assert abs(status.second_kpa - status.pressure_kpa) < 3000


def test_a_ratiometric_transducer_is_read_by_its_supply(tmp_path: Path) -> None:
    with board(tmp_path, transducer={"signal": "ratiometric", "converter": "ads1115"}) as (
        pico,
        session,
    ):
        give_profile(pico, session)
        at_5_v = session.status().pressure_kpa
        assert session.status().fault == Fault.NONE
        pico.control({"supply": 4.6})
        tick = session.status().tick
        until(lambda: session.status().tick > tick + 200)
        # Without the correction 8 % of 0.5 V would be 1 % of full scale, 7 MPa on the pellet.
        assert abs(session.status().pressure_kpa - at_5_v) < 1000
        assert session.status().missed_ticks == 0
        pico.control({"supply": 4.0})
        until(lambda: session.status().fault == Fault.SENSOR_LOW)


@pytest.mark.slow
@pytest.mark.parametrize("converter", ["nau7802", "hx711"])
def test_a_load_cell_is_used_by_the_loop(converter: str, tmp_path: Path) -> None:
    cell = {"capacity_kn": 150, "rate_hz": 320 if converter == "nau7802" else 80}
    press = {**NEAR, "load_cell": {**cell, "converter": converter}}
    work = tmp_path / "board"
    with board(work, **press) as (pico, session):
        give_profile(pico, session)
    # An HX711 cannot be told from an open pin at once: the next start looks for it.
    with board(work, **press) as (pico, session):
        assert session.hello.found_parts == f"transducer ads1115, second adc, load cell {converter}"
        assert session.hello.missing_parts is None
        session.close()
        with Press.open(pico.url) as opened:
            summary = opened.run(ONE_HOLD, out=tmp_path / "run", die="10 mm").check().summary
            assert opened.session.status().missed_ticks == 0
            assert opened.console == []
        (stage,) = summary.stages
        assert stage.judged_by == LOAD_CELL
        truth = pico.control({"get": True})
        assert truth["pellet_mpa"] == 0.0


@pytest.mark.slow
def test_contactor_and_on_off_release_follow_the_run(tmp_path: Path) -> None:
    release = {"drive": "on-off+proportional", "flow_ml_s_at_10_mpa": 2.0}
    described = PressDescription.model_validate({**NEAR, "release": release})
    with EmulatedPico(described, work_dir=tmp_path / "board") as pico:
        with contextlib.closing(_session(pico)) as session:
            give_profile(pico, session)
            at_rest = pico.control({"get": True})
            assert not at_rest["contactor"] and not at_rest["on_off_release_shut"]
        with Press.open(pico.url) as opened:
            run = opened.start(ONE_HOLD, out=tmp_path / "run", die="10 mm")
            until(lambda: opened.session.status().pressure_kpa > 20_000)
            pressing = pico.control({"get": True})
            assert pressing["contactor"] and pressing["on_off_release_shut"]
            pico.control({"set": {"emergency_stop": True}})
            until(lambda: opened.session.status().fault == Fault.EMERGENCY_STOP)
            stopped = pico.control({"get": True})
            assert not stopped["contactor"] and not stopped["on_off_release_shut"]
            until(lambda: pico.control({"get": True})["pellet_mpa"] == 0.0)
            run.wait()


def test_the_third_analogue_input_reads_the_oils_temperature(tmp_path: Path) -> None:
    press = PressDescription.model_validate({"controller": {"auxiliary": "oil-temperature"}})
    with (
        EmulatedPico(press, work_dir=tmp_path) as pico,
        contextlib.closing(_session(pico)) as session,
    ):
        give_profile(pico, session)
        assert session.status().oil_temperature_raw is None
    # The board learns it from the stored profile when it starts.
    with EmulatedPico(press, work_dir=tmp_path) as pico, Press.open(pico.url) as opened:
        temperature = opened.status().oil_temperature_c
        assert temperature is not None and abs(temperature - 23) < 0.1


@pytest.mark.slow
def test_the_third_analogue_input_reads_a_displacement(tmp_path: Path) -> None:
    press = PressDescription.model_validate(
        {
            **NEAR,
            "displacement": {"resolution_um": 1.0},
            "controller": {"auxiliary": "displacement"},
        }
    )
    with (
        EmulatedPico(press, work_dir=tmp_path / "board") as pico,
        contextlib.closing(_session(pico)) as session,
    ):
        give_profile(pico, session)
        assert CapabilityBits.DISPLACEMENT not in session.hello.capabilities
    with EmulatedPico(press, work_dir=tmp_path / "board") as pico, Press.open(pico.url) as opened:
        assert CapabilityBits.DISPLACEMENT in opened.hello.capabilities
        result = opened.run(ONE_HOLD, out=tmp_path / "run", die="10 mm").check()
        assert opened.console == []
        # A step of the chip's converter is 6 um of the range of 25 mm.
        closed = result.frame().displacement_mm
        assert closed.max() > 0.5


def test_the_buzzer_calls_while_a_fault_leaves_pressure(tmp_path: Path) -> None:
    with board(tmp_path) as (pico, session):
        give_profile(pico, session)
        assert not pico.control({"get": True})["buzzer"]
        # A broken wire: nothing is known of the pressure, so it counts as standing.
        pico.control({"sensor": "broken"})
        until(lambda: session.status().fault == Fault.SENSOR_LOW)
        until(lambda: pico.control({"get": True})["lamp"])
        until(lambda: pico.control({"get": True})["buzzer"])
        until(lambda: not pico.control({"get": True})["buzzer"])
