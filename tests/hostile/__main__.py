"""`make fuzz`: hostile input for everything that reads bytes, of the host and of the board.

The same seed gives the same inputs. An input that breaks a promise is written into
tests/hostile/corpus, where `make test` tries it from then on.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from pressloop.emulator import locate
from pressloop.errors import PressloopError

from tests.firmware.mutate import Mutator
from tests.hostile.host_targets import ROOT, Target, targets
from tests.hostile.record_flips import unnoticed_flips

CORPUS = ROOT / "tests" / "hostile" / "corpus"
BOARD_TARGETS = ("lines", "requests", "maps", "profiles", "journals")


def main() -> int:
    """Attack host and board; return 1 if an input broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", type=int, default=1_000_000, help="inputs for the host")
    parser.add_argument("--board", type=int, default=100_000, help="inputs for the board")
    parser.add_argument(
        "--flips", type=int, default=1000, help="bits flipped in each file of a record"
    )
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    found = 0
    print(f"{'target':20}{'inputs':>10}{'refused':>10}{'seconds':>9}")
    with tempfile.TemporaryDirectory(prefix="pressloop-hostile-") as scratch:
        for name, target in targets(Path(scratch)).items():
            count = max(1, chosen.host * target.share // 1000)
            found += attack_host(name, target, count, chosen.seed)
        for name, bits in unnoticed_flips(Path(scratch), chosen.flips, chosen.seed).items():
            print(f"{name}: flipped bits that were not noticed: {bits}")
            found += 1
        print(f"{'bits in a record':20}{chosen.flips:10}  flipped in each of its files")
    found += attack_board(chosen.board, chosen.seed)
    return min(found, 1)


def attack_host(name: str, target: Target, count: int, seed: int) -> int:
    """Give a target `count` hostile inputs; keep those that break it, and return how many."""
    mutator = Mutator(seed, target.tokens)
    began = time.monotonic()
    refused = found = 0
    for _ in range(count):
        sound = target.sound[mutator.below(len(target.sound))]
        data = mutator.damaged(sound)
        try:
            target.take(data)
        except PressloopError:
            refused += 1
        except Exception:
            found += 1
            traceback.print_exc(limit=-4)
            keep(name, data)
    print(f"{name:20}{count:10}{refused:10}{time.monotonic() - began:9.1f}", flush=True)
    return found


def attack_board(count: int, seed: int) -> int:
    """Attack the firmware on MicroPython; keep what breaks it, and return how many did."""
    micropython = locate.find_micropython()
    firmware = ROOT / "tests" / "firmware"
    with tempfile.TemporaryDirectory(prefix="pressloop-hostile-") as folder:
        path = locate.link_packages(Path(folder), ROOT / "firmware")
        began = time.monotonic()
        printed = subprocess.run(
            [micropython, "-X", "heapsize=16M", "hostile.py", str(count), str(seed)],
            cwd=firmware,
            env={**os.environ, "MICROPYPATH": f"{path}:{firmware}"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    found = 0
    for line in printed.splitlines():
        name, _, rest = line.partition(" ")
        if name not in BOARD_TARGETS:
            print(line)
            continue
        inputs, _, data = rest.partition(" ")
        print(f"{'board: ' + name:20}{inputs:>10}")
        if data:
            found += 1
            keep(name, bytes.fromhex(data))
    print(f"{'board: all':20}{count:10}{'':10}{time.monotonic() - began:9.1f}", flush=True)
    return found


def keep(name: str, data: bytes) -> None:
    """Write an input into the corpus."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:12]
    path.write_bytes(data)
    print(f"kept as {path.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
