"""Carries bytes to and from a board, over a serial port or a TCP socket.

Two threads use a transport at once: one reads, another one (under the session's lock) writes. Both
calls have a time limit, so a board that stops reading cannot freeze the host.
"""

from __future__ import annotations

import errno
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import serial

from pressloop.errors import BadInputError, LinkClosedError, NoBoardError, PortBusyError

MAX_READ_WAIT_S: Final = 0.05
"""Maximum wait of one read; a heartbeat or a close can be late by this much."""

MAX_WRITE_S: Final = 2.0
"""Maximum time of a write. A board empties its receive buffer every few ms; if it takes this long,
the board hangs."""

MAX_CONNECT_S: Final = 5.0
"""Maximum wait for a TCP connection."""

MAX_READ_BYTES: Final = 65536
"""Maximum number of bytes per read."""

_SERIAL_BAUD: Final = 115200
"""USB ignores the rate, except 1200: some boards then start their boot loader."""

SOCKET_SCHEME: Final = "socket://"

RFC2217_SCHEME: Final = "rfc2217://"
"""A serial port of another computer, behind a server such as ser2net."""

_HWGREP_SCHEME: Final = "hwgrep://"
"""The serial port whose description matches a regular expression."""

_URL_FORMS: Final = "rfc2217://HOST:PORT, socket://HOST:PORT or hwgrep://REGEXP"


_WINDOWS_PORT: Final = re.compile(r"(\\\\\.\\)?COM[0-9]+", re.IGNORECASE)


class Transport(Protocol):
    """A byte stream to one board."""

    @property
    def url(self) -> str:
        """Address for `open_transport` of the same board."""

    def read(self) -> bytes:
        """Read what has arrived; wait at most `MAX_READ_WAIT_S` for the first byte.

        Returns:
            The bytes; empty if none arrived.

        Raises:
            LinkClosedError: The port is gone, or the other side closed the connection.
        """

    def write(self, data: bytes) -> None:
        """Write all of `data` within `MAX_WRITE_S`.

        Raises:
            LinkClosedError: The port is gone, or the other side accepts no bytes.
        """

    def close(self) -> None:
        """Close; a read or write in progress ends with `LinkClosedError`."""


