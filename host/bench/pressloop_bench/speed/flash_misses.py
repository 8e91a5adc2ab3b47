"""Prints what the tick waits for in the flash, by function and table.

    python -m pressloop_bench.speed.flash_misses [--state ramp]

It counts the lines that were not in the cache while an interrupt ran, and gives them the names of
the image's ELF file. What stands high in the list belongs in the RAM (firmware/boards_def/ram_code.ld).
"""

from __future__ import annotations

import argparse
import bisect
import subprocess
from array import array
from collections import Counter
from pathlib import Path
from typing import Final

from pressloop.emulator.pico.process import find_image

from pressloop_bench.speed.chip import LINE_BYTES, BenchChip
from pressloop_bench.speed.chip_speed import STATES, bring_to

_TICKS: Final = 50
_FLASH: Final = 0x10000000


def symbols(elf: Path) -> list[tuple[int, int, str]]:
    """Return address, size in bytes and name of everything in the flash, by address."""
    listing = subprocess.run(
        ["arm-none-eabi-nm", "-S", elf], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listing.splitlines()]
    # Assembler has no sizes.
    found = [(int(row[0], 16), int(row[1], 16) if row[3:] else 0, row[-1]) for row in rows]
    return sorted(row for row in found if row[0] >> 28 == _FLASH >> 28)


def misses(state: str) -> dict[str, float]:
    """Return lines fetched per tick by symbol, the most first, in a state of the press."""
    table = symbols(find_image().with_suffix(".elf"))
    begins = [address for address, _size, _name in table]
    found: Counter[str] = Counter()
    with BenchChip() as chip:
        bring_to(chip, state)
        chip.charge(buses=False, flash=True)
        chip.ask("live(5)")
        lines = chip.count_misses()
        before = chip.ask("c.tick_count")
        chip.ask(f"live({_TICKS})")
        ticks = chip.ask("c.tick_count") - before
        for line, count in enumerate(lines):
            if count:
                # Its last byte: the first one may belong to the neighbour before.
                address = _FLASH + line * LINE_BYTES
                at = bisect.bisect_right(begins, address + LINE_BYTES - 1) - 1
                begin, size, name = table[at]
                inside = not size or address < begin + size
                found[name if inside else f"behind {name}"] += count
    return {name: count / ticks for name, count in found.most_common()}


def main() -> None:
    """Print the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", choices=STATES, default="ramp")
    parser.add_argument("--rows", type=int, default=60)
    arguments = parser.parse_args()
    found = misses(arguments.state)
    print(f"{sum(found.values()):8.1f} lines of {LINE_BYTES} bytes per tick, {arguments.state}")
    for name, count in list(found.items())[: arguments.rows]:
        print(f"{count:8.1f} {name}")


if __name__ == "__main__":
    main()
