"""Finds the files that Pressloop brings along without importing them.

These are the firmware's sources, the flash images and MicroPython's unix port. In a checkout `make`
builds them, and a change is used at once; `make wheel` puts copies into the package. So the places
of a checkout come first. The callers look at an environment variable before that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MODULE: Final = Path(__file__).resolve()
# host/src/pressloop/emulator/resources.py
_CHECKOUT: Final = _MODULE.parents[4]
_PACKAGED: Final = _MODULE.parents[1] / "_resources"


@dataclass(frozen=True)
class Resource:
    """A file or folder that the package brings along.

    Args:
        built: Its path in a checkout.
        packaged: Its path in the folder `_resources` of an installed package.
    """

    built: str
    packaged: str


FIRMWARE: Final = Resource("firmware", "firmware")
"""Folder that holds the firmware package `pressloop_fw`."""

MICROPYTHON: Final = Resource("build/micropython/micropython", "bin/micropython")
"""MicroPython's unix port, an executable file."""

PICO_IMAGE: Final = Resource("build/pressloop-pico.uf2", "images/pressloop-pico.uf2")
"""Flash image for the Pico."""

PICO2_IMAGE: Final = Resource("build/pressloop-pico2.uf2", "images/pressloop-pico2.uf2")
"""Flash image for the Pico 2."""


def checkout() -> Path | None:
    """Return the checkout that this package is used from, None for an installed package."""
    parts = ("Makefile", "host/pyproject.toml", "firmware/pressloop_fw")
    return _CHECKOUT if all((_CHECKOUT / part).exists() for part in parts) else None


def places(resource: Resource) -> tuple[Path, ...]:
    """Return where a resource can be, in the order of looking; it may be in none of them."""
    root = checkout()
    packaged = _PACKAGED / resource.packaged
    return (root / resource.built, packaged) if root else (packaged,)


def find(resource: Resource) -> Path | None:
    """Return the first place where a resource is, None if it is in none."""
    return next((place for place in places(resource) if place.exists()), None)
