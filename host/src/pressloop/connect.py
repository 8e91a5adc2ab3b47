"""Finds the board that a user names, and connects to it, also again after a lost link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pressloop.emulator.pico import EmulatedPico
from pressloop.emulator.process import EmulatedBoard
from pressloop.errors import EmulatorError, NoBoardError
from pressloop.session.console import TAIL_LINES
from pressloop.transport.discovery import find_port, list_serial_ports
from pressloop.transport.transport import SOCKET_SCHEME, Transport, open_transport

EMULATED: Final[dict[str, type[EmulatedBoard]]] = {
    "emulated": EmulatedBoard,
    "emulated:pico": EmulatedPico,
}
"""Ports that start an emulated board, from the firmware's sources or from its flash image."""


@dataclass(frozen=True)
class BoardAddress:
    """The address of a board: a name by which it is found again, and how to connect."""

    name: str
    connect: Callable[[], Transport]


def names_emulated(port: str) -> bool:
    """Return whether a port names an emulated board, even one that does not exist."""
    return port.partition(":")[0] == "emulated"


def resolve_address(port: str | None) -> BoardAddress:
    """Find the board that a user means.

    Args:
        port: `"socket://host:port"`, a serial port, a USB serial number, or None for the one board
            that is plugged in.

    Raises:
        NoBoardError: There is no such board.
        AmbiguousPortError: Several boards are plugged in and `port` is None.
    """
    if port is None:
        path = find_port()
        serials = {found.path: found.serial_number for found in list_serial_ports()}
        # The path can change when the cable is replugged, the serial number cannot.
        return _by_serial(serials[path]) if serials.get(path) else _by_path(path)
    if names_emulated(port):
        raise NoBoardError(
            f"there is no emulated board {port!r}",
            hint="choose " + " or ".join(f'"{name}"' for name in EMULATED),
            code="no-such-emulator",
        )
    if port.startswith(SOCKET_SCHEME) or is_path(port):
        return _by_path(port)
    return _by_serial(port)


def _by_path(path: str) -> BoardAddress:
    return BoardAddress(path, lambda: open_transport(path))


def _by_serial(serial_number: str) -> BoardAddress:
    return BoardAddress(serial_number, lambda: open_transport(find_port(serial_number)))


def is_path(port: str) -> bool:
    """Return whether `port` names a serial port rather than a USB serial number."""
    return "/" in port or "\\" in port or port.upper().startswith("COM")


def connect_emulated(board: EmulatedBoard) -> Transport:
    """Connect to an emulated board that this program started.

    Raises:
        EmulatorError: Its process has ended; the message has the last lines of its console.
    """
    try:
        return open_transport(board.url)
    except NoBoardError as error:
        log = board.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        console = "\n".join(f"    {line}" for line in log[-TAIL_LINES:])
        raise EmulatorError(
            f"the emulated board has ended; the last lines of its console:\n{console}",
            hint="open the press again; if the board ends again, report it with these lines",
            code="emulated-board-ended",
        ) from error
