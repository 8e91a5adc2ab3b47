"""Puts a flash image on a board: finds it, starts its boot loader, copies, awaits the firmware."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pressloop.connect import names_emulated
from pressloop.emulator import resources
from pressloop.errors import AmbiguousPortError, BadInputError, NoBoardError
from pressloop.install import bootsel, mpremote, uf2
from pressloop.install.bootsel import Drive
from pressloop.install.controller import MAX_BY_HAND_S, Say, await_build, prepare_change
from pressloop.install.uf2 import Image
from pressloop.transport.discovery import list_boards, list_serial_ports
from pressloop.wire.schema import HelloReply

MAX_BY_PROMPT_S: Final = 20.0
"""Longest time from the command at the prompt until the drive is mounted."""

_POLL_S: Final = 0.2
_IMAGES: Final = (resources.PICO_IMAGE, resources.PICO2_IMAGE)
_FAMILIES: Final = {"pico": uf2.RP2040, "pico2": uf2.RP2350}


def choose_images(named: Path | None) -> list[Image]:
    """Return the image that the user named, else those of the checkout or the installed package.

    Raises:
        BadInputError: There is no image, or a file is no image of Pressloop's.
    """
    paths = [named] if named else [path for path in map(resources.find, _IMAGES) if path]
    if not paths:
        looked = ", ".join(str(place) for place in resources.places(resources.PICO_IMAGE))
        raise BadInputError(
            f"there is no flash image; looked for {looked}",
            hint="run `make firmware` in a checkout, or name a UF2 file: pressloop flash IMAGE",
            code="no-image-file",
        )
    return [uf2.read(path) for path in paths]


def flash(
    images: list[Image],
    *,
    port: str | None,
    place: Path | None,
    say: Say,
    by_hand_s: float = MAX_BY_HAND_S,
) -> HelloReply:
    """Put one of the images on a board and wait until its firmware answers.

    Args:
        images: At most one per chip; the one for the board's chip is taken.
        port: Port or serial number of the board; None for the one controller that is plugged in,
            or for a Pico that a person brings into its boot loader.
        place: Mount point of the drive of a Pico that is already in its boot loader.
        say: Shows the user the progress and what to do.
        by_hand_s: Longest wait for a person to press the button, or to hold BOOTSEL, wall-clock
            time.

    Returns:
        The new firmware's answer to hello.

    Raises:
        BadInputError: `wrong-board`, `no-boot-loader`.
        PressloopError: `run-active`, `needs-button`, `no-prompt`, `write-failed`, `wrong-build`.
        NoBoardError: `no-drive`.
        AmbiguousPortError: Several boards could be meant.
    """
    if port and names_emulated(port):
        raise BadInputError(
            f"the port {port!r} is an emulated board, which has no boot loader",
            hint="PRESSLOOP_IMAGE=my.uf2 lets the emulated Pico boot another image",
            code="no-boot-loader",
        )
    # The path of a port can change when the board restarts, its serial number cannot.
    port = _stable(port) if port else None
    if place is not None:
        drive = bootsel.name_drive(place)
    else:
        drive, port = _bring_into_boot_loader(images, port, say, by_hand_s)
    image = _image_for(images, drive.family, f"the board on {drive.path}")
    say(f"copying {image.path} to {drive}")
    bootsel.write(image, drive)
    say("waiting for the controller to start")
    return await_build(port, image.build)


def _bring_into_boot_loader(
    images: list[Image], port: str | None, say: Say, by_hand_s: float
) -> tuple[Drive, str | None]:
    before = bootsel.find_drives()
    if port is None:
        if before:
            return _only(before), None
        boards = list_boards()
        if len(boards) > 1:
            raise AmbiguousPortError(
                "more than one controller is plugged in:\n    " + "\n    ".join(map(str, boards)),
                hint="name the one you mean by --port",
                ports=[board.path for board in boards],
            )
        if not boards:
            say(
                "No controller found. Unplug the Pico, hold its button BOOTSEL, plug it in again, "
                "then let go."
            )
            return _await_drive(before, by_hand_s, say), None
        port = _stable(boards[0].path)
    hello = prepare_change(port, say, by_hand_s)
    if hello is not None and hello.board in _FAMILIES:
        # Checked while the firmware still runs, and a second time on the drive.
        _image_for(images, _FAMILIES[hello.board], f"the board on {port}")
    say(f"sending the board on {port} into its boot loader")
    mpremote.run(port, "bootloader")
    return _await_drive(before, MAX_BY_PROMPT_S, say), port


def _image_for(images: Iterable[Image], family: int, what: str) -> Image:
    fitting = [image for image in images if image.family == family]
    if not fitting:
        have = ", ".join(f"{image.path} is for a {image.chip}" for image in images)
        raise BadInputError(
            f"{what} is a {uf2.CHIPS[family]}; {have}",
            hint="`make firmware` builds images for both: "
            + " and ".join(image.built for image in _IMAGES),
            code="wrong-board",
        )
    return fitting[0]


def _await_drive(before: list[Drive], limit_s: float, say: Say) -> Drive:
    give_up_s = time.monotonic() + limit_s
    hinted = False
    while time.monotonic() < give_up_s:
        new = [drive for drive in bootsel.find_drives() if drive not in before]
        if new:
            return _only(new)
        device = bootsel.unmounted()
        if device is not None and not hinted and not before:
            hinted = True
            say(f"If no desktop mounts its drive: udisksctl mount -b {device}")
        time.sleep(_POLL_S)
    raise NoBoardError(
        f"no drive of a Pico in its boot loader appeared within {limit_s:g} s",
        hint="hold BOOTSEL while you plug in the Pico; if its drive is mounted in an unusual "
        "place, name it: pressloop flash --drive FOLDER",
        code="no-drive",
    )


def _only(drives: list[Drive]) -> Drive:
    if len(drives) > 1:
        raise AmbiguousPortError(
            "more than one Pico is in its boot loader:\n    " + "\n    ".join(map(str, drives)),
            hint="unplug all but one, or name its drive: pressloop flash --drive FOLDER",
            ports=[str(drive.path) for drive in drives],
        )
    return drives[0]


def _stable(port: str) -> str:
    """Return the serial number of the board at a port, or the port if it has none."""
    serials = {found.path: found.serial_number for found in list_serial_ports()}
    return serials.get(port) or port
