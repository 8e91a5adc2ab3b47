"""Prints what the tick waits for in the flash, by function and table.

    python -m pressloop_bench.speed.flash_misses [--state ramp]

It counts the lines that were not in the cache while an interrupt ran, and gives them the names of
the image's ELF file. What stands high in the list, for its size, belongs in the RAM
(firmware/boards_def/ram_code.txt).
"""

from __future__ import annotations

import argparse
import bisect
import subprocess
from collections import defaultdict
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


def lines_per_tick(state: str) -> list[float]:
    """Return for each line of the flash how often a tick waits for it, in a state of the press."""
    with BenchChip() as chip:
        bring_to(chip, state)
        chip.charge(buses=False, flash=True)
        chip.ask("live(5)")
        counters = chip.count_misses()
        before = chip.ask("c.tick_count")
        chip.ask(f"live({_TICKS})")
        ticks = chip.ask("c.tick_count") - before
        return [count / ticks for count in counters]


def by_symbol(lines: list[float], table: list[tuple[int, int, str]]) -> list[tuple[str, float]]:
    """Return how often a tick waits for each symbol, the most first. `table` is from `symbols`."""
    begins = [address for address, _size, _name in table]
    found: dict[str, float] = defaultdict(float)
    for line, count in enumerate(lines):
        if count:
            # Its last byte: the first one may belong to the neighbour before.
            address = _FLASH + line * LINE_BYTES
            at = bisect.bisect_right(begins, address + LINE_BYTES - 1) - 1
            begin, size, name = table[at]
            inside = not size or address < begin + size
            found[name if inside else f"behind {name}"] += count
    return sorted(found.items(), key=lambda item: -item[1])


def main() -> None:
    """Print the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", choices=STATES, default="ramp")
    parser.add_argument("--rows", type=int, default=60)
    arguments = parser.parse_args()
    table = symbols(find_image().with_suffix(".elf"))
    lines = lines_per_tick(arguments.state)
    print(f"{sum(lines):8.1f} lines of {LINE_BYTES} bytes per tick, {arguments.state}")
    for name, count in by_symbol(lines, table)[: arguments.rows]:
        print(f"{count:8.1f} {name}")


if __name__ == "__main__":
    main()
