"""Write the firmware as packages for `mpremote mip install`, one per architecture.

    mip.py [FOLDER]        write into FOLDER (default: dist/mip/ of this checkout)

A package is a folder with the compiled modules and a `package.json`, to be put on a web server or
installed from where it is: `mpremote connect PORT mip install --target=/ URL/armv6m/`.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from pathlib import Path

import deploy
import image
from phase import REPOSITORY
from pressloop.errors import PressloopError

DIST = REPOSITORY / "dist" / "mip"
BYTECODE = "6.3"
"""Of MicroPython 1.23 to 1.29; `mpy-cross --version` names that of a compiler."""

ARCHITECTURES = {"armv6m": "Pico (RP2040)", "armv7emsp": "Pico 2 (RP2350)"}
GUARD = "incomplete.py"
_GUARD_SOURCE = (
    'print("Pressloop is not complete on this board: repeat the installation with mpremote")\n'
)
_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)


def write_all(out: Path) -> list[Path]:
    """Write the packages of all architectures below `out` and return their package.json files.

    Raises PressloopError when no compiler here writes the bytecode.
    """
    return [write(out / name, deploy.Target(BYTECODE, name)) for name in ARCHITECTURES]


def write(folder: Path, target: deploy.Target) -> Path:
    """Compile the firmware for `target` into `folder`, and return its package.json.

    mpremote writes files in the order of the list and removes none. The first is a main.py that
    only prints, the last is the controller's: a board on which the installation was interrupted
    starts with the prompt and shut-off outputs, never with parts of two versions.
    """
    files = deploy.compile_all(deploy.find_compiler(target), target)
    shutil.rmtree(folder, ignore_errors=True)
    names = [path.relative_to(target.folder).as_posix() for path in files]
    for path, name in zip(files, names, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    (folder / GUARD).write_text(_GUARD_SOURCE)
    shutil.copyfile(image.FIRMWARE / "main.py", folder / "main.py")
    urls = [["main.py", GUARD], *([name, name] for name in names), ["main.py", "main.py"]]
    package = {"version": version(), "deps": [], "urls": urls}
    out = folder / "package.json"
    out.write_text(json.dumps(package, indent=1) + "\n")
    return out


def version() -> str:
    """Return the firmware's version."""
    source = (image.FIRMWARE / deploy.PACKAGE / "__init__.py").read_text()
    found = _VERSION.search(source)
    if found is None:
        raise SystemExit(f"{deploy.PACKAGE} names no version")
    return found[1]


def main(argv: list[str]) -> int:
    """Write the packages and print where they are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=DIST)
    try:
        for package in write_all(parser.parse_args(argv).folder):
            print(f"{package}  {ARCHITECTURES[package.parent.name]}, bytecode {BYTECODE}")
    except PressloopError as error:
        print(f"error {error.message} ({error.code})\n  try {error.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
