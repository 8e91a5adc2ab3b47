"""Switches a POSIX terminal between lines with echo and single keys without.

A Windows console needs no switch: `msvcrt` reads single keys at any time.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

_LOCAL_FLAGS: Final = 3
_CHARACTERS: Final = 6
"""Places of local flags and of special characters in what `termios.tcgetattr` returns."""


class TerminalMode:
    """Sets the mode of one terminal, and restores it however the program ends or is suspended.

    Nothing is changed while another program has the terminal in the foreground. The mode is checked
    with each call of `use_keys`, because a shell may change it while the program is suspended.
    """

    def __init__(self, descriptor: int | None) -> None:
        """Change nothing yet. None: there is no terminal, so there is no mode to set."""
        self._descriptor = None if termios is None else descriptor
        self._before: list[Any] | None = None
        self._lock = threading.RLock()
        self._suspends = False
        if self._descriptor is not None:
            _call_before_suspending(self)

    @property
    def is_cbreak(self) -> bool:
        """Whether single keys are read."""
        return self._before is not None

    def use_keys(self) -> None:
        """Pass on each key at once and show none of them. Signals of keys such as Ctrl-C remain."""
        with self._lock:
            if self._descriptor is None or self._suspends or not self._is_foreground():
                return
            with suppress(termios.error, OSError):
                found = termios.tcgetattr(self._descriptor)
                wanted = termios.ICANON | termios.ECHO
                if not found[_LOCAL_FLAGS] & wanted:
                    return
                if self._before is None:
                    self._before = found
                    atexit.register(self.restore)
                changed = termios.tcgetattr(self._descriptor)
                changed[_LOCAL_FLAGS] &= ~wanted
                changed[_CHARACTERS][termios.VMIN] = 1
                changed[_CHARACTERS][termios.VTIME] = 0
                termios.tcsetattr(self._descriptor, termios.TCSANOW, changed)

    def use_lines(self) -> None:
        """Let the terminal collect lines and show what is typed."""
        self.restore()

    def restore(self) -> None:
        """Bring back the mode from before; does nothing if it was not changed."""
        with self._lock:
            if self._before is None or self._descriptor is None:
                return
            if self._is_foreground():
                with suppress(termios.error, OSError):
                    termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)
            self._before = None
            atexit.unregister(self.restore)

    def suspend(self) -> None:
        """Stop the program as Ctrl-Z does, with the terminal as it was before."""
        with self._lock:
            self._suspends = True
            self.restore()
        try:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTSTP)  # returns when the program is continued
        finally:
            self._suspends = False

    def _is_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self._descriptor or 0) == os.getpgrp()
        except OSError:
            return False


@contextmanager
def silent_keyboard() -> Iterator[None]:
    """Show nothing of what is typed in the block, and forget it; signals of keys remain.

    What is typed would smear a line that is updated in place, and reach the shell afterwards.
    """
    descriptor: int | None = None
    with suppress(AttributeError, OSError, ValueError):
        descriptor = sys.stdin.fileno()
    if termios is None or descriptor is None or not os.isatty(descriptor):
        yield
        return
    mode = TerminalMode(descriptor)
    mode.use_keys()
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcflush(descriptor, termios.TCIFLUSH)
        mode.restore()


def _call_before_suspending(mode: TerminalMode) -> None:
    """Restore the terminal before Ctrl-Z stops the program.

    Only the main thread may set a handler; without one, most shells restore the terminal.
    """
    if not hasattr(signal, "SIGTSTP"):
        return

    def suspend(_number: int, _frame: FrameType | None) -> None:
        mode.suspend()
        signal.signal(signal.SIGTSTP, suspend)

    with suppress(ValueError):
        if signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
            signal.signal(signal.SIGTSTP, suspend)
