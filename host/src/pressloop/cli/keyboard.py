"""Reads lines and single keys from standard input without blocking the program.

`input()` would wait for a line even after the press has stopped waiting for the answer, and it
would accept an Enter from a minute ago as the answer to a question that has just been printed.
"""

from __future__ import annotations

import _thread
import os
import queue
import signal
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, Final

from pressloop.cli.terminal_mode import TerminalMode
from pressloop.errors import required

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

_CONSOLE: Any = import_module("msvcrt") if os.name == "nt" else None
"""Module that reads keys from a Windows console; None on other systems."""

_SLICE_S: Final = 0.1
"""A wait consists of slices of this length, so that Ctrl-C ends it at once on every system."""

_BACKGROUND_S: Final = 1.0
"""Pause before reading again from a terminal that another program has in the foreground."""

_CONSOLE_POLL_S: Final = 0.03
"""Pause between two looks for a key in a Windows console, which cannot wait for one."""

_MAX_WAITING: Final = 64
"""Maximum number of chunks and of lines that wait to be read: `yes |` must not fill the memory."""


class Keyboard:
    """Reads standard input in a thread, which starts with the first question."""

    def __init__(self) -> None:
        """Ignore the signals of a background process. Call this in the main thread."""
        self._descriptor = _standard_input()
        self._chunks: queue.Queue[str | None] = queue.Queue(_MAX_WAITING)
        self._reader: threading.Thread | None = None
        self._text = ""
        self._kept: deque[str] = deque()
        self._closed = self._descriptor is None
        self._question_is_open = threading.Event()
        self._input_lock = threading.Lock()
        self._mode = TerminalMode(self._descriptor if self.is_terminal else None)
        for name in ("SIGTTIN", "SIGTTOU"):
            # By default, reading in the background stops the program, and with it the heartbeat
            # to the press. With the signals ignored, the read fails instead.
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)

    @property
    def is_terminal(self) -> bool:
        """Whether standard input is a terminal, so that an operator may be there."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    @property
    def is_pipe(self) -> bool:
        """Whether standard input is a pipe or a socket, so that a program may type commands.

        A file is not: what is in it was written before the run, and may be meant for another
        program.
        """
        if self._descriptor is None:
            return False
        try:
            mode = os.fstat(self._descriptor).st_mode
        except OSError:
            return False
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)

    # --- lines, for questions

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Read lines for a question in the block; keys have no effect meanwhile."""
        self._question_is_open.set()
        try:
            with self._input_lock:
                self._mode.use_lines()
                yield
        finally:
            self._question_is_open.clear()

    def clear(self) -> None:
        """Discard what was typed before the question was printed. Input from a pipe is kept."""
        if not self.is_terminal:
            return
        if termios is not None and self._descriptor is not None:
            # Fails where the terminal has been closed, which the next read notices.
            with suppress(termios.error):
                termios.tcflush(self._descriptor, termios.TCIFLUSH)
        if _CONSOLE is not None:
            while _CONSOLE.kbhit():
                _CONSOLE.getwch()
        while self._take(0.0):
            pass
        self._text = ""

    def read_line(self, wanted: Callable[[], bool]) -> str | None:
        """Wait for a line and return it.

        Args:
            wanted: Called repeatedly; False ends the wait.

        Returns:
            The line, None when it is no longer wanted.

        Raises:
            EOFError: Standard input is closed.
        """
        if self._kept:
            return self._kept.popleft()
        while wanted():
            line = self._next_line()
            if line is not None:
                return line
            if self._closed:
                raise EOFError
            self._take(_SLICE_S)
        return None

    # --- keys and words, during a run

    @contextmanager
    def keys(self) -> Iterator[None]:
        """Read single keys in the block, if standard input is a terminal."""
        try:
            yield
        finally:
            self._mode.restore()

    def poll_keys(self) -> str:
        """Wait up to a slice for keys and return them; empty if none came or a question is open."""
        if self._question_is_open.is_set():
            time.sleep(_SLICE_S)
            return ""
        with self._input_lock:
            if self._question_is_open.is_set():
                return ""
            self._mode.use_keys()
            self._take(_SLICE_S)
            text, self._text = self._text, ""
            return text

    def poll_word(self, is_word: Callable[[str], bool]) -> str | None:
        """Wait up to a slice for a line with a command; other lines are kept for the questions.

        Args:
            is_word: Returns whether a line is a command.
        """
        if self._question_is_open.is_set() or self._closed or len(self._kept) >= _MAX_WAITING:
            time.sleep(_SLICE_S)
            return None
        with self._input_lock:
            if self._question_is_open.is_set():
                return None
            if "\n" not in self._text:
                self._take(_SLICE_S)
            line = self._next_line()
            if line is None or is_word(line):
                return line
            self._kept.append(line)
            return None

    # --- reading

    def _next_line(self) -> str | None:
        line, newline, rest = self._text.replace("\r", "\n").partition("\n")
        if not newline:
            return None
        self._text = rest
        return line.strip()

    def _take(self, wait_s: float) -> bool:
        """Add the next chunk to the text; return False if there was none."""
        if self._closed:
            time.sleep(wait_s)
            return False
        if self._reader is None:
            self._reader = threading.Thread(
                target=self._read, name="pressloop keyboard", daemon=True
            )
            self._reader.start()
        try:
            chunk = self._chunks.get(timeout=wait_s) if wait_s else self._chunks.get_nowait()
        except queue.Empty:
            return False
        if chunk is None:
            self._closed = True
            return False
        self._text = self._text[:-1] if chunk == "\b" else self._text + chunk
        return True

    def _read(self) -> None:
        if _CONSOLE is not None and self.is_terminal:
            self._read_console(_CONSOLE)
        else:
            self._read_descriptor()
        self._chunks.put(None)

    def _read_descriptor(self) -> None:
        """Read from the descriptor: a read of the stream holds a lock that blocks the exit."""
        descriptor = required(self._descriptor, "the terminal")
        while True:
            try:
                chunk = os.read(descriptor, 1024)
            except OSError:
                if not self.is_terminal:
                    return
                time.sleep(_BACKGROUND_S)
                continue
            if not chunk:
                if not self._mode.is_cbreak:
                    return
                time.sleep(_SLICE_S)  # the terminal changed its mode during the read
                continue
            self._chunks.put(chunk.decode(errors="replace"))

    def _read_console(self, console: Any) -> None:
        """Read keys from a Windows console; it shows them only while a question is open."""
        while True:
            if not console.kbhit():
                time.sleep(_CONSOLE_POLL_S)
                continue
            key = console.getwch()
            if key in ("\0", "\xe0"):
                console.getwch()  # the second half of an arrow or function key
            elif key == "\x03":
                _thread.interrupt_main()
            else:
                if self._question_is_open.is_set():
                    for shown in {"\b": "\b \b", "\r": "\r\n"}.get(key, key):
                        console.putwch(shown)
                self._chunks.put(key)


def _standard_input() -> int | None:
    """Return the file descriptor of standard input, None if there is none."""
    try:
        return None if sys.stdin is None else sys.stdin.fileno()
    except (OSError, ValueError):
        return None
