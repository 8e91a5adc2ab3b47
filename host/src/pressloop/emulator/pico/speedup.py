"""Builds the emulated chip's inner loop: `python -m pressloop.emulator.pico.speedup`.

Without it the emulated Pico does the same, ten times slower. Building needs a C compiler,
Python's header files and the package Cython (part of `pressloop[pico]`), and takes some seconds,
once: the result is kept in the checkout's build folder, else in the user's cache folder. The first
emulated Pico builds it without being asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import platformdirs

from pressloop.emulator import resources

SOURCE: Final = Path(__file__).with_name("fast_chip.pyx")

_NAME: Final = f"{__package__}.{SOURCE.stem}"
_KEY_DIGITS: Final = 16


class SpeedupError(Exception):
    """The module cannot be built; the text says what is missing."""


def load() -> ModuleType | None:
    """Return the built module; None if there is none for this Python and rp2040py."""
    path = _place()
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location(_NAME, path)
    if spec is None or spec.loader is None:
        return None  # no name of a module that this Python loads
    try:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError:
        # A cache folder can be shared with a machine whose C library is older.
        return None
    return module


def build() -> Path:
    """Build the module if it is not there, and return its path.

    Several processes may call this at the same time: one builds, the others wait for it.

    Raises:
        SpeedupError: Something that is needed is missing, or the compiler failed.
    """
    path = _place()
    if path.is_file():
        return path
    compiler, headers = _find_compiler(), _find_headers()
    for package in ("Cython", "rp2040py"):
        if importlib.util.find_spec(package) is None:
            raise SpeedupError(f"the package {package} is missing (pip install 'pressloop[pico]')")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.parent / "lock"):
            if not path.is_file():
                try:
                    _compile(path, compiler, headers)
                except SpeedupError as error:
                    _failure(path).write_text(f"{error}\n", encoding="utf-8")
                    raise
    except OSError as error:
        raise SpeedupError(f"cannot write to {path.parent}: {error.strerror or error}") from error
    return path


def build_quietly() -> None:
    """Build the module if it is not there and this machine can; print nothing.

    Where the compiler failed once, it is not started again for the same source and Python.
    """
    if not _failure(_place()).exists():
        with contextlib.suppress(SpeedupError):
            build()


def _find_compiler() -> list[str]:
    """Return the command that compiles and links a module of this Python."""
    command = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc -shared")
    if shutil.which(command[0]) is None:
        # The compiler that built this Python need not be the one that this machine has.
        command[0] = shutil.which("cc") or shutil.which("gcc") or ""
    if not command[0]:
        raise SpeedupError("there is no C compiler (Debian: apt-get install gcc)")
    return command


def _find_headers() -> str:
    headers = sysconfig.get_path("include")
    if not Path(headers, "Python.h").is_file():
        wanted = f"python{sys.version_info[0]}.{sys.version_info[1]}-dev"
        raise SpeedupError(f"{headers} has no Python.h (Debian: apt-get install {wanted})")
    return headers


def _compile(path: Path, compiler: list[str], headers: str) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        c, library = Path(folder, "fast_chip.c"), Path(folder, path.name)
        # Cython finds rp2040py's interface on the path that Python finds rp2040py on.
        _run(sys.executable, "-m", "cython", "-3", "-o", c, SOURCE)
        flags = ("-O3", "-fPIC", "-fwrapv", "-DNDEBUG", "-w", f"-I{headers}")
        _run(*compiler, *flags, c, "-o", library)
        # A process that loads the module finds all of it or nothing.
        library.replace(path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock among processes; it ends with the process that holds it."""
    with path.open("wb") as file:
        # A platform module: where there is none, two processes may build the same file twice.
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _place() -> Path:
    """Return the path of the module for this Python, this rp2040py and this source."""
    try:
        version = importlib.metadata.version("rp2040py")
    except importlib.metadata.PackageNotFoundError:
        version = "none"
    suffix = sysconfig.get_config_var("EXT_SUFFIX") or ".so"
    key = hashlib.sha256(SOURCE.read_bytes() + f"{version}{suffix}{sys.version}".encode())
    checkout = resources.checkout()
    root = checkout / "build" if checkout else platformdirs.user_cache_path("pressloop")
    return root / "pico" / key.hexdigest()[:_KEY_DIGITS] / (SOURCE.stem + suffix)


def _failure(path: Path) -> Path:
    """Return the file that says why the module at `path` could not be compiled."""
    return path.with_suffix(".failed")


def _run(*command: str | Path) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = " ".join(str(word) for word in command)
        raise SpeedupError(f"this failed: {words}\n{done.stdout}{done.stderr}")


def main() -> int:
    """Build the module, and print its path or what is missing."""
    try:
        path = build()
    except SpeedupError as error:
        print(f"the emulated Pico stays ten times slower: {error}", file=sys.stderr)
        return 1
    print(f"the emulated Pico's inner loop is in {path}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
