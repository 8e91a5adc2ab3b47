"""The firmware, mpremote and a terminal share one USB port: shipped image, real mpremote.

Skipped where the image has not been built (`make firmware`) or rp2040py is not installed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.description import PressDescription
from pressloop.emulator.pico import EmulatedPico
from pressloop.emulator.pico.process import find_image
from pressloop.errors import BoardTimeoutError, EmulatorError, PressloopError
from pressloop.install import flashing, mpremote, uf2
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.session.session import Session
from pressloop.transport.transport import open_transport
from pressloop.wire.schema import Fault, ResetCause, State

try:
    find_image()
except EmulatorError as error:
    pytest.skip(f"{error}; {error.hint}", allow_module_level=True)

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "host" / "tools"))
try:
    import deploy
finally:
    sys.path.pop(0)

pytestmark = pytest.mark.slow

MAX_WAIT_S = 60.0


@pytest.fixture
def pico(tmp_path: Path) -> Iterator[EmulatedPico]:
    """A controller at rest that has started: its firmware has answered."""
    near = PressDescription.model_validate({"ram": {"approach_gap_mm": 0.3}})
    with EmulatedPico(near, work_dir=tmp_path / "board") as board:
        ask(board)
        yield board


def ask(board: EmulatedPico) -> Session:
    """Open a session, check that the controller is idle, and close the port."""
    session = Session(lambda: open_transport(board.url), host="test", reconnect_timeout_s=2.0)
    assert session.status().state is State.IDLE
    session.close()
    return session


def test_mpremote_gets_the_prompt_of_an_idle_controller_and_gives_it_back(
    pico: EmulatedPico, tmp_path: Path
) -> None:
    assert mpremote.run(pico.url, "exec", "print(6*7)").strip() == "42"
    # Outputs are safe and the watchdog is off while the board is at the prompt.
    state = pico.control({"get": True})
    assert (state["pump"], state["release"], state["lamp"]) == (0.0, 1.0, False)
    assert "boots" in mpremote.run(pico.url, "fs", "ls", ":pressloop")
    note = tmp_path / "note.txt"
    note.write_bytes(bytes(range(256)) * 3)
    back = tmp_path / "back.txt"
    copy = ("fs", "cp", note, ":note.txt", "+", "fs", "cp", ":note.txt", back)
    mpremote.run(pico.url, *copy, "+", "fs", "rm", ":note.txt")
    assert back.read_bytes() == note.read_bytes()

    # mpremote leaves the board at the prompt; the SDK's error says so and how to leave it.
    with pytest.raises(BoardTimeoutError, match="prompt") as caught:
        Session(lambda: open_transport(pico.url), host="test", waits_s=(0.5, 0.5))
    assert "Ctrl-D" in caught.value.hint

    # What an earlier `make deploy` left in the flash must not run instead of the image.
    older = (
        "import os; os.mkdir('/pressloop_fw'); open('/pressloop_fw/__init__.py', 'w').write('!')"
    )
    mpremote.run(pico.url, "exec", older, "+", "reset")
    hello = ask(pico).hello
    assert (hello.boot_id, hello.reset_cause, hello.last_fault) == (2, ResetCause.HARD, Fault.NONE)


def test_ctrl_d_at_the_prompt_brings_the_controller_back(pico: EmulatedPico) -> None:
    # mpremote leaves the board at the prompt, where a person then types.
    mpremote.run(pico.url, "exec", "print()")
    transport = open_transport(pico.url)
    transport.write(b"\x04")
    seen = b""
    until = time.monotonic() + MAX_WAIT_S
    while b"soft reboot" not in seen and time.monotonic() < until:
        seen += transport.read()
    transport.close()
    assert ask(pico).hello.boot_id == 2


def test_a_traceback_of_the_firmware_is_on_the_console_and_latches(pico: EmulatedPico) -> None:
    program = """
from pressloop_fw.app import App
from pressloop_fw.boards import pico
app = App(pico.PicoBoard())
drain = app.server.drain
def fails_once():
    app.server.drain = drain
    1 // 0
def wait_for_a_host():
    drain()
    if app.link.session:
        app.server.drain = fails_once
app.server.drain = wait_for_a_host
app.run()
"""
    mpremote.run(pico.url, "exec", "--no-follow", program)
    session = Session(lambda: open_transport(pico.url), host="test", reconnect_timeout_s=2.0)
    until = time.monotonic() + MAX_WAIT_S
    while session.status().fault is not Fault.INTERNAL:
        assert time.monotonic() < until
    console = "\n".join(session.console)
    assert "Traceback (most recent call last):" in console
    assert "fails_once" in console and "ZeroDivisionError" in console
    session.close()


HOLD = """\
pressloop: 1
name: One step
die: 10 mm
ceiling: 250 MPa
on_host_loss: {action: hold, limit: 120 s}
host_timeout: 60 s
vent_rate: 60 MPa/s
stages:
  - name: densify
    ramp: {target: 60 MPa, rate: 60 MPa/s}
    hold: {duration: 20 s, tolerance: 3 %}
    release: {target: 0 MPa, rate: 60 MPa/s}
"""


@pytest.mark.timeout(600)
def test_a_running_press_keeps_its_port(pico: EmulatedPico, tmp_path: Path) -> None:
    with Press.open(pico.url) as press:
        press.write_profile(MachineProfile.from_fields(pico.press.nominal_profile()))
        run = press.start(HOLD, out=tmp_path / "run")
        until = time.monotonic() + MAX_WAIT_S
        while press.session.status().state is not State.RUNNING:
            assert time.monotonic() < until
        run.detach()
    # Everything that would change the firmware is refused.
    image = uf2.Image(find_image(), uf2.RP2040, "0123456789abcdef", b"")
    for change in (
        lambda: deploy.deploy(pico.url),
        lambda: flashing.flash([image], port=pico.url, place=None, say=print),
    ):
        with pytest.raises(PressloopError) as caught:
            change()
        assert caught.value.code == "run-active"
    # mpremote sends Ctrl-C and Ctrl-A, and gives up after ten seconds.
    command = [sys.executable, "-m", "mpremote", "connect", pico.url, "exec", "print(6*7)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "could not enter raw repl" in done.stdout + done.stderr
    with Press.reopen(tmp_path / "run", port=pico.url) as press:
        assert press.hello.boot_id == 1
        result = press.attach(tmp_path / "run").result()
        assert result.end_reason == "completed"
        assert result.summary.gaps == ()
        assert press.session.status().missed_ticks == 0
