# mypy: ignore-errors
# MicroPython's sockets and polls differ from CPython's; this file runs under MicroPython alone.
"""A TCP port on 127.0.0.1 with one client: a new one replaces the old, like a replugged cable."""

import os
import select
import socket

_HOST = "127.0.0.1"
_IPPROTO_TCP = 6
_TCP_NODELAY = 1
_EADDRINUSE = 98
# IANA's range for private ports. MicroPython cannot ask the kernel for a free port and learn which.
_FIRST_PORT = 49152
_PORTS = 16384
_ATTEMPTS = 64


class LoopbackPort:
    """Accepts a client in place of the one before; reads and writes without blocking."""

    def __init__(self, poller):
        """Listen on a free port; register every socket with `poller`."""
        self._poller = poller
        self._client = None
        self._listener = socket.socket()
        # The next board can use the number at once; two listeners still cannot share it.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port = self._bind()
        self._listener.listen(2)
        self._listener.setblocking(False)
        poller.register(self._listener, select.POLLIN)

    def _bind(self):
        """Bind to a random free port and return its number."""
        for attempt in range(_ATTEMPTS):
            port = _FIRST_PORT + int.from_bytes(os.urandom(2), "little") % _PORTS
            try:
                self._listener.bind(socket.getaddrinfo(_HOST, port)[0][-1])
                return port
            except OSError as error:
                if error.errno != _EADDRINUSE or attempt == _ATTEMPTS - 1:
                    raise
        return None

    @property
    def connected(self):
        """True while there is a client."""
        return self._client is not None

    def owns(self, sock):
        """Accept if `sock` is the listener; return True if it is the client's."""
        if sock is self._listener:
            self._accept()
        return sock is self._client

    def _accept(self):
        try:
            client, _ = self._listener.accept()
        except OSError:
            return  # the client has disconnected again
        self.drop()
        client.setblocking(False)
        client.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        self._client = client
        self._poller.register(client, select.POLLIN)

    def drop(self):
        """End the connection, if there is one."""
        if self._client is not None:
            self._poller.unregister(self._client)
            self._client.close()
            self._client = None

    def read_into(self, buf):
        """Read into `buf` what has arrived; return the number of bytes."""
        if self._client is None:
            return 0
        try:
            n = self._client.readinto(buf)
        except OSError:
            n = 0
        if n == 0:
            self.drop()  # end of stream, or a reset
        return n or 0

    def write(self, view):
        """Write `view`; return the number of bytes taken. Without a client they are discarded."""
        if self._client is None:
            return len(view)
        try:
            return self._client.write(view) or 0
        except OSError:
            self.drop()
            return len(view)
