"""Define the result of a check of `pressloop doctor`, and the computer that the checks look at."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from pressloop.transport.discovery import FoundPort, list_serial_ports

Grade = Literal["ok", "warn", "bad"]

_MAX_COMMAND_S: Final = 10


@dataclass(frozen=True)
class Diagnosis:
    """The result of one check.

    Attributes:
        check: Name of the check.
        grade: `bad` prevents pressing, `warn` may.
        what: What was found, and what it causes.
        mend: Command or action that mends it; empty where nothing is wrong.
    """

    check: str
    grade: Grade
    what: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the result as plain data, for JSON."""
        return {"check": self.check, "grade": self.grade, "what": self.what, "mend": self.mend}


def run_command(arguments: Sequence[str]) -> str | None:
    """Return what a program of the system prints; None if there is no such program."""
    if shutil.which(arguments[0]) is None:
        return None
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, timeout=_MAX_COMMAND_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip()


def may_open(path: Path) -> bool:
    """Return whether this user may read and write a device."""
    return os.access(path, os.R_OK | os.W_OK)


@dataclass(frozen=True)
class Computer:
    """The computer that is looked at; the tests replace its parts.

    Attributes:
        port: Port that the user named; None for the boards on USB.
        folder: Folder in which records are written.
        root: Folder in which `etc`, `dev`, `proc` and `usr` are.
        ports: Lists the serial ports on USB.
        command: Runs a program of the system.
        may_open: Whether this user may open a device.
        groups: Names of the groups of this process.
        now_s: Time of the clock.
        is_linux: Whether devices and services are Linux's.
    """

    port: str | None = None
    folder: Path = field(default_factory=Path.cwd)
    root: Path = Path("/")
    ports: Callable[[], list[FoundPort]] = list_serial_ports
    command: Callable[[Sequence[str]], str | None] = run_command
    may_open: Callable[[Path], bool] = may_open
    now_s: Callable[[], float] = time.time
    is_linux: bool = os.uname().sysname == "Linux" if hasattr(os, "uname") else False

    def devices(self) -> list[str]:
        """Return the serial ports to look at: the named one, else those with a Pico's chip."""
        found = self.ports()
        if self.port is None:
            return [port.path for port in found if port.is_board or port.is_unflashed]
        if "://" in self.port or self.port.partition(":")[0] == "emulated":
            return []
        by_serial = [p.path for p in found if p.serial_number.upper() == self.port.upper()]
        return by_serial or [self.port]
