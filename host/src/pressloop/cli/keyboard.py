"""Reads lines from the terminal without blocking the program.

`input()` would wait for a line even after the press has stopped waiting for the answer, and it
would accept an Enter from a minute ago as the answer to a question that has just been printed.
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

from pressloop.errors import required

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

_SLICE_S: Final = 0.1
"""A wait consists of slices of this length, so that Ctrl-C ends it at once on every system."""

_BACKGROUND_S: Final = 1.0
"""Pause before reading again from a terminal that another program has in the foreground."""


class Keyboard:
    """Reads lines from standard input in a thread, which starts with the first question."""

    def __init__(self) -> None:
        """Ignore the signals of a background process. Call this in the main thread."""
        self._descriptor = _standard_input()
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader: threading.Thread | None = None
        self._closed = self._descriptor is None
        for name in ("SIGTTIN", "SIGTTOU"):
            # By default, reading in the background stops the program, and with it the heartbeat
            # to the press. With the signals ignored, the read fails instead.
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)

    @property
    def is_terminal(self) -> bool:
        """Whether standard input is a terminal, so that an operator may be there."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def clear(self) -> None:
        """Discard what was typed before the question was printed. Input from a pipe is kept."""
        if not self.is_terminal:
            return
        if termios is not None and self._descriptor is not None:
            termios.tcflush(self._descriptor, termios.TCIFLUSH)
        while self._take(0.0) is not None:
            pass

    def read_line(self, wanted: Callable[[], bool]) -> str | None:
        """Wait for a line and return it.

        Args:
            wanted: Called repeatedly; False ends the wait.

        Returns:
            The line, None when it is no longer wanted.

        Raises:
            EOFError: Standard input is closed.
        """
        while wanted():
            line = self._take(_SLICE_S)
            if line is not None:
                return line
            if self._closed:
                raise EOFError
        return None

    def poll(self) -> str | None:
        """Return the next line if there is one, else None. Does not wait."""
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
        """Read from the descriptor: a read of the stream holds a lock that blocks the exit."""
        descriptor = required(self._descriptor, "the terminal")
        pending = b""
        while True:
            try:
                chunk = os.read(descriptor, 1024)
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
    """Return the file descriptor of standard input, None if there is none."""
    try:
        return None if sys.stdin is None else sys.stdin.fileno()
    except (OSError, ValueError):
        return None