class SocketTransport:
    """Transport over TCP, for the emulated board and serial-to-network bridges."""

    def __init__(self, host: str, port: int) -> None:
        """Connect.

        Raises:
            NoBoardError: There is no server at this address.
        """
        self.url = f"{SOCKET_SCHEME}{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), MAX_CONNECT_S)
        except OSError as error:
            raise NoBoardError(
                f"no connection to {self.url} ({error.strerror or error})",
                hint="check host and port, and that the emulated board or the bridge runs",
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(MAX_READ_WAIT_S)

    def read(self) -> bytes:
        """See `Transport.read`."""
        try:
            data = self._socket.recv(MAX_READ_BYTES)
        except TimeoutError:
            return b""
        except OSError as error:
            raise _closed(self.url, str(error)) from error
        if not data:
            raise _closed(self.url, "the other side closed the connection")
        return data

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        deadline = time.monotonic() + MAX_WRITE_S
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
    """Transport over a serial port, opened exclusively: no other program can read the replies.

    pyserial's `rfc2217://` and `hwgrep://` are accepted as well. Over RFC 2217 the server decides
    who may open the port, and a write takes at most pyserial's own limit of 5 s.
    """

    def __init__(self, path: str, *, shared: bool = False) -> None:
        """Open the port without resetting the board.

        Args:
            path: Of the port, or a URL of pyserial.
            shared: Open it also beside a program that uses it, where the system allows that: then
                each of the two gets a part of what the board sends.

        DTR is set because MicroPython drops its output without it, and RTS stays low: auto-reset
        circuits do not reset a board on this pair.

        Raises:
            NoBoardError: There is no such port.
            PortBusyError: Another program uses the port, or the user has no permission.
        """
        self.url = path
        remote = path.startswith(RFC2217_SCHEME)
        local: dict[str, Any] = {"write_timeout": MAX_WRITE_S, "exclusive": not shared}
        try:
            # Opened after construction, so that DTR and RTS are set before.
            self._serial = serial.serial_for_url(
                path,
                do_not_open=True,
                baudrate=_SERIAL_BAUD,
                timeout=MAX_READ_WAIT_S,
                **({} if remote else local),
            )
            self._serial.dtr = True
            self._serial.rts = False
            self._serial.open()
        except (*_SERIAL_ERRORS, ValueError) as error:
            raise explain_open_error(path, error) from error

    def read(self) -> bytes:
        """See `Transport.read`."""
        try:
            return bytes(self._serial.read(max(1, min(MAX_READ_BYTES, self._serial.in_waiting))))
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


# pyserial raises TypeError or AttributeError if the port is closed during a call.
_SERIAL_ERRORS: Final = (serial.SerialException, OSError, TypeError, AttributeError)


def open_transport(url: str) -> Transport:
    """Open a serial port, `socket://host:port`, `rfc2217://host:port` or `hwgrep://regexp`.

    Raises:
        BadInputError: The address is malformed or of another kind.
        NoBoardError: There is no such port or server.
        PortBusyError: Another program uses the port, or the user has no permission.
    """
    scheme, is_url, _ = url.partition("://")
    if not is_url:
        return SerialTransport(url)
    # The schemes of addresses are the same in upper case; pyserial's own are compared as written.
    url = f"{scheme.lower()}://{url.partition('://')[2]}"
    if url.startswith(SOCKET_SCHEME):
        return SocketTransport(*_split_address(url))
    if url.startswith(RFC2217_SCHEME):
        _split_address(url)
    elif not url.startswith(_HWGREP_SCHEME):
        raise BadInputError(
            f"{scheme}:// is not a way to a board",
            hint=f"name a serial port, or write {_URL_FORMS}",
            code="unknown-scheme",
        )
    return SerialTransport(url)


def _split_address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        scheme = url.partition("://")[0]
        raise BadInputError(
            f"{url!r} is not a {scheme} address", hint=f"write it as {scheme}://127.0.0.1:5555"
        )
    return host, port


def explain_open_error(path: str, error: Exception) -> NoBoardError | PortBusyError:
    """Explain why a serial port did not open, and what to do about it on this system."""
    text = str(error)
    number = getattr(error, "errno", None)
    if path.startswith((RFC2217_SCHEME, _HWGREP_SCHEME)):
        return NoBoardError(
            f"cannot open {path}: {text}",
            hint="check that the server runs and that the other computer lets you in"
            if path.startswith(RFC2217_SCHEME)
            else "list the ports and their descriptions with `pressloop ports`",
        )
    if "Access is denied" in text or "PermissionError(13" in text:
        return PortBusyError(
            f"Windows denies access to {path}",
            hint="close the other program that uses the port (a serial monitor, another "
            "pressloop); if a program has just ended, wait two seconds and try again",
        )
    if number == errno.EACCES:
        return PortBusyError(
            f"you have no permission to open {path}",
            hint="on Linux: sudo usermod -a -G dialout $USER, then log out and in again",
            code="port-permission",
        )
    if number == errno.ENOTTY or "Inappropriate ioctl" in text or _is_no_device(path):
        return NoBoardError(
            f"{path} is not a serial port",
            hint="name the port of the board; list the boards with `pressloop ports`",
            code="not-a-port",
        )
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return PortBusyError(
            f"{path} is in use by another program",
            hint="close the other pressloop or serial monitor; if there is none, ModemManager may "
            "use the port: wait ten seconds, or run sudo systemctl stop ModemManager",
        )
    if sys.platform != "win32" and _WINDOWS_PORT.fullmatch(path):
        return NoBoardError(
            f"{path} is a port of Windows, and this is another system",
            hint="ports are called /dev/ttyACM0 here; list the boards with `pressloop ports`",
        )
    if number == errno.ENOENT and sys.platform != "win32":
        text = "there is no such port"  # pyserial says the same three times in one line
    return NoBoardError(
        f"cannot open {path}: {text}",
        hint="list the boards with `pressloop ports`; if yours is missing, replug its USB cable",
    )


def _is_no_device(path: str) -> bool:
    try:
        return Path(path).is_file() or Path(path).is_dir()
    except (OSError, ValueError):
        return False


def _closed(url: str, why: str) -> LinkClosedError:
    return LinkClosedError(
        f"the link to the board at {url} ended: {why}",
        hint="check the USB cable and the controller's power, then open the press again",
    )


def _not_reading(url: str) -> LinkClosedError:
    return LinkClosedError(
        f"the board at {url} accepted no bytes for {MAX_WRITE_S:g} s",
        hint="press the reset button of the board, then open the press again; check its firmware",
        code="link-stuck",
    )
