"""Set up this checkout: .venv with the pinned packages, MicroPython, the emulated Pico's loop.

What is up to date is left alone. The packages and MicroPython do not depend on each other and are
prepared at the same time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from phase import REPOSITORY, exit_code, run_together, say

ENVIRONMENT = REPOSITORY / ".venv"
MICROPYTHON_TOOL = REPOSITORY / "firmware" / "tools" / "micropython.py"


class Part(NamedTuple):
    """What is prepared once: up to date while its stamp is newer than all its sources.

    Attributes:
        title: What it is.
        stamp: The file that says that the part is done.
        sources: Files that it depends on.
    """

    title: str
    stamp: Path
    sources: tuple[Path, ...]

    def is_due(self) -> bool:
        """Return whether the part was never prepared, or a source has changed since."""
        if not all(path.exists() for path in (self.stamp, *self.sources)):
            return True
        done = self.stamp.stat().st_mtime_ns
        return any(source.stat().st_mtime_ns > done for source in self.sources)

    def set_done(self) -> None:
        """Write the stamp."""
        self.stamp.parent.mkdir(parents=True, exist_ok=True)
        self.stamp.touch()


HOST = REPOSITORY / "host"
PACKAGES = Part(
    "Python packages",
    ENVIRONMENT / ".installed",
    (HOST / "constraints.txt", HOST / "pyproject.toml", HOST / "tools" / "packages.py"),
)
INTERPRETER = Part(
    "MicroPython", REPOSITORY / "build" / "micropython" / ".ready", (MICROPYTHON_TOOL,)
)
FAST_CHIP = Part(
    "emulated Pico",
    REPOSITORY / "build" / "pico" / ".ready",
    (
        # It is compiled by a package for a package.
        PACKAGES.stamp,
        HOST / "src" / "pressloop" / "emulator" / "pico" / "fast_chip.pyx",
        HOST / "tools" / "speedup.py",
    ),
)


def set_up(environ: Mapping[str, str]) -> None:
    """Prepare the parts that are due.

    Raises SetupError when one cannot be prepared; what was finished until then is kept.
    """
    # A MicroPython that was named may be another one than last time, so it is looked at every time.
    is_named = bool(environ.get("MICROPYTHON") or environ.get("MICROPYTHON_SRC"))
    due = [
        part
        for part in (PACKAGES, INTERPRETER, FAST_CHIP)
        if part.is_due()
        or (part is INTERPRETER and is_named)
        # New packages make it due, before their stamp is there.
        or (part is FAST_CHIP and PACKAGES.is_due())
    ]
    if not due:
        return

    def prepare_environment() -> None:
        if PACKAGES in due:
            prepare_packages()
        if FAST_CHIP in due:
            prepare_fast_chip()

    titles = ", ".join(part.title for part in due)
    say(f"Setting up: {titles} (logs: build/logs)")
    run_together(prepare_environment, *([prepare_interpreter] if INTERPRETER in due else []))


def prepare_packages() -> None:
    """Install the pinned packages and `pressloop`."""
    import packages

    packages.prepare(ENVIRONMENT)
    PACKAGES.set_done()


def prepare_interpreter() -> None:
    """Find or build MicroPython."""
    import micropython

    micropython.unix(INTERPRETER.stamp.with_name("micropython"), os.environ)
    INTERPRETER.set_done()


def prepare_fast_chip() -> None:
    """Build the emulated Pico's inner loop; without it the emulated Pico works ten times slower."""
    import speedup

    if speedup.build_or_say(ENVIRONMENT / "bin" / "python"):
        FAST_CHIP.set_done()


if __name__ == "__main__":
    sys.path.append(str(MICROPYTHON_TOOL.parent))
    sys.exit(exit_code(lambda: set_up(os.environ)))
