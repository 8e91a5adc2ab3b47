"""The emulated chip's inner loop in machine code gives the same as rp2040py's own loop."""

from __future__ import annotations

import gc
import hashlib
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.pico import chip, speedup
from pressloop.emulator.pico.process import find_image
from pressloop.emulator.pico.usb_host import UsbHost
from pressloop.errors import EmulatorError

ROOT = Path(__file__).resolve().parents[2]
STEP_S = 0.01
STEPS = 36
INTERRUPT_AT, TYPE_AT = 24, 28
# Every kind of division, floats and long integers, loops and calls.
SUM = b"sum(x*x//3 - x%7 + int(x/7) for x in range(-99, 99)), 1/3, 7**50 // -9\r\n"


def trail(folder: Path) -> tuple[list[object], bytes]:
    """Boot the image, type a sum at the prompt, and record the whole chip after every step."""
    folder.mkdir()
    board = chip.Chip(find_image(), folder / "flash.bin")
    said = bytearray()
    usb = UsbHost(board.mcu, said.extend)
    seen: list[object] = []
    for step in range(STEPS):
        board.run(STEP_S)
        if usb.connected:
            usb.open(True)
        if step == INTERRUPT_AT:
            usb.send(b"\x03")
        if step == TYPE_AT:
            usb.send(SUM)
        core = board.mcu.core
        ram = hashlib.sha256(bytes(board.mcu.sram)).hexdigest()
        seen.append((board.mcu.clock.nanos, core.cycles, list(core.registers), core.apsr, ram))
    return seen, bytes(said)


@pytest.mark.slow
def test_it_is_the_same_chip_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        find_image()
    except EmulatorError as error:
        pytest.skip(f"{error}; {error.hint}")
    if speedup.load() is None:
        pytest.skip("the inner loop is not built: python -m pressloop.emulator.pico.speedup")
    fast, said = trail(tmp_path / "fast")
    # rp2040py's own loop is exact if it checks the peripherals' clock after every instruction.
    monkeypatch.setattr(chip, "_CLOCK_BATCH", 1)
    monkeypatch.setattr(speedup, "load", lambda: None)
    slow, said_slowly = trail(tmp_path / "slow")
    for step, (one, other) in enumerate(zip(fast, slow, strict=True)):
        assert one == other, f"they part in step {step}"
    assert said == said_slowly
    expected = sum(x * x // 3 - x % 7 + int(x / 7) for x in range(-99, 99))
    assert b"(%d, 0.3333333, %d)" % (expected, 7**50 // -9) in said


def test_chips_come_and_go(tmp_path: Path) -> None:
    """Each one took a reference to its type with it, and the eighth was the end of the process."""
    try:
        image = find_image()
    except EmulatorError as error:
        pytest.skip(f"{error}; {error.hint}")
    references = []
    for turn in range(3):
        board = chip.Chip(image, tmp_path / f"flash-{turn}.bin")
        kind = type(board.mcu)
        del board
        gc.collect()
        references.append(sys.getrefcount(kind))
    assert references[0] == references[1] == references[2]


def test_a_missing_requirement_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speedup, "_place", lambda: Path("/nowhere/fast_chip.so"))
    monkeypatch.setattr("sysconfig.get_path", lambda name: "/nowhere")
    with pytest.raises(speedup.SpeedupError, match=r"/nowhere has no Python.h .*-dev\)"):
        speedup.build()
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(speedup.SpeedupError, match="there is no C compiler"):
        speedup.build()
    assert speedup.load() is None


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """host/tools/speedup.py as a module."""
    monkeypatch.syspath_prepend(ROOT / "host" / "tools")
    monkeypatch.delitem(sys.modules, "speedup", raising=False)
    return importlib.import_module("speedup")


def test_the_set_up_continues_without_it(
    step: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(step, "_HEADERS", "print('/nowhere/Python.h')")

    def refuse(*packages: str) -> None:
        raise step.SetupError(f"Missing: {packages[0]}. Run: sudo apt-get install {packages[0]}")

    monkeypatch.setattr(step, "apt_install", refuse)
    assert not step.build_or_say(Path(sys.executable))
    said = capsys.readouterr().err
    assert said.startswith(f"  {step.NOTICE}: Missing: python3.") and said.count("\n") == 1


def test_the_set_up_installs_the_compiler_that_is_missing(
    step: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []
    monkeypatch.setattr(step, "apt_install", lambda *packages: installed.extend(packages))
    monkeypatch.setattr(step, "run", lambda *step: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    step.build(Path(sys.executable))
    assert installed[-1] == "build-essential"


def test_it_says_where_it_is() -> None:
    command = (sys.executable, "-m", "pressloop.emulator.pico.speedup")
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode:
        assert said.stderr.startswith("the emulated Pico stays ten times slower: ")
    else:
        assert said.stderr.startswith("the emulated Pico's inner loop is in ")
