"""The shipped flash image on the emulated Pico: it boots, answers, presses, resets when it hangs.

Skipped where the image has not been built (`make firmware`) or rp2040py is not installed.
"""

from __future__ import annotations

import contextlib
import socket
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
from pressloop.profile import MachineProfile
from pressloop.session import Session
from pressloop.transport import open_transport
from pressloop.wire.schema import (
    Fault,
    HelloReply,
    InputBits,
    ProfileReadRequest,
    ProfileWriteRequest,
    ResetCause,
    StatusReply,
)

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 60.0

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
    """Talk to the firmware."""
    session = Session(lambda: open_transport(board.url), host="test", relink_s=2.0)
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


class Prompt:
    """MicroPython's prompt behind the board's port, as a person sees it."""

    def __init__(self, board: EmulatedPico) -> None:
        host, port = board.url.removeprefix("socket://").split(":")
        self._socket = socket.create_connection((host, int(port)), PATIENCE_S)

    def close(self) -> None:
        self._socket.close()

    def type(self, text: bytes, until: bytes) -> bytes:
        """Type and return what is printed up to and including `until`."""
        self._socket.sendall(text)
        seen = b""
        while until not in seen:
            data = self._socket.recv(4096)
            assert data, f"the port closed after {seen!r}"
            seen += data
        return seen


def await_reset(board: EmulatedPico, resets: int) -> None:
    """Wait until the chip was reset so often."""
    give_up = time.monotonic() + PATIENCE_S
    while board.control({"get": True})["resets"] < resets:
        assert time.monotonic() < give_up, "the watchdog did not reset the chip"
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
        # Read by the first tick, which a quick answer to hello comes before.
        while session.status().tick < 2:
            pass
        assert session.status().inputs == InputBits.GUARD_OPEN | InputBits.BUTTON
        pico.control({"set": {"guard_open": False, "emergency_stop": True}})
        until = time.monotonic() + PATIENCE_S
        while session.status().fault != Fault.EMERGENCY_STOP:
            assert time.monotonic() < until


def test_the_profile_outlives_a_power_cut(tmp_path: Path) -> None:
    with EmulatedPico(work_dir=tmp_path) as board, hello(board) as session:
        session.request(ProfileWriteRequest(**board.press.nominal_profile()))
        first = session.hello
        written = session.request(ProfileReadRequest())
    with EmulatedPico(work_dir=tmp_path) as board, hello(board) as session:
        assert session.hello.boot_id == first.boot_id + 1
        assert session.request(ProfileReadRequest()) == written


def test_an_idle_controller_gives_way_to_a_prompt_and_comes_back(pico: EmulatedPico) -> None:
    prompt = Prompt(pico)
    # As mpremote does it: interrupt, then raw mode, without a pause in between.
    prompt.type(b"\r\x03\r\x01", b"raw REPL; CTRL-B to exit\r\n>")
    assert b"OK42" in prompt.type(b"print(6*7)\x04", b"\x04>")
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


@pytest.mark.timeout(600)
def test_the_image_presses_three_steps(tmp_path: Path) -> None:
    press_near = PressDescription.model_validate({"ram": {"approach_gap_mm": 0.3}})
    with EmulatedPico(press_near, work_dir=tmp_path / "board") as board:
        with Press.open(board.url) as press:
            press.write_profile(MachineProfile.from_fields(board.press.nominal_profile()))
            began_s = board.control({"get": True})["time_s"]
            began = time.monotonic()
            result = press.run(THREE_STEPS, out=tmp_path / "run", on_prompt=lambda _prompt: True)
            press_s = board.control({"get": True})["time_s"] - began_s
            print(f"{press_s:.1f} s of press time at {press_s / (time.monotonic() - began):.2f}x")
            assert result.end_reason == "completed"
            assert press.session.status().missed_ticks == 0
            assert press.console == []
        assert board.control({"get": True})["release"] == 1.0


HANG = """
from pressloop_fw.app import App
from pressloop_fw.boards import pico
board = pico.PicoBoard()
app = App(board)
def hang(*_):
    while True:
        pico._wait_for_interrupt()
board.store("run", b"8 bytes.")
app.{what} = hang
app.run()
"""


@pytest.mark.parametrize("what", ["controller.tick", "poll"])
def test_what_hangs_ends_in_a_reset_and_an_honest_fault(pico: EmulatedPico, what: str) -> None:
    prompt = Prompt(pico)
    prompt.type(b"\r\x03\r\x01", b"raw REPL; CTRL-B to exit\r\n>")
    prompt.type(HANG.format(what=what).encode() + b"\x04", b"OK")
    await_reset(pico, 1)
    prompt.close()
    with hello(pico) as session:
        assert session.hello.reset_cause == ResetCause.WATCHDOG
        assert session.hello.last_fault == Fault.WATCHDOG
    state = pico.control({"get": True})
    assert (state["pump"], state["release"], state["lamp"]) == (0.0, 1.0, False)


def test_the_hash_in_the_image_is_that_of_the_sources(pico: EmulatedPico) -> None:
    from pressloop.emulator import process

    assert process._source_hash(ROOT / "firmware" / "pressloop_fw") == source_hash()
    with hello(pico) as session:
        if session.hello.build != source_hash():
            pytest.skip("the image is older than the sources: make firmware")
    # By which `pressloop flash` knows what must answer.
    assert uf2.read(find_image()).build == source_hash()
