"""MicroPython's prompt behind a board's port, as a person or mpremote sees it."""

from __future__ import annotations

import socket

_PATIENCE_S = 100.0
_PIECE = 256


class Prompt:
    """The prompt of an emulated board."""

    def __init__(self, url: str) -> None:
        """Connect; `interrupt` stops the controller."""
        host, port = url.removeprefix("socket://").split(":")
        self._socket = socket.create_connection((host, int(port)), _PATIENCE_S)
        self._seen = b""

    def close(self) -> None:
        """Let go of the port."""
        self._socket.close()

    def send(self, text: bytes) -> None:
        """Type, and wait for nothing."""
        for start in range(0, len(text), _PIECE):
            self._socket.sendall(text[start : start + _PIECE])

    def type(self, text: bytes, until: bytes) -> bytes:
        """Type and return what is printed up to and including `until`."""
        self.send(text)
        while until not in self._seen:
            data = self._socket.recv(4096)
            assert data, f"the port closed after {self._seen!r}"
            self._seen += data
        end = self._seen.index(until) + len(until)
        seen, self._seen = self._seen[:end], self._seen[end:]
        return seen

    def enter_raw_mode(self) -> None:
        """Interrupt and enter raw mode without a pause in between, as mpremote does."""
        self.type(b"\r\x03\r\x01", b"raw REPL; CTRL-B to exit\r\n>")

    def run(self, program: str) -> str:
        """Run a program in raw mode and return what it prints.

        Raises:
            AssertionError: It raised.
        """
        self.type(program.encode() + b"\x04", b"OK")
        printed = self.type(b"", b"\x04").removesuffix(b"\x04")
        raised = self.type(b"", b"\x04>").removesuffix(b"\x04>")
        assert not raised, raised.decode()
        return printed.decode()
