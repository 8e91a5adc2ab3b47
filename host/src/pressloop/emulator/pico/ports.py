"""A TCP port on 127.0.0.1 with one client at a time: the newest, as with a cable replugged."""

from __future__ import annotations

import selectors
import socket
from typing import Final

_HOST: Final = "127.0.0.1"
_MAX_BYTES: Final = 4096
# What a client may leave unread before the emulated cable is full.
_MAX_WAITING: Final = 4096


class Port:
    """Listens; accepts and replaces its client; reads and writes without ever waiting."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        """Listen on a free port; `selector` wakes up for it and for its client."""
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
        """True while the client leaves unread what it was sent."""
        return len(self._unsent) >= _MAX_WAITING

    def receive(self) -> bytes:
        """Return what has arrived, and let in a client that waits at the door."""
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
        """Send what there is room for and keep the rest. Without a client all of it vanishes."""
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
