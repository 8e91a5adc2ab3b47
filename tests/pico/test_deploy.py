"""`make deploy`: checks before copying, refusals, and a deployment onto stock MicroPython.

The deployment needs an image of stock MicroPython, which `make stock` builds, and rp2040py.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pressloop import errors
from pressloop.emulator.description import PressDescription
from pressloop.install import mpremote
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press

ROOT = Path(__file__).resolve().parents[2]
STOCK = ROOT / "build" / "stock-pico.uf2"

sys.path.insert(0, str(ROOT / "host" / "tools"))
try:
    import deploy
    import image
finally:
    sys.path.pop(0)

# sys.implementation._mpy of MicroPython 1.25 on a Pico, and on a Pico 2.
RP2040, RP2350 = 4870, 7942
PICO_SAYS: dict[str, Any] = {
    "version": [1, 25, 0],
    "machine": "Raspberry Pi Pico with RP2040",
    "mpy": RP2040,
    "image": False,
    "foreign": False,
    "block": 4096,
    "free": 350,
}


@pytest.fixture(autouse=True)
def build_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile into a folder of the test's own."""
    monkeypatch.setattr(deploy, "BUILD", tmp_path / "deploy")


@pytest.mark.parametrize(
    ("mpy", "architecture"), [(RP2040, "armv6m"), (RP2350, "armv7emsp")], ids=["pico", "pico2"]
)
def test_all_of_the_firmware_compiles_for_the_board(mpy: int, architecture: str) -> None:
    target = deploy.target_of(mpy)
    assert target == deploy.Target("6.3", architecture)
    files = deploy.compile_all(deploy.find_compiler(target), target)
    names = {path.relative_to(target.folder).as_posix() for path in files}
    assert {"pressloop_build.mpy", "pressloop_fw/boards/pico.mpy"} <= names
    sources = (ROOT / "firmware" / "pressloop_fw").rglob("*.py")
    assert len(names) == len(list(sources)) + 1
    # What the board would check: magic, version 6, the sub-version only where machine code is.
    for path in files:
        assert path.read_bytes()[:2] == b"M\x06"
    assert image.source_hash().encode() in (target.folder / "pressloop_build.mpy").read_bytes()


def test_a_board_without_machine_code_is_refused() -> None:
    with pytest.raises(errors.PressloopError, match="no machine code") as caught:
        deploy.target_of(774)
    assert caught.value.code == "no-native-code"


def test_a_compiler_of_another_version_is_named_and_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "mpy-cross"
    other.write_text("#!/bin/sh\necho 'MicroPython v1.40.0; mpy-cross emitting mpy v7.1'\n")
    other.chmod(0o755)
    monkeypatch.setenv("MPY_CROSS", str(other))
    with pytest.raises(errors.PressloopError) as caught:
        deploy.find_compiler(deploy.target_of(RP2040))
    assert caught.value.code == "no-compiler"
    assert "takes bytecode 6.3" in caught.value.message
    assert f"{other} writes 7.1" in caught.value.message
    assert "MPY_CROSS=" in caught.value.hint
    other.unlink()
    with pytest.raises(errors.PressloopError, match="writes nothing"):
        deploy.find_compiler(deploy.target_of(RP2040))


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"image": True}, "image-on-board"),
        ({"version": [1, 24, 1]}, "micropython-too-old"),
        ({"machine": "ESP32 module with ESP32"}, "wrong-board"),
        ({"foreign": True}, "foreign-main"),
    ],
)
def test_an_unfit_board_is_refused_before_it_is_changed(
    said: dict[str, Any], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpremote, "ask", lambda *_args, **_settings: PICO_SAYS | said)
    with pytest.raises(errors.PressloopError) as caught:
        deploy.examine("/dev/ttyACM0")
    assert caught.value.code == code
    assert caught.value.hint


