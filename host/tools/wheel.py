"""Build the wheel: the packages with all that they run, for a machine without a checkout.

    wheel.py [FOLDER]      write the wheel into FOLDER (default: dist/ of this checkout)

Beside the Python packages it holds the firmware's sources, both flash images, MicroPython's unix
port as it stands in build/, and the licences of what was compiled. Bench and tests stay outside.
The same build products give the same wheel, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "firmware" / "tools"))
import image
import micropython
import wheel_hook
from phase import LOGS, REPOSITORY, SetupError, exit_code, run
from pressloop.emulator import resources
from pressloop.errors import BadInputError
from pressloop.install import uf2

HOST = REPOSITORY / "host"
DIST = REPOSITORY / "dist"
PACKAGES = ("pressloop", "pressloop_sim")
IMAGES = (resources.PICO_IMAGE, resources.PICO2_IMAGE)
_NOT_PACKED = shutil.ignore_patterns("__pycache__", "*.pyc", "_resources")

_SDK = "lib/pico-sdk"
# Licence in the wheel: where MicroPython's source tree has it. Of several places the first that is
# there counts: Debian's packages leave out some files, then a source file has the text.
LICENCES = {
    "LICENSE-micropython.txt": ("LICENSE",),
    "LICENSE-pico-sdk.txt": (f"{_SDK}/LICENSE.TXT", f"{_SDK}/external/pico_sdk_import.cmake"),
    "LICENSE-pico-printf.txt": (f"{_SDK}/src/rp2_common/pico_printf/LICENSE",),
    "LICENSE-cmsis.txt": (f"{_SDK}/src/rp2_common/cmsis/stub/CMSIS/LICENSE.txt",),
    "LICENSE-tinyusb.txt": ("lib/tinyusb/LICENSE", "lib/tinyusb/src/tusb.c"),
    "LICENSE-mbedtls.txt": ("lib/mbedtls/LICENSE",),
    "LICENSE-littlefs.txt": ("lib/littlefs/lfs2.c",),
    "LICENSE-oofatfs.txt": ("lib/oofatfs/ff.c",),
    "LICENSE-uzlib.txt": ("lib/uzlib/tinflate.c",),
    # The C library of the images comes with the compiler.
    "LICENSE-newlib.txt": ("/usr/share/doc/libnewlib-arm-none-eabi/copyright",),
}
_EXPRESSION = "MIT AND Apache-2.0 AND BSD-1-Clause AND BSD-2-Clause AND BSD-3-Clause AND Zlib"


def missing() -> list[str]:
    """Return what has to be built or fetched before the wheel, each with its command."""
    found = []
    binary = resources.places(resources.MICROPYTHON)[0]
    if not binary.exists() or (complaint := micropython.probe(binary)):
        reason = complaint if binary.exists() else "is not there"
        found.append(f"{resources.MICROPYTHON.built} {reason}: make setup")
    for resource in IMAGES:
        path = REPOSITORY / resource.built
        try:
            current = uf2.read(path).build == image.source_hash()
        except BadInputError as error:
            found.append(f"{error.message}: make firmware")
        else:
            if not current:
                found.append(f"{resource.built} is older than the firmware: make firmware")
    for name, places in LICENCES.items():
        if _licence(places) is None:
            found.append(f"no text for {name}; looked for {' and '.join(places)} in {_tree()}")
    return found


def stage(folder: Path) -> None:
    """Lay out in `folder` what hatchling packs: a host folder without bench, with the resources."""
    for package in PACKAGES:
        shutil.copytree(HOST / "src" / package, folder / "src" / package, ignore=_NOT_PACKED)
    packed = folder / "src" / "pressloop" / "_resources"
    firmware = packed / resources.FIRMWARE.packaged
    shutil.copytree(
        image.FIRMWARE / "pressloop_fw",
        firmware / "pressloop_fw",
        ignore=_NOT_PACKED,
    )
    shutil.copy2(image.FIRMWARE / "main.py", firmware)
    for resource in (*IMAGES, resources.MICROPYTHON):
        out = packed / resource.packaged
        out.parent.mkdir(exist_ok=True)
        # A link to the machine's MicroPython becomes a copy of it.
        shutil.copyfile(REPOSITORY / resource.built, out)
    (packed / resources.MICROPYTHON.packaged).chmod(0o755)
    for name, places in LICENCES.items():
        text = _licence(places)
        if text is None:
            raise SetupError(f"the licence text {name} is in none of its places")
        (folder / name).write_text(text, encoding="utf-8")
    shutil.copy2(REPOSITORY / "LICENSE", folder)
    shutil.copy2(REPOSITORY / "README.md", folder)
    shutil.copy2(HOST / "NOTICE.md", folder)
    (folder / "tools").mkdir()
    shutil.copy2(wheel_hook.__file__, folder / "tools")
    project = (HOST / "pyproject.toml").read_text(encoding="utf-8")
    # The sources are under MIT; the compiled files in the wheel bring other licences.
    compiled = project.replace('license = "MIT"', f'license = "{_EXPRESSION}"')
    if compiled == project:
        raise SetupError('host/pyproject.toml no longer says license = "MIT": mend wheel.py')
    (folder / "pyproject.toml").write_text(compiled, encoding="utf-8")


def build(out: Path) -> Path:
    """Build the wheel into the folder `out` and return its path.

    Raises SetupError when a build product is missing or old, or hatchling fails.
    """
    lacks = missing()
    if lacks:
        raise SetupError("The wheel needs:\n  " + "\n  ".join(lacks))
    (REPOSITORY / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wheel-", dir=REPOSITORY / "build") as name:
        folder, made = Path(name, "host"), Path(name, "dist")
        stage(folder)
        command = (sys.executable, "-m", "hatchling", "build", "--target", "wheel")
        run("Wheel", LOGS / "wheel.log", *command, "--directory", made, cwd=folder)
        (wheel,) = made.glob("*.whl")
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy2(wheel, out / wheel.name))


def report(wheel: Path) -> str:
    """Describe a wheel in lines: path, size, what its MicroPython needs of a machine."""
    binary = (REPOSITORY / resources.MICROPYTHON.built).read_bytes()
    lines = [f"{wheel}", f"  size    {wheel.stat().st_size / 1e6:.1f} MB"]
    version = wheel_hook.glibc_version(binary)
    if version is not None:
        lines.append("  needs   glibc {}.{} or newer".format(*version))
    foreign = wheel_hook.foreign_libraries(binary)
    if foreign:
        lines.append(f"  needs   {', '.join(foreign)}: build MicroPython without them, make setup")
    return "\n".join(lines)


def _tree() -> Path:
    """Return MicroPython's source tree that the images were built from."""
    checkout = os.environ.get("MICROPYTHON_SRC")
    return Path(checkout).absolute() if checkout else micropython.BUILD / "source"


def _licence(places: tuple[str, ...]) -> str | None:
    """Return the licence text from the first of `places` that is there."""
    for place in places:
        path = _tree() / place
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            if path.suffix in (".c", ".cmake"):
                return next((block for block in _comments(text) if "Copyright" in block), None)
            return text
    return None


def _comments(source: str) -> Iterator[str]:
    """Yield the comments of a C or CMake source, without the comment signs."""
    for block in re.findall(r"/\*(?:.|\n)*?\*/|(?:^#.*\n)+", source, re.MULTILINE):
        lines = [re.sub(r"^ ?[/*#]+-* ?", "", line).rstrip("/-* ") for line in block.splitlines()]
        yield "\n".join(lines).strip() + "\n"


def main(argv: list[str]) -> int:
    """Build the wheel and describe it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=DIST)
    folder = parser.parse_args(argv).folder.absolute()
    return exit_code(lambda: print(report(build(folder))))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
