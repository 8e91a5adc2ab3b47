"""What the operator types, read so that nobody has to wait for it.

`input()` would wait for a line even when the press has long given up the question, and would take
an Enter from a minute ago for the answer to a question that nobody has read yet.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

_SLICE_S: Final = 0.1
"""Waits are cut into these, so that Ctrl-C ends them at once on every system."""

_BACKGROUND_S: Final = 1.0
"""Pause before a terminal is read again that belongs to another program at the moment."""


class Keyboard:
    """Lines from the standard input. Nothing is read before the first question."""

    def __init__(self) -> None:
        """Read nothing yet. Call it in the main thread."""
        self._descriptor = _standard_input()
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader: threading.Thread | None = None
        self._closed = self._descriptor is None
        for name in ("SIGTTIN", "SIGTTOU"):
            # Asking from the background fails then; by default it would stop the program, and
            # with it the heartbeat to the press.
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)

    @property
    def is_terminal(self) -> bool:
        """Whether a person may sit at it."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def forget(self) -> None:
        """Drop what was typed before the question was there to be read; a script's input stays."""
        if not self.is_terminal:
            return
        if termios is not None and self._descriptor is not None:
            termios.tcflush(self._descriptor, termios.TCIFLUSH)
        while self._take(0.0) is not None:
            pass

    def line(self, wanted: Callable[[], bool]) -> str | None:
        """Wait for a line.

        Args:
            wanted: Asked again and again whether the line is still of use.

        Returns:
            The line, or None when it is no longer wanted.

        Raises:
            EOFError: The input is closed.
        """
        while wanted():
            line = self._take(_SLICE_S)
            if line is not None:
                return line
            if self._closed:
                raise EOFError
        return None

    def poll(self) -> str | None:
        """Return a line if there is one."""
        return self._take(0.0)

    def _take(self, wait_s: float) -> str | None:
        if self._reader is None and not self._closed:
            self._reader = threading.Thread(
                target=self._read, name="pressloop keyboard", daemon=True
            )
            self._reader.start()
        try:
            line = self._lines.get(timeout=wait_s) if wait_s else self._lines.get_nowait()
        except queue.Empty:
            return None
        if line is None:
            self._closed = True
        return line

    def _read(self) -> None:
        """Read from the descriptor, not the stream: that holds a lock the exit would wait for."""
        assert self._descriptor is not None
        pending = b""
        while True:
            try:
                chunk = os.read(self._descriptor, 1024)
            except OSError:
                if not self.is_terminal:
                    break
                time.sleep(_BACKGROUND_S)
                continue
            if not chunk:
                break
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                self._lines.put(line.decode(errors="replace").strip())
        self._lines.put(None)


def _standard_input() -> int | None:
    try:
        return None if sys.stdin is None else sys.stdin.fileno()
    except (OSError, ValueError):
        return None
