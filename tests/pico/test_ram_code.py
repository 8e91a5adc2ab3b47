"""What the tick executes lies in the RAM: the list, and what the chip still waits for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.pico import speedup
from pressloop.emulator.pico.process import find_image
from pressloop.errors import EmulatorError
from pressloop_bench.speed.chip import BenchChip
from pressloop_bench.speed.chip_speed import STATES
from pressloop_bench.speed.flash_misses import lines_per_tick

sys.path.insert(0, str(Path(__file__).parents[2] / "firmware" / "tools"))
import ram_code

# In 8-byte lines: 0.1 ms. Without the list it was 2800 in a ramp.
MAX_LINES = 200
# What the tick and a run may not leave the rest of the firmware short of.
MIN_FREE_BYTES = 30_000


@pytest.fixture(scope="module")
def image() -> Path:
    try:
        return find_image()
    except EmulatorError as error:
        pytest.skip(error.message)


def test_all_that_is_listed_lies_in_the_ram(image: Path) -> None:
    elf = image.with_suffix(".elf")
    if not elf.is_file() or shutil.which("arm-none-eabi-nm") is None:
        pytest.skip("the image was not built here")
    rows = subprocess.run(
        ["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    in_ram = {row.split()[2] for row in rows if row.startswith("2000")}
    missing = [name for name in ram_code.listed() if in_ram.isdisjoint(ram_code.symbols(name))]
    assert missing == []


@pytest.mark.parametrize("state", STATES)
def test_the_tick_hardly_waits_for_the_flash(image: Path, state: str) -> None:
    if speedup.load() is None:
        pytest.skip("the inner loop is not built: python -m pressloop.emulator.pico.speedup")
    assert sum(lines_per_tick(state)) <= MAX_LINES


def test_code_in_the_ram_leaves_the_heap_its_room(image: Path) -> None:
    with BenchChip() as chip:
        chip.run(
            "import gc\nfrom pressloop_fw.boards import pico\nfrom pressloop_fw.app import App"
        )
        chip.run("app = App(pico.PicoBoard())\ngc.collect()")
        assert chip.ask("gc.mem_free()") >= MIN_FREE_BYTES


def test_a_tick_that_hangs_before_the_foreground_has_looked_is_told() -> None:
    """The registers that a reset keeps say which of both had gone on, from the first tick on."""
    with BenchChip() as chip:
        chip.run("import time\nfrom pressloop_fw.boards import pico\nboard = pico.PicoBoard()")
        chip.run("board.start_tick(lambda missed: board.safe())\ntime.sleep_ms(100)")
        # The tick stands still from here on, and so does its count.
        assert chip.ask("(board._tick_timer.stop(), pico._read_kept()[1])") == (None, True)
    with BenchChip() as chip:
        chip.run("import time\nfrom pressloop_fw.boards import pico\nboard = pico.PicoBoard()")
        chip.run("board.start_tick(lambda missed: board.safe())\ntime.sleep_ms(1500)")
        assert chip.ask("(board._tick_timer.stop(), pico._read_kept()[1])") == (None, False)
