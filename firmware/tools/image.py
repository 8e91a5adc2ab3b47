"""Build the flash images: MicroPython's rp2 port with the controller frozen into it.

    image.py build OUT [BOARD]   write OUT for PRESSLOOP_PICO (default) or PRESSLOOP_PICO2
    image.py stock OUT           write OUT as stock MicroPython for the Pico, for `make deploy`
    image.py hash                print the hash of the firmware's source

The same sources give the same image, byte for byte, in any folder: no date and no path gets
into them. MicroPython comes from MICROPYTHON_SRC, a checkout with its submodules, or from Debian.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import micropython
import ram_code
import uf2_digest
from micropython import BUILD
from phase import LOGS, REPOSITORY, SetupError, apt_install, exit_code, run

FIRMWARE = REPOSITORY / "firmware"
DEFINITIONS = FIRMWARE / "boards_def"
# Family numbers of the UF2 format, by which a bootloader refuses another chip's image.
FAMILIES = {"PRESSLOOP_PICO": "0xe48bff56", "PRESSLOOP_PICO2": "0xe48bff59"}
# MicroPython's own definition of the Pico. Its drivers that come from another repository
# (micropython-lib, which Debian's source lacks) stay out; the controller needs none of them.
STOCK = "RPI_PICO"
_STOCK_FAMILY = FAMILIES["PRESSLOOP_PICO"]
_STOCK_MANIFEST = 'freeze("$(PORT_DIR)/modules")\ninclude("$(MPY_DIR)/extmod/asyncio")\n'
_FLASH_START = "0x10000000"
_BUILD_DIGITS = 16
# Programs, and the Debian packages that contain them.
_TOOLS = {
    "arm-none-eabi-gcc": ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi"),
    "arm-none-eabi-g++": ("libstdc++-arm-none-eabi-newlib",),
    "cmake": ("cmake",),
    "gcc": ("build-essential",),
    "make": ("build-essential",),
}


def source_hash(package: Path = FIRMWARE / "pressloop_fw") -> str:
    """Return the first hex digits of the SHA-256 over the firmware's source files, by name.

    The emulated board announces the same hash of the same sources.
    """
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode() + b"\0")
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:_BUILD_DIGITS]


def stamp() -> str:
    """Return the module `pressloop_build`, which has the hash of the source for the firmware."""
    return f'BUILD = "{source_hash()}"\n'


def build(out: Path, board: str) -> None:
    """Build the image of `board`, one of FAMILIES or STOCK, and put it at `out`.

    Raises SetupError when a tool or MicroPython's source is missing and cannot be installed.
    """
    packages = [name for tool, names in _TOOLS.items() if not shutil.which(tool) for name in names]
    if packages:
        apt_install(*dict.fromkeys(packages))
    tree = _tree()
    BUILD.mkdir(parents=True, exist_ok=True)
    # A new folder each time: CMake caches what it has found.
    with tempfile.TemporaryDirectory(prefix=f"{board}-", dir=BUILD) as name:
        folder = Path(name)
        (folder / "pressloop_build.py").write_text(stamp())
        (folder / "stock.py").write_text(_STOCK_MANIFEST)
        (folder / "ram_code.objcopy").write_text(ram_code.objcopy_options())
        env = _environment(tree, folder)
        jobs = f"-j{os.cpu_count() or 1}"
        log = LOGS / f"firmware-{board.lower()}"
        cross = ("make", "-C", tree / "mpy-cross", jobs, f"BUILD={folder / 'mpy-cross'}")
        run("mpy-cross", log.with_suffix(".mpy-cross.log"), *cross, "CWARN=-Wall", env=env)
        configure = _configure_command(tree, folder, board)
        flags = dict.fromkeys(("CFLAGS", "CXXFLAGS", "ASMFLAGS"), _path_flags(tree, folder))
        flags["CFLAGS"] += f" -DPRESSLOOP_BUILD={source_hash()}"
        run(f"{board}, configuring", log.with_suffix(".cmake.log"), *configure, env=env | flags)
        compile_ = ("make", "-C", folder / "rp2", jobs)
        run(f"{board}, building", log.with_suffix(".make.log"), *compile_, env=env)
        uf2 = folder / "image.uf2"
        convert = (
            *(sys.executable, tree / "tools" / "uf2conv.py", "--convert", "--output", uf2),
            *("--base", _FLASH_START, "--family", FAMILIES.get(board, _STOCK_FAMILY)),
        )
        run(f"{board}, UF2", log.with_suffix(".uf2.log"), *convert, folder / "rp2" / "firmware.bin")
        if board != STOCK:
            uf2_digest.add_digest(uf2)
        out.parent.mkdir(parents=True, exist_ok=True)
        uf2.replace(out)
        # For debuggers and profilers: the image has no names of functions.
        elf = Path(shutil.copy2(folder / "rp2" / "firmware.elf", out.with_suffix(".elf")))
        print(report(out, elf, ours=board != STOCK))


def report(image: Path, elf: Path, *, ours: bool) -> str:
    """Return lines about an image: path, hash, bytes of flash and RAM."""
    listing = subprocess.run(
        ["arm-none-eabi-size", "-A", elf], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listing.splitlines() if line.startswith(".")]
    sections = {name: int(size) for name, size, _address in rows}
    flash = sum(sections.get(name, 0) for name in (".boot2", ".text", ".rodata", ".binary_info"))
    flash += sections.get(".data", 0)
    ram = sum(sections.get(name, 0) for name in (".data", ".bss", ".uninitialized_data"))
    return "\n".join(
        [
            f"{image}",
            f"  sha256  {hashlib.sha256(image.read_bytes()).hexdigest()}",
            *([f"  source  {source_hash()}"] if ours else []),
            f"  flash   {flash} bytes",
            f"  RAM     {ram} bytes static; the rest is MicroPython's stack and heap",
        ]
    )


def _tree() -> Path:
    checkout = os.environ.get("MICROPYTHON_SRC")
    if not checkout:
        tree: Path = BUILD / "source"
        micropython.source(tree)
        micropython.rp2_libraries(tree)
        return tree
    tree = Path(checkout).absolute()
    for part in ("ports/rp2/CMakeLists.txt", "lib/pico-sdk/pico_sdk_init.cmake"):
        if not (tree / part).is_file():
            raise SetupError(
                f"MICROPYTHON_SRC={checkout} has no {part}.\n"
                "Run there: make -C ports/rp2 submodules"
            )
    return tree


def _environment(tree: Path, folder: Path) -> dict[str, str]:
    dropped = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    env = {name: value for name, value in os.environ.items() if name not in dropped}
    # MicroPython's version is then that of the tree, not that of a repository around it.
    env["GIT_CEILING_DIRECTORIES"] = str(tree.parent)
    # No date: the banner says 1970; the source hash identifies the image.
    env["SOURCE_DATE_EPOCH"] = "0"
    env["MICROPY_MPYCROSS"] = str(folder / "mpy-cross" / "mpy-cross")
    env["PRESSLOOP_GENERATED"] = str(folder)
    return env


def _path_flags(tree: Path, folder: Path) -> str:
    """Return flags by which assertions and debug strings have the same file names everywhere."""
    places = {folder: "build", tree: "micropython", FIRMWARE: "firmware"}
    return " ".join(f"-ffile-prefix-map={path}={name}" for path, name in places.items())


def _configure_command(tree: Path, folder: Path, board: str) -> tuple[str | Path, ...]:
    ours = board != STOCK
    settings = {
        "MICROPY_BOARD": board,
        "MICROPY_BOARD_DIR": DEFINITIONS / board if ours else tree / "ports/rp2/boards" / board,
        "MICROPY_FROZEN_MANIFEST": FIRMWARE / "manifest.py" if ours else folder / "stock.py",
        "PICO_BUILD_DOCS": 0,
        # The SDK would clone picotool from the network for a file that uf2conv.py writes as well.
        "PICO_NO_PICOTOOL": 1,
        # The C library that _TOOLS installs; some packages of the SDK would take another one.
        "PICO_CLIB": "newlib",
    }
    defines = tuple(f"-D{name}={value}" for name, value in settings.items())
    return ("cmake", "-S", tree / "ports" / "rp2", "-B", folder / "rp2", *defines)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("hash", help="print the hash of the firmware's source")
    builder = commands.add_parser("build", help="build the image into OUT")
    builder.add_argument("out", type=Path)
    builder.add_argument("board", nargs="?", choices=FAMILIES, default="PRESSLOOP_PICO")
    stock = commands.add_parser("stock", help="build stock MicroPython into OUT")
    stock.add_argument("out", type=Path)
    args = parser.parse_args(argv)
    if args.command == "hash":
        return exit_code(lambda: print(source_hash()))
    if args.command == "stock":
        return exit_code(lambda: build(args.out.absolute(), STOCK))
    return exit_code(lambda: build(args.out.absolute(), args.board))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
