"""Builds the emulated chip's inner loop: `python -m pressloop.emulator.pico.speedup`.

Without it the emulated Pico does the same, ten times slower. Building needs a C compiler,
Python's header files and the package Cython (part of `pressloop[pico]`), and takes a few seconds,
once: what was built is kept in the checkout's build folder, else in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Final

import platformdirs

SOURCE: Final = Path(__file__).with_name("fast_chip.pyx")

_CHECKOUT: Final = Path(__file__).resolve().parents[5]
_NAME: Final = f"{__package__}.{SOURCE.stem}"
_KEY_DIGITS: Final = 16


class SpeedupError(Exception):
    """It cannot be built; the text says what is missing."""


def load() -> ModuleType | None:
    """Return the built module, or None where it was not built for this Python and rp2040py."""
    path = _place()
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location(_NAME, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build() -> Path:
    """Build the module if it is not there, and return its path.

    Raises:
        SpeedupError: Something that is needed is missing, or the compiler failed.
    """
    path = _place()
    if path.is_file():
        return path
    compiler = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc -shared")
    if shutil.which(compiler[0]) is None:
        # The compiler that built this Python need not be the one that this machine has.
        compiler[0] = shutil.which("cc") or shutil.which("gcc") or ""
    if not compiler[0]:
        raise SpeedupError("there is no C compiler (Debian: apt-get install gcc)")
    headers = sysconfig.get_path("include")
    if not Path(headers, "Python.h").is_file():
        wanted = f"python{sys.version_info[0]}.{sys.version_info[1]}-dev"
        raise SpeedupError(f"{headers} has no Python.h (Debian: apt-get install {wanted})")
    for package in ("Cython", "rp2040py"):
        if importlib.util.find_spec(package) is None:
            raise SpeedupError(f"the package {package} is missing (pip install 'pressloop[pico]')")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        c, library = Path(folder, "fast_chip.c"), Path(folder, path.name)
        # Cython finds rp2040py's interface on the path that Python finds rp2040py on.
        _run(sys.executable, "-m", "cython", "-3", "-o", c, SOURCE)
        flags = ("-O3", "-fPIC", "-fwrapv", "-DNDEBUG", "-w", f"-I{headers}")
        _run(*compiler, *flags, c, "-o", library)
        # Another process may be building the same: the last one wins, and both are right.
        library.replace(path)
    return path


def _place() -> Path:
    """Return where the module for this Python, this rp2040py and this source belongs."""
    try:
        version = importlib.metadata.version("rp2040py")
    except importlib.metadata.PackageNotFoundError:
        version = "none"
    suffix = sysconfig.get_config_var("EXT_SUFFIX") or ".so"
    key = hashlib.sha256(SOURCE.read_bytes() + f"{version}{suffix}{sys.version}".encode())
    in_checkout = (_CHECKOUT / "Makefile").is_file() and (_CHECKOUT / "firmware").is_dir()
    root = _CHECKOUT / "build" if in_checkout else platformdirs.user_cache_path("pressloop")
    return root / "pico" / key.hexdigest()[:_KEY_DIGITS] / (SOURCE.stem + suffix)


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        words = " ".join(str(word) for word in command)
        raise SpeedupError(f"this failed: {words}\n{done.stdout}{done.stderr}")


def main() -> int:
    """Build, and say in one line how it went."""
    try:
        path = build()
    except SpeedupError as error:
        print(f"the emulated Pico stays ten times slower: {error}", file=sys.stderr)
        return 1
    print(f"the emulated Pico's inner loop is in {path}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
