"""Reads the list of what lies in the RAM (boards_def/ram_code.txt), for the build and its tests."""

from __future__ import annotations

import re
from pathlib import Path

LIST = Path(__file__).resolve().parent.parent / "boards_def" / "ram_code.txt"
# The compiler gives each function and table a section of its own, and a clone of it a suffix.
_CLONES = ("", ".isra.0", ".constprop.0", ".part.0")
# MicroPython numbers the functions in machine code of a module, the first one without a number.
_NUMBERS = ("", *map(str, range(2, 20)))
_IN_NAMES = {"/": "_slash_", ".": "_dot_"}


def listed() -> list[str]:
    """Return functions, tables, modules and makers, in the order of the list."""
    lines = (line.partition("#")[0].strip() for line in LIST.read_text().splitlines())
    return [line for line in lines if line]


def symbols(entry: str) -> list[str]:
    """Return the names that an entry of the list can have in the image; not all need exist."""
    path, _, maker = entry.partition(":")
    if not path.endswith(".py"):
        return [entry + clone for clone in _CLONES]
    within = path.removesuffix(".py").replace("/", "_")
    if maker:
        within += "_" + maker
    file = re.sub(r"[/.]", lambda sign: _IN_NAMES[sign[0]], path)
    return [f"fun_data_{within}_{file}{number}" for number in _NUMBERS]


def objcopy_options() -> str:
    """Return options of objcopy, one per line, that rename the sections of what is listed."""
    return "".join(
        f"--rename-section .{kind}.{symbol}=.time_critical.{kind}.{symbol}\n"
        for entry in listed()
        for symbol in symbols(entry)
        for kind in ("text", "rodata")
    )
