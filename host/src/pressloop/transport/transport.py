"""Bytes to and from a board: a serial port or a TCP socket.

A transport is used by two threads at once: one reads, any one (under the session's lock) writes.
Neither call can wait for ever, so a board that stopped reading cannot freeze the host.
"""

from __future__ import annotations

import errno
import socket
import time
from typing import Final, Protocol
from urllib.parse import urlsplit

import serial

from pressloop.errors import BadInputError, LinkClosedError, NoBoardError, PortBusyError

READ_WAIT_S: Final = 0.05
"""Longest wait of one read: bounds how late a heartbeat or a close can be."""

WRITE_LIMIT_S: Final = 2.0
"""Longest a write may take. A board empties its receive buffer every few ms; far above that, the
board hangs."""

CONNECT_LIMIT_S: Final = 5.0
"""Longest wait for a TCP connection."""

READ_CHUNK: Final = 65536
"""Most bytes taken in one read."""

_SERIAL_BAUD: Final = 115200
"""USB ignores it, except 1200, which some boards take as the order to enter their boot loader."""

SOCKET_SCHEME: Final = "socket://"


class Transport(Protocol):
    """A byte stream to one board."""

    @property
    def url(self) -> str:
        """What `open_transport` needs to open the same board again."""

    def read(self) -> bytes:
        """Read what has arrived; wait at most `READ_WAIT_S` for a first byte.

        Returns:
            The bytes, empty when none came.

        Raises:
            LinkClosedError: The port vanished or the other side closed.
        """

    def write(self, data: bytes) -> None:
        """Write all of `data` within `WRITE_LIMIT_S`.

        Raises:
            LinkClosedError: The port vanished, or the other side takes no bytes.
        """

    def close(self) -> None:
        """Close; a read or write under way ends with `LinkClosedError`."""


class SocketTransport:
    """A TCP connection, as the emulated board and serial-to-network bridges offer it."""

    def __init__(self, host: str, port: int) -> None:
        """Connect.

        Raises:
            NoBoardError: Nobody listens there.
        """
        self.url = f"{SOCKET_SCHEME}{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), CONNECT_LIMIT_S)
        except OSError as error:
            raise NoBoardError(
                f"nothing answers at {self.url} ({error.strerror or error})",
                hint="start the emulated board or the bridge first, and check host and port",
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(READ_WAIT_S)

    def read(self) -> bytes:
        """See `Transport.read`."""
        try:
            data = self._socket.recv(READ_CHUNK)
        except TimeoutError:
            return b""
        except OSError as error:
            raise _closed(self.url, str(error)) from error
        if not data:
            raise _closed(self.url, "the other side closed the connection")
        return data

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        deadline = time.monotonic() + WRITE_LIMIT_S
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise _not_reading(self.url) from None
            except OSError as error:
                raise _closed(self.url, str(error)) from error

    def close(self) -> None:
        """See `Transport.close`."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            if error.errno not in (errno.ENOTCONN, errno.EBADF, errno.EPIPE, errno.ECONNRESET):
                raise
        self._socket.close()


class SerialTransport:
    """A serial port, exclusively: a second program cannot steal replies."""

    def __init__(self, path: str) -> None:
        """Open the port without resetting what is behind it.

        DTR says that a host is there (MicroPython drops its output without it) and RTS stays low:
        no auto-reset circuit takes this pair as a reset.

        Raises:
            NoBoardError: There is no such port.
            PortBusyError: Another program holds the port, or the user may not open it.
        """
        self.url = path
        # The port is named after construction, so that DTR and RTS are set before it opens.
        self._serial = serial.Serial(
            baudrate=_SERIAL_BAUD, timeout=READ_WAIT_S, write_timeout=WRITE_LIMIT_S, exclusive=True
        )
        self._serial.port = path
        self._serial.dtr = True
        self._serial.rts = False
        try:
            self._serial.open()
        except (serial.SerialException, OSError) as error:
            raise explain_open_error(path, error) from error

    def read(self) -> bytes:
        """See `Transport.read`."""
        try:
            return bytes(self._serial.read(max(1, min(READ_CHUNK, self._serial.in_waiting))))
        except _SERIAL_ERRORS as error:
            raise _closed(self.url, str(error)) from error

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException:
            raise _not_reading(self.url) from None
        except _SERIAL_ERRORS as error:
            raise _closed(self.url, str(error)) from error

    def close(self) -> None:
        """See `Transport.close`."""
        self._serial.close()


# pyserial lets TypeError and AttributeError escape when the port is closed during a call.
_SERIAL_ERRORS: Final = (serial.SerialException, OSError, TypeError, AttributeError)


def open_transport(url: str) -> Transport:
    """Open `socket://host:port` or a serial port.

    Raises:
        BadInputError: The socket address is malformed.
        NoBoardError: There is nothing there.
        PortBusyError: Somebody else has it.
    """
    if not url.startswith(SOCKET_SCHEME):
        return SerialTransport(url)
    host, port = _split_socket_url(url)
    return SocketTransport(host, port)


def _split_socket_url(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise BadInputError(
            f"{url!r} is not a socket address", hint="write it as socket://127.0.0.1:5555"
        )
    return host, port


def explain_open_error(path: str, error: Exception) -> NoBoardError | PortBusyError:
    """Say why a serial port did not open, and what to do about it on this system."""
    text = str(error)
    number = getattr(error, "errno", None)
    if "Access is denied" in text or "PermissionError(13" in text:
        return PortBusyError(
            f"Windows denies access to {path}",
            hint="close the other program that has the port open (a serial monitor, another "
            "pressloop); just after a program ended, wait two seconds and try again",
        )
    if number == errno.EACCES:
        return PortBusyError(
            f"you have no permission to open {path}",
            hint="on Linux: sudo usermod -a -G dialout $USER, then log out and in again",
            code="port-permission",
        )
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return PortBusyError(
            f"{path} is in use by another program",
            hint="close the other pressloop or serial monitor; if none is open, ModemManager may "
            "be probing the port: wait ten seconds, or sudo systemctl stop ModemManager",
        )
    return NoBoardError(
        f"cannot open {path}: {text}",
        hint="list the boards with `pressloop ports`; replug the USB cable if yours is missing",
    )


def _closed(url: str, why: str) -> LinkClosedError:
    return LinkClosedError(
        f"the link to the board at {url} ended: {why}",
        hint="check the USB cable and the controller's power, then open the press again",
    )


def _not_reading(url: str) -> LinkClosedError:
    return LinkClosedError(
        f"the board at {url} took no bytes for {WRITE_LIMIT_S:g} s",
        hint="the firmware hangs or is not Pressloop's: press the board's reset, then open again",
        code="link-stuck",
    )
