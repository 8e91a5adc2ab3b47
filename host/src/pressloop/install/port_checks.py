"""Check what may keep this computer from opening a board's port, one check per function."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import Any, Final

from pressloop.connect import is_path
from pressloop.install import bootsel
from pressloop.install.diagnosis import Computer, Diagnosis

RULE_NAME: Final = "60-pressloop.rules"
RULE: Final = Path(__file__).with_name(RULE_NAME)
_RELOAD: Final = "sudo udevadm control --reload && sudo udevadm trigger"
INSTALL_RULE: Final = f"sudo cp {quote(str(RULE))} /etc/udev/rules.d/ && {_RELOAD}"
_RULE_FOLDERS: Final = ("etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d")
_MAX_OWNER_NAME: Final = 40


def check_board(computer: Computer) -> Iterator[Diagnosis]:
    """Look for boards on USB."""
    if computer.port is not None and not computer.devices():
        yield Diagnosis("board", "ok", f"{computer.port} is no serial port of this computer")
        return
    found = computer.ports()
    boards = [port for port in found if port.is_board]
    for port in found:
        if port.is_unflashed:
            yield Diagnosis(
                "board",
                "warn",
                f"{port.path} is the right chip without Pressloop's firmware",
                f"pressloop flash --port {port.path}",
            )
    missing = computer.port is not None and [
        path for path in computer.devices() if is_path(path) and not Path(path).exists()
    ]
    if missing:
        yield Diagnosis(
            "board",
            "bad",
            f"there is no port {missing[0]}",
            "pressloop ports; replug the USB cable, and try another one: some carry power only",
        )
    elif boards:
        yield Diagnosis("board", "ok", "; ".join(map(str, boards)))
    elif computer.port is None:
        yield Diagnosis(
            "board",
            "warn",
            "no press controller on USB; the emulated press needs none",
            "plug it in; if it is, try another USB cable: some carry power only",
        )


def check_permission(computer: Computer) -> Iterator[Diagnosis]:
    """Check that this user may open the board's port."""
    for device in computer.devices():
        path = Path(device)
        if not path.exists():
            continue
        if computer.may_open(path):
            yield Diagnosis("permission", "ok", f"you may open {device}")
            continue
        group = _group_of(path)
        if group in _groups_in_file(computer):
            yield Diagnosis(
                "permission",
                "bad",
                f"you may not open {device}: you are in the group {group} since after you logged "
                "in",
                f"log out and in again; for this terminal alone: newgrp {group}",
            )
        else:
            yield Diagnosis(
                "permission",
                "bad",
                f"you may not open {device}: it belongs to the group {group}",
                f"sudo usermod -a -G {group} $USER, then log out and in again; or: {INSTALL_RULE}",
            )


def check_rule(computer: Computer) -> Iterator[Diagnosis]:
    """Check that the udev rule is installed and is that of this version."""
    if not computer.is_linux:
        return
    files = [computer.root / folder / RULE_NAME for folder in _RULE_FOLDERS]
    texts = [file.read_text(errors="replace") for file in files if file.is_file()]
    if not texts:
        yield Diagnosis(
            "udev rule",
            "warn",
            "the udev rule is not installed: a new port may belong to root, or ModemManager opens "
            "it for ten seconds",
            INSTALL_RULE,
        )
    elif texts[0] != RULE.read_text():
        yield Diagnosis("udev rule", "warn", "the udev rule is another version's", INSTALL_RULE)
    else:
        yield Diagnosis("udev rule", "ok", "installed")


def check_modem_manager(computer: Computer) -> Iterator[Diagnosis]:
    """Check that ModemManager does not talk to the board."""
    if not computer.is_linux:
        return
    state = computer.command(["systemctl", "is-active", "ModemManager"])
    ruled = any((computer.root / folder / RULE_NAME).is_file() for folder in _RULE_FOLDERS)
    if state != "active":
        yield Diagnosis("ModemManager", "ok", "not running")
    elif ruled:
        yield Diagnosis("ModemManager", "ok", "running, and the udev rule keeps it off the board")
    else:
        yield Diagnosis(
            "ModemManager",
            "warn",
            "running: it opens a new port for ten seconds and sends commands of modems to it",
            f"{INSTALL_RULE}; or: sudo systemctl disable --now ModemManager",
        )


def check_busy(computer: Computer) -> Iterator[Diagnosis]:
    """Check that no other program holds the board's port."""
    for device in computer.devices():
        path = Path(device)
        if not path.exists() or not computer.may_open(path) or not _is_held(path):
            continue
        owners = list(_owners(computer, path))
        if owners:
            pid, name = owners[0]
            yield Diagnosis(
                "busy port",
                "bad",
                f"{device} is held by {name} (process {pid})",
                f"end that program; if it is a run of yours: pressloop watch. If it hangs: kill "
                f"{pid}",
            )
        else:
            yield Diagnosis(
                "busy port",
                "bad",
                f"{device} is held by a program of another user",
                f"sudo fuser -v {device}, then end that program",
            )


def check_boot_loader(computer: Computer) -> Iterator[Diagnosis]:
    """Look for a Pico that waits in its boot loader for an image."""
    for drive in bootsel.find_drives():
        yield Diagnosis(
            "boot loader",
            "warn",
            f"a {drive.chip} waits in its boot loader for an image",
            f"pressloop flash --drive {quote(str(drive.path))}",
        )
    device = bootsel.unmounted() if computer.is_linux else None
    if device is not None and not bootsel.find_drives():
        yield Diagnosis(
            "boot loader",
            "warn",
            "a Pico waits in its boot loader, and its drive is not mounted",
            f"udisksctl mount -b {device} && pressloop flash",
        )


def _group_of(path: Path) -> str:
    number = path.stat().st_gid
    with suppress(KeyError):
        return str(_grp().getgrgid(number).gr_name)
    return str(number)


def _grp() -> Any:
    return import_module("grp")


def _groups_in_file(computer: Computer) -> set[str]:
    """Return the groups that /etc/group gives this user, whether or not this process has them."""
    user = os.environ.get("USER", "")
    file = computer.root / "etc" / "group"
    lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
    fields = [line.split(":") for line in lines if line.count(":") == 3]
    return {each[0] for each in fields if user and user in each[3].split(",")}


def _is_held(path: Path) -> bool:
    """Return whether another program holds a port as Pressloop and pyserial do, by flock."""
    try:
        fcntl: Any = import_module("fcntl")
    except ModuleNotFoundError:  # Windows opens ports exclusively, and opening shows it
        return False
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | getattr(os, "O_NOCTTY", 0))
    except OSError as error:
        return error.errno in (errno.EBUSY, errno.EAGAIN)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _owners(computer: Computer, path: Path) -> Iterator[tuple[int, str]]:
    """Yield process id and name of the programs that have a device open, as far as they show."""
    for process in sorted((computer.root / "proc").glob("[0-9]*")):
        if int(process.name) == os.getpid():
            continue
        with suppress(OSError):
            for link in (process / "fd").iterdir():
                if _is_same(link, path):
                    name = (process / "comm").read_text(errors="replace").strip()
                    yield int(process.name), name[:_MAX_OWNER_NAME]
                    break


def _is_same(link: Path, path: Path) -> bool:
    with suppress(OSError):
        there, here = link.stat(), path.stat()
        if stat.S_ISCHR(here.st_mode):
            return there.st_rdev == here.st_rdev and stat.S_ISCHR(there.st_mode)
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
    return False
