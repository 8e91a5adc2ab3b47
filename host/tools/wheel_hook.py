"""Tags a wheel with the platform of the MicroPython binary in it: a build hook of hatchling.

The sources alone give a wheel for any platform. `wheel.py` adds a binary, which the platform must
be able to run: the tag follows from the libraries that this binary is linked with.
"""

from __future__ import annotations

import platform
import re
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Where `pressloop.emulator.resources` looks for it in an installed package.
BINARY = Path("src", "pressloop", "_resources", "bin", "micropython")
# What every Linux with glibc has (PEP 600, and the lists of the project manylinux).
_SYSTEM_LIBRARIES = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"}


class PlatformTag(BuildHookInterface[Any]):
    """Sets the tag; hatchling finds this class by its base."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Tag the wheel if there is a binary to be packed."""
        binary = Path(self.root, BINARY)
        if version != "editable" and binary.is_file():
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform_tag(binary.read_bytes())}"


def platform_tag(binary: bytes) -> str:
    """Return the platform part of the tag of a wheel with this binary."""
    if sys.platform != "linux":
        return re.sub(r"[-.]", "_", sysconfig.get_platform())
    machine = platform.machine()
    version = glibc_version(binary)
    if version is None or foreign_libraries(binary):
        return f"linux_{machine}"
    return "manylinux_{}_{}_{}".format(*version, machine)


def glibc_version(binary: bytes) -> tuple[int, int] | None:
    """Return the oldest glibc that runs the binary; None if it is not linked with glibc."""
    found = re.findall(rb"GLIBC_(\d+)\.(\d+)", binary)
    return max(((int(major), int(minor)) for major, minor in found), default=None)


def foreign_libraries(binary: bytes) -> list[str]:
    """Return the shared libraries that the binary needs besides those of glibc."""
    names = {name.decode() for name in re.findall(rb"\0(lib[\w.+-]+\.so(?:\.\d+)*)(?=\0)", binary)}
    return sorted(names - _SYSTEM_LIBRARIES)
