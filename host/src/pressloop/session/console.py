"""Collects the board's console text, the bytes between frames, as lines.

A traceback of the firmware arrives here, so errors about a board that does not answer show the last
lines.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

KEPT_LINES: Final = 200
"""Lines that are kept."""

TAIL_LINES: Final = 20
"""Lines shown in an error: a MicroPython traceback with some depth."""

_MAX_LINE_BYTES: Final = 400
"""Longer lines are broken: what arrives at a wrong baud rate has no line ends."""


class Console:
    """Turns bytes into lines and keeps the newest."""

    def __init__(self) -> None:
        """Start empty."""
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._partial = bytearray()
        self._lock = threading.Lock()

    def feed(self, data: bytes) -> None:
        """Add bytes as they arrive."""
        with self._lock:
            for byte in data:
                if byte == 0x0A or len(self._partial) == _MAX_LINE_BYTES:
                    self._finish_line()
                if byte not in b"\r\n":
                    self._partial.append(byte)

    def lines(self) -> list[str]:
        """Return the lines that are kept, oldest first, and the one that has not ended yet."""
        with self._lock:
            partial = _readable(self._partial)
            return [*self._lines, *([partial] if partial else [])]

    def tail(self) -> list[str]:
        """Return the last few lines."""
        return self.lines()[-TAIL_LINES:]

    def _finish_line(self) -> None:
        line = _readable(self._partial)
        self._partial.clear()
        if line:
            self._lines.append(line)


def _readable(data: bytes | bytearray) -> str:
    """Return bytes as text in which everything that is not printable is escaped."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
