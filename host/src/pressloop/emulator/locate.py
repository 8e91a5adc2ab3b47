"""Where the emulated board finds what it runs: MicroPython's unix port, and the firmware."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Final

import platformdirs
import pressloop_sim

from pressloop.errors import EmulatorError

INTERPRETER_VARIABLE: Final = "PRESSLOOP_MICROPYTHON"
FIRMWARE_VARIABLE: Final = "PRESSLOOP_FIRMWARE"

SIMULATOR: Final = Path(pressloop_sim.__file__).resolve().parent
"""The folder of the package `pressloop_sim`, which the board runs beside the firmware."""

_CHECKOUT: Final = Path(__file__).resolve().parents[4]
# Digits of the source hash that hello carries.
_BUILD_DIGITS: Final = 16


def find_micropython() -> Path:
    """Return the MicroPython to run the firmware with.

    Looked for in this order: $PRESSLOOP_MICROPYTHON, the checkout's build folder, the user's
    cache folder, PATH.

    Raises:
        EmulatorError: There is none, or the variable names no program.
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
        _CHECKOUT / "build" / "micropython" / "micropython",
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
            hint=f"run `make setup` in a checkout, or set {INTERPRETER_VARIABLE} to the binary",
            code="no-micropython",
        )
    return Path(program)


def find_firmware() -> Path:
    """Return the folder that holds the firmware package.

    $PRESSLOOP_FIRMWARE, else the checkout's.

    Raises:
        EmulatorError: The firmware is not there.
    """
    named = os.environ.get(FIRMWARE_VARIABLE)
    folder = Path(named).resolve() if named else _CHECKOUT / "firmware"
    if not (folder / "pressloop_fw" / "app.py").is_file():
        raise EmulatorError(
            f"there is no firmware in {folder}",
            hint=f"install from a checkout, or set {FIRMWARE_VARIABLE} to its firmware folder",
            code="no-firmware",
        )
    return folder


def link_packages(folder: Path, firmware: Path) -> Path:
    """Make `folder` the one folder that MicroPython imports from, and return it.

    It holds `pressloop_fw` from `firmware`, and `pressloop_sim`, and nothing else: what else lies
    beside either package on the host cannot be imported on the board by mistake.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package in (firmware / "pressloop_fw", SIMULATOR):
        link = folder / package.name
        link.unlink(missing_ok=True)
        link.symlink_to(package, target_is_directory=True)
    return folder


def source_hash(package: Path) -> str:
    """Return the first hex digits of the SHA-256 over the firmware's source files, by name."""
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode() + b"\0")
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:_BUILD_DIGITS]
