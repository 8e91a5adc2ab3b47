"""Build the emulated Pico's inner loop for .venv's Python, as a step of the set-up.

It only makes the emulated Pico faster: where it cannot be built, one line says why, and the set-up
continues.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from phase import LOGS, SetupError, apt_install, run, say

NOTICE = "the emulated Pico stays ten times slower"
"""Beginning of the line in which `pressloop.emulator.pico.speedup` says what is missing."""

_HEADERS = "import sysconfig; print(sysconfig.get_path('include') + '/Python.h')"
_VERSION = "import sys; print('python{}.{}-dev'.format(*sys.version_info))"
_LOG = LOGS / "emulated-pico.log"


def build(python: Path) -> None:
    """Build the inner loop for the Python at this path.

    Raises SetupError when something is missing that this process may not install.
    """
    missing = []
    if not Path(_ask(python, _HEADERS)).is_file():
        missing.append(_ask(python, _VERSION))
    # MicroPython, which is built at the same time, may be installing one just now.
    if not any(shutil.which(compiler) for compiler in ("cc", "gcc")):
        missing.append("build-essential")
    if missing:
        apt_install(*missing)
    run("Emulated Pico, inner loop", _LOG, python, "-m", "pressloop.emulator.pico.speedup")


def _ask(python: Path, question: str) -> str:
    return subprocess.run(
        [python, "-c", question], capture_output=True, text=True, check=True
    ).stdout.strip()


def build_or_say(python: Path) -> bool:
    """Build the inner loop; if it cannot be built, say why in one line and return False."""
    try:
        build(python)
    except SetupError as error:
        lines = [line.strip("| ") for line in str(error).splitlines()]
        reason = next((line for line in lines if line.startswith(NOTICE)), lines[0])
        say(f"  {NOTICE}: {reason.removeprefix(NOTICE + ': ')}")
        return False
    return True
