"""Locks a file against other writers, with what the operating system has for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final


def _module(name: str) -> Any:
    """Return a module that not every operating system has, or None."""
    try:
        return import_module(name)
    except ImportError:
        return None


_fcntl: Final = _module("fcntl")
_msvcrt: Final = _module("msvcrt") if _fcntl is None else None

_LOCK_OFFSET: Final = 1 << 40
"""Byte that writers lock where locks are mandatory (Windows): behind all bytes that are read."""


def lock_file(descriptor: int, path: Path) -> Callable[[], None]:
    """Lock an open file without waiting; closing the file ends the lock.

    Where the system has no locks for files, a file beside it is the lock. That one is stale after
    its process was killed, and a person has to delete it.

    Args:
        descriptor: The open file.
        path: Its path.

    Returns:
        What else to do after the file was closed.

    Raises:
        BlockingIOError, PermissionError: Another process holds the lock.
        FileExistsError: The file that is the lock exists.
        OSError: The file system has no locks.
    """
    if _fcntl is not None:
        _fcntl.flock(descriptor, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
        return _nothing
    if _msvcrt is not None:
        os.lseek(descriptor, _LOCK_OFFSET, os.SEEK_SET)
        _msvcrt.locking(descriptor, _msvcrt.LK_NBLCK, 1)
        return _nothing
    beside = lock_path(path)
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))

    def remove() -> None:
        beside.unlink(missing_ok=True)

    return remove


def lock_path(path: Path) -> Path:
    """Return the path of the file that is the lock where the system has no locks for files."""
    return path.with_name(f"{path.name}.lock")


def _nothing() -> None:
    """Do nothing: closing the file was enough."""
