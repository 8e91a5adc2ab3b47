"""A TCP port on 127.0.0.1 with one client: a new one replaces the old, like a replugged cable."""

from __future__ import annotations

import selectors
import socket
from typing import Final

_HOST: Final = "127.0.0.1"
_MAX_BYTES: Final = 4096
# Bytes that a client may leave unread before `full` is set.
_MAX_UNSENT: Final = 4096


class Port:
    """Accepts a client in place of the one before; reads and writes without blocking."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        """Listen on a free port; register the listener and each client with `selector`."""
        self._selector = selector
        self._client: socket.socket | None = None
        self._unsent = bytearray()
        self._listener = socket.create_server((_HOST, 0))
        self._listener.setblocking(False)
        self.number: int = self._listener.getsockname()[1]
        selector.register(self._listener, selectors.EVENT_READ)

    @property
    def connected(self) -> bool:
        """True while there is a client."""
        return self._client is not None

    @property
    def full(self) -> bool:
        """True while the client has left too much unread."""
        return len(self._unsent) >= _MAX_UNSENT

    def receive(self) -> bytes:
        """Accept a waiting client and return the bytes that have arrived."""
        self._accept()
        if self._client is None:
            return b""
        try:
            data = self._client.recv(_MAX_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._drop()
        return data

    def send(self, data: bytes) -> None:
        """Send what the socket takes and queue the rest. Without a client, discard the data."""
        if self._client is None:
            return
        self._unsent += data
        try:
            del self._unsent[: self._client.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            self._drop()

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        self._drop()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        self._selector.register(client, selectors.EVENT_READ)

    def _drop(self) -> None:
        if self._client is not None:
            self._selector.unregister(self._client)
            self._client.close()
            self._client = None
            self._unsent.clear()
