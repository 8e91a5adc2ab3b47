"""A pseudo terminal with a program in it, for tests that type and look as a person does."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Final

from tests.emulated.command_line import command

MAX_WAIT_S: Final = 30.0
COLUMNS: Final = 80

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class PtyTerminal:
    """Runs `pressloop` at a terminal of 80 columns; use it in a `with` block."""

    def __init__(self, folder: Path, *words: str) -> None:
        """Start `pressloop` with these words, in a folder and a session of its own."""
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm"}
        environment.pop("COLUMNS", None)
        self.process = subprocess.Popen(
            command(*words),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self._raw = ""
        self._seen = 0

    def __enter__(self) -> PtyTerminal:
        """Return the terminal."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the program."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    @property
    def shown(self) -> str:
        """Everything that was shown, without control sequences; a redrawn line is a new line."""
        return _CONTROL.sub("", self._raw).replace("\r\n", "\n").replace("\r", "\n")

    def see(self, text: str) -> str:
        """Wait for a text that was not seen before; return what was shown up to it.

        Raises:
            AssertionError: It does not come in time, or the program has ended.
        """
        deadline_s = time.monotonic() + MAX_WAIT_S
        while (found := self.shown.find(text, self._seen)) < 0:
            assert time.monotonic() < deadline_s, f"{text!r} is not in {self.shown[-1500:]}"
            assert self._read(), f"the program ended without {text!r}: {self.shown[-1500:]}"
        since, self._seen = self._seen, found + len(text)
        return self.shown[since : self._seen]

    def type(self, text: str) -> None:
        """Type a text, or a control character such as that of Ctrl-C."""
        self._seen = len(self.shown)
        os.write(self._ours, text.encode())

    def wait(self) -> int:
        """Wait for the end of the program and return its exit code."""
        while self._read():
            pass
        return self.process.wait(MAX_WAIT_S)

    def _read(self) -> bool:
        """Read what was shown; return False if the program has ended."""
        readable, _, _ = select.select([self._ours], [], [], MAX_WAIT_S)
        assert readable, f"nothing was shown for {MAX_WAIT_S:g} s after {self.shown[-1500:]}"
        try:
            chunk = os.read(self._ours, 65536)
        except OSError:  # Linux: the program has closed the terminal
            return False
        self._raw += chunk.decode(errors="replace")
        return bool(chunk)
