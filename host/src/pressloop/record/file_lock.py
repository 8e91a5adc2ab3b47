"""Locks a file against other writers, with what the operating system has for it.

`is_locked` only looks, and never keeps a writer from its lock: a program that plots a run must not
end the start of another. Where locks can be shared, it shares one for an instant, and a writer that
finds only such ones tries again. Windows has none that are shared: there a writer locks a second
byte, which only lookers try.
"""

from __future__ import annotations

import os
import time
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


_fcntl: Final[Any] = _module("fcntl")
_msvcrt: Final[Any] = _module("msvcrt") if _fcntl is None else None

_LOCK_OFFSET: Final = 1 << 40
"""Byte that writers lock where locks are mandatory (Windows): behind all bytes that are read."""

_SEEN_OFFSET: Final = _LOCK_OFFSET + 1
"""Byte that a writer locks next; programs that look try this one."""

_MAX_LOOK_S: Final = 2.0
"""Time for which a writer waits for programs that look; each needs less than a millisecond."""

_RETRY_S: Final = 0.001


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
        _flock(descriptor)
        return _nothing
    if _msvcrt is not None:
        _lock_byte(descriptor, _LOCK_OFFSET)
        _while_looked_at(lambda: _lock_byte(descriptor, _SEEN_OFFSET))
        return _nothing
    beside = lock_path(path)
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))

    def remove() -> None:
        beside.unlink(missing_ok=True)

    return remove


def is_locked(path: Path) -> bool | None:
    """Return whether a program has locked a file to write it; None if that cannot be found out.

    A writer on another machine is seen only where the network file system passes locks on.
    """
    if _fcntl is None and _msvcrt is None:
        return lock_path(path).exists()
    access = os.O_RDONLY if _fcntl is not None else os.O_RDWR
    try:
        descriptor = os.open(path, access | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        if _fcntl is not None:
            _fcntl.flock(descriptor, _fcntl.LOCK_SH | _fcntl.LOCK_NB)
        else:
            _lock_byte(descriptor, _SEEN_OFFSET)
    except (BlockingIOError, PermissionError):
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)  # ends the lock
    return False


def _flock(descriptor: int) -> None:
    """Lock a file for this writer alone; raises BlockingIOError if another writer has locked it."""

    def attempt() -> None:
        try:
            _fcntl.flock(descriptor, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
        except BlockingIOError:
            # Fails where a writer holds the lock, and succeeds where only lookers share it.
            _fcntl.flock(descriptor, _fcntl.LOCK_SH | _fcntl.LOCK_NB)
            _fcntl.flock(descriptor, _fcntl.LOCK_UN)
            raise _LookedAtError from None

    _while_looked_at(attempt)


def _lock_byte(descriptor: int, offset: int) -> None:
    """Lock one byte of a file on Windows, without waiting."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    try:
        _msvcrt.locking(descriptor, _msvcrt.LK_NBLCK, 1)
    except PermissionError as error:
        if offset == _SEEN_OFFSET:
            raise _LookedAtError from error
        raise


class _LookedAtError(PermissionError):
    """Only programs that look have locked the file at this moment."""


def _while_looked_at(attempt: Callable[[], None]) -> None:
    """Try to lock until no program is looking; raises PermissionError if one never stops."""
    deadline_s = time.monotonic() + _MAX_LOOK_S
    while True:
        try:
            return attempt()
        except _LookedAtError:
            if time.monotonic() >= deadline_s:
                raise
        time.sleep(_RETRY_S)


def lock_path(path: Path) -> Path:
    """Return the path of the file that is the lock where the system has no locks for files."""
    return path.with_name(f"{path.name}.lock")


def _nothing() -> None:
    """Do nothing: closing the file was enough."""
