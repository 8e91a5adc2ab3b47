"""Finds what the emulated board runs: MicroPython's unix port and the firmware."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Final

import platformdirs
import pressloop_sim

from pressloop.emulator import resources
from pressloop.errors import EmulatorError

INTERPRETER_VARIABLE: Final = "PRESSLOOP_MICROPYTHON"
FIRMWARE_VARIABLE: Final = "PRESSLOOP_FIRMWARE"

SIMULATOR: Final = Path(pressloop_sim.__file__).resolve().parent
"""The folder of the package `pressloop_sim`, which the board runs beside the firmware."""

# Digits of the source hash in the board's answer to hello.
_BUILD_DIGITS: Final = 16


def find_micropython() -> Path:
    """Return the MicroPython to run the firmware with.

    The places are searched in this order: $PRESSLOOP_MICROPYTHON, the checkout's build folder, the
    installed package, the user's cache folder, PATH.

    Raises:
        EmulatorError: There is none, or the variable does not name a program.
    """
    named = os.environ.get(INTERPRETER_VARIABLE)
    if named:
        program = shutil.which(named)
        if program is None:
            raise EmulatorError(
                f"{INTERPRETER_VARIABLE} is {named!r}, which is not a program",
                hint="set it to a MicroPython binary (unix port), or unset it",
                code="no-micropython",
            )
        return Path(program)
    places = (
        *resources.places(resources.MICROPYTHON),
        platformdirs.user_cache_path("pressloop") / "micropython" / "micropython",
    )
    for place in places:
        if os.access(place, os.X_OK):
            return place
    program = shutil.which("micropython")
    if program is None:
        raise EmulatorError(
            "the emulated board needs MicroPython's unix port, and there is none in "
            + ", ".join(str(place.parent) for place in places)
            + " or on PATH",
            hint=f"run `make setup` in a checkout, install Debian's package micropython, or set "
            f"{INTERPRETER_VARIABLE} to the binary",
            code="no-micropython",
        )
    return Path(program)


def find_firmware() -> Path:
    """Return the folder that holds the firmware package.

    It is the one that $PRESSLOOP_FIRMWARE names, else the checkout's, else the installed package's.

    Raises:
        EmulatorError: The firmware is not there.
    """
    named = os.environ.get(FIRMWARE_VARIABLE)
    folder = Path(named).resolve() if named else resources.places(resources.FIRMWARE)[0]
    if not (folder / "pressloop_fw" / "app.py").is_file():
        raise EmulatorError(
            f"there is no firmware in {folder}",
            hint=f"install a wheel of `make wheel`, or set {FIRMWARE_VARIABLE} to the firmware "
            "folder of a checkout",
            code="no-firmware",
        )
    return folder


def link_packages(folder: Path, firmware: Path) -> Path:
    """Make `folder` the one folder that MicroPython imports from, and return it.

    It holds links to `pressloop_fw` in `firmware` and to `pressloop_sim`, and nothing else, so that
    the board cannot import other packages of the host by mistake.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package in (firmware / "pressloop_fw", SIMULATOR):
        link = folder / package.name
        link.unlink(missing_ok=True)
        link.symlink_to(package, target_is_directory=True)
    return folder


def source_hash(package: Path) -> str:
    """Return the first hex digits of the SHA-256 over the firmware's sources, in order of name."""
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode() + b"\0")
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:_BUILD_DIGITS]
