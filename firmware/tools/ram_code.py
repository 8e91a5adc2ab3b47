"""Reads the list of what lies in the RAM (boards_def/ram_code.txt), for the build and its tests."""

from __future__ import annotations

from pathlib import Path

LIST = Path(__file__).resolve().parent.parent / "boards_def" / "ram_code.txt"
# The compiler gives each function and table a section of its own, and a clone of it a suffix.
_SUFFIXES = ("", ".isra.0", ".constprop.0", ".part.0")
# The machine code of frozen modules, all in one section.
_FROZEN_CODE = ".text"


def names() -> list[str]:
    """Return the names of functions and tables, in the order of the list."""
    lines = (line.partition("#")[0].strip() for line in LIST.read_text().splitlines())
    return [line for line in lines if line]


def objcopy_options() -> str:
    """Return options of objcopy, one per line, that rename the sections of `names`."""
    moved = [
        f".{kind}.{name}{suffix}"
        for name in names()
        for kind, suffixes in (("text", _SUFFIXES), ("rodata", ("",)))
        for suffix in suffixes
    ]
    return "".join(
        f"--rename-section {section}=.time_critical{section}\n"
        for section in (_FROZEN_CODE, *moved)
    )
