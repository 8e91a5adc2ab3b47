"""The simulated press gives the same numbers under CPython and MicroPython, bit for bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pressloop.emulator import description

ROOT = Path(__file__).resolve().parents[2]
PRESSES = sorted((ROOT / "examples" / "presses").glob("*.yaml"))

# Prints the bits of every state and reading of a minute with pressing, release and cracks.
TRAJECTORY = """
import binascii, json, struct, sys
sys.path.append(sys.argv[1])
from pressloop_sim.plant.ram_with_friction import build_plant
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.transducer import Transducer

with open(sys.argv[2]) as file:
    press = json.load(file)
rng = Rng(11)
plant = build_plant(press)
sensor = Transducer(
    Rng(12),
    press["sensor_full_scale_mpa"],
    press["sensor_offset_mpa"],
    press["sensor_span_factor"],
    press["sensor_noise_mpa"],
    press["sensor_lag_s"],
    0.01,
)
digest = 0
for tick in range(6000):
    if tick < 1500:
        pump, release = 0.9, 0.0
        if plant.pellet_mpa > 20:
            pump = 0.3
    elif tick % 25 == 0:
        wish = rng.bits() % 1024 / 1024
        pump, release = (0.0, 0.2 + 0.125 * wish) if wish < 0.3 else (0.5 * wish, 0.0)
    plant.pump.command = pump
    plant.release.command = release
    plant.step(0.01)
    state = struct.pack(
        "<dddI", plant.oil_mpa, plant.volume_mm3, plant.density(), sensor.sample(plant.oil_mpa)
    )
    digest = binascii.crc32(state, digest)
    if tick % 500 == 0:
        print(tick, binascii.hexlify(state).decode())
print(digest)
"""


@pytest.mark.parametrize("path", PRESSES, ids=lambda path: path.stem)
def test_both_interpreters_follow_the_same_trajectory(
    path: Path, tmp_path: Path, micropython: Path
) -> None:
    script = tmp_path / "trajectory.py"
    script.write_text(TRAJECTORY)
    config = tmp_path / "press.json"
    config.write_text(json.dumps(description.load(path).plant_config()))
    package = ROOT / "host" / "src"
    here, there = (
        subprocess.run(
            [*command, script, package, config], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for command in ([sys.executable], [micropython, "-X", "heapsize=8M"])
    )
    assert len(here) == 13
    assert there == here
