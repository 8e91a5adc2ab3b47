"""Finds the drive of a Pico in its boot loader, and copies an image onto it.

A Pico that starts with BOOTSEL held shows itself as a USB drive and flashes the file that is copied
there. The drive is recognised by its file INFO_UF2.TXT, whose Board-ID names the chip: that file is
the same on every operating system, the place where the drive is mounted is not.
"""

from __future__ import annotations

import os
import re
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pressloop.errors import NoBoardError, PressloopError
from pressloop.install.uf2 import CHIPS, RP2040, RP2350, Image

INFO: Final = "INFO_UF2.TXT"
_BOARD_ID: Final = re.compile(r"^Board-ID:\s*(\S+)", re.MULTILINE)
# Board-IDs of the chips' boot ROMs, which are also the names of their drives.
_FAMILIES: Final = {"RPI-RP2": RP2040, "RP2350": RP2350}
_MOUNTS: Final = Path("/proc/self/mountinfo")
_LABELS: Final = Path("/dev/disk/by-label")


@dataclass(frozen=True)
class Drive:
    """The drive of one Pico in its boot loader."""

    path: Path
    family: int

    @property
    def chip(self) -> str:
        """Name of the board and its chip."""
        return CHIPS[self.family]

    def __str__(self) -> str:
        """Return place and chip in one line."""
        return f"{self.path} ({self.chip})"


def find_drives() -> list[Drive]:
    """Return the drives of all Picos in their boot loader, by path."""
    found = (read_drive(place) for place in sorted(set(mount_points())))
    return [drive for drive in found if drive is not None]


def read_drive(place: Path) -> Drive | None:
    """Return the drive that is mounted at `place`; None if it is not a Pico's."""
    try:
        info = (place / INFO).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    board = _BOARD_ID.search(info)
    family = _FAMILIES.get(board[1]) if board else None
    return Drive(place, family) if family is not None else None


def name_drive(place: Path) -> Drive:
    """Return the drive that the user named.

    Raises:
        NoBoardError: `no-drive`: no Pico's drive is mounted there.
    """
    drive = read_drive(place)
    if drive is None:
        raise NoBoardError(
            f"{place} is not the drive of a Pico in its boot loader: no {INFO} that names one",
            hint="hold BOOTSEL while plugging in the Pico, and name the folder where its drive "
            "RPI-RP2 (Pico) or RP2350 (Pico 2) is mounted",
            code="no-drive",
        )
    return drive


def mount_points() -> Iterator[Path]:
    """Yield the folders where drives are mounted on this system."""
    if sys.platform == "win32":
        # A and B are floppy drives, which take seconds to answer.
        yield from (Path(f"{letter}:/") for letter in string.ascii_uppercase[2:])
    elif sys.platform == "darwin":
        volumes = Path("/Volumes")
        yield from volumes.iterdir() if volumes.is_dir() else ()
    else:
        yield from parse_mounts(_MOUNTS.read_text(errors="replace") if _MOUNTS.exists() else "")


def parse_mounts(mountinfo: str) -> Iterator[Path]:
    """Yield the FAT drives' mount points of Linux's /proc/self/mountinfo (man 5 proc)."""
    for line in mountinfo.splitlines():
        fields, _, source = line.partition(" - ")
        if source.split(" ")[0] in ("vfat", "msdos"):
            point = fields.split(" ")[4]
            yield Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), point))


def unmounted() -> Path | None:
    """Return the device of a Pico's drive that Linux sees but that is not mounted."""
    for label in _FAMILIES:
        device = _LABELS / label
        if device.exists():
            return device
    return None


def write(image: Image, drive: Drive) -> None:
    """Copy an image onto a drive, which disappears after the last block.

    Raises:
        PressloopError: `write-failed`: the drive did not take all of it.
    """
    data = image.data
    written = 0
    try:
        with (drive.path / image.path.name).open("wb", buffering=0) as file:
            while written < len(data):
                written += file.write(data[written:])
            os.fsync(file.fileno())
    except OSError as error:
        # The board restarts after the last block, perhaps before this system closes the file.
        if written == len(data) and not (drive.path / INFO).exists():
            return
        raise PressloopError(
            f"cannot write to {drive.path}: {error.strerror or error}",
            hint="the Pico keeps its boot loader: hold BOOTSEL while plugging it in and try again",
            code="write-failed",
        ) from error