def test_missing_changed_and_left_over_files_are_found(tmp_path: Path) -> None:
    target = deploy.target_of(RP2040)
    files = deploy.compile_all(deploy.find_compiler(target), target)
    held = {
        path.relative_to(target.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    deploy.verify(files, target, held)
    broken = held | {"pressloop_fw/pid.mpy": "00", "pressloop_fw/old.mpy": "11"}
    del broken["pressloop_build.mpy"]
    with pytest.raises(errors.PressloopError) as caught:
        deploy.verify(files, target, broken)
    assert caught.value.code == "verify-failed"
    for name in ("pressloop_fw/pid.mpy", "pressloop_fw/old.mpy", "pressloop_build.mpy"):
        assert name in caught.value.message


def test_a_full_flash_is_an_error_in_kib(tmp_path: Path) -> None:
    big = tmp_path / "big.mpy"
    big.write_bytes(bytes(8193))
    deploy.check_room([big], 4096, 11)
    with pytest.raises(errors.PressloopError, match="takes 44 KiB of flash, the board has 40 KiB"):
        deploy.check_room([big], 4096, 10)


def test_no_board_is_guessed(capfd: pytest.CaptureFixture[str]) -> None:
    assert deploy.main(["--port", ""]) == 3
    assert "make deploy PORT=" in capfd.readouterr().err


def test_a_port_that_is_not_there_ends_with_exit_code_3(capfd: pytest.CaptureFixture[str]) -> None:
    assert deploy.main(["--port", "/dev/ttyACM999"]) == 3
    assert "/dev/ttyACM999" in capfd.readouterr().err


SPEED = 8.0
"""How many times faster than the wall clock a boot and a host that does not read take."""

HOLD = """\
pressloop: 1
name: One step
die: 10 mm
ceiling: 250 MPa
on_host_loss: {action: hold, limit: 60 s}
host_timeout: 60 s
vent_rate: 60 MPa/s
stages:
  - name: densify
    ramp: {target: 60 MPa, rate: 30 MPa/s}
    hold: {duration: 10 s, tolerance: 3 %}
    release: {target: 0 MPa, rate: 60 MPa/s}
"""


@pytest.fixture
def stock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A Pico that runs stock MicroPython, and nothing else."""
    pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")
    from pressloop.emulator.pico import EmulatedPico

    if not STOCK.is_file():
        pytest.skip(f"there is no {STOCK.relative_to(ROOT)}: make stock")
    near = PressDescription.model_validate({"ram": {"approach_gap_mm": 0.3}})
    monkeypatch.setattr(mpremote, "_MODULE", "tests.pico.eager_mpremote")
    with EmulatedPico(near, image=STOCK, work_dir=tmp_path / "board", speed=SPEED) as board:
        yield board


def stop_reading_in_mid_ramp(board: Any) -> dict[str, Any]:
    """Stop reading the port for ten seconds of press time; return the press's state then."""
    now: dict[str, Any]
    while (now := board.control({"get": True}))["pellet_mpa"] < 20:
        time.sleep(0.05)
    board.control({"stall": True})
    ends_s = now["time_s"] + 10
    while (now := board.control({"get": True}))["time_s"] < ends_s:
        time.sleep(0.05)
    board.control({"stall": False})
    return now


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_stock_board_becomes_a_controller(stock: Any, tmp_path: Path) -> None:
    # On a busy machine a restart, or the ten seconds without an answer, may take minutes.
    deploy.deploy(stock.url, restart_limit_s=300)
    with Press.open(stock.url, reconnect_timeout_s=300) as press, ThreadPoolExecutor() as aside:
        assert press.hello.build == image.source_hash()
        assert " stdio" in press.hello.python
        press.write_profile(MachineProfile.from_fields(stock.press.nominal_profile()))
        stalled = aside.submit(stop_reading_in_mid_ramp, stock)
        result = press.run(HOLD, out=tmp_path / "run")
        assert stalled.result()["pellet_mpa"] == pytest.approx(60, rel=0.03)
        assert result.end_reason == "completed"
        assert result.summary.gaps == ()
        assert press.session.status().missed_ticks == 0
    assert stock.control({"get": True})["release"] == 1.0
