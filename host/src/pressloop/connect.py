"""Finds the board that a user names, and connects to it, also again after a lost link."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pressloop.emulator.pico import EmulatedPico
from pressloop.emulator.process import EmulatedBoard
from pressloop.errors import (
    BoardTimeoutError,
    EmulatorError,
    LinkClosedError,
    NoBoardError,
    VersionMismatchError,
)
from pressloop.session.connection import ATTEMPT_WAITS_S
from pressloop.session.console import TAIL_LINES
from pressloop.session.session import Session
from pressloop.transport.discovery import find_port, list_serial_ports
from pressloop.transport.transport import SOCKET_SCHEME, Transport, open_transport
from pressloop.wire.schema import ProfileWriteRequest
from pressloop.yaml.close_names import closest_name

EMULATED: Final[dict[str, type[EmulatedBoard]]] = {
    "emulated": EmulatedBoard,
    "emulated:pico": EmulatedPico,
}
"""Ports that start an emulated board, from the firmware's sources or from its flash image."""


HELLO_WAITS_S: Final = (0.5, 1.0, 1.5)
"""How long each attempt of a hello waits. A controller answers within milliseconds; if nothing has
come after 3 s, something else is on the port."""

_EMULATED_RECONNECT_S: Final = 2.0
"""An emulated board has no cable to replug: if its process has ended, it does not come back."""

_EMULATED_HELLO_WAITS_S: Final = (*ATTEMPT_WAITS_S, 8.0, 16.0, 32.0)
"""Without a compiler on the machine an emulated Pico is slow: it boots after 20 s, or later."""

_NO_PROFILE: Final = bytes(8)
"""Hash in the hello of a board that has no profile."""

_MAX_SHOWN: Final = 60
"""Characters of a strange device's output that an error repeats."""


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
        port: `"socket://host:port"`, `"rfc2217://host:port"`, a serial port, a USB serial number,
            or None for the one board that is plugged in.

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
    if is_path(port):
        return _by_path(port)
    return _by_serial(port)


def open_session(address: BoardAddress, *, host: str, reconnect_timeout_s: float) -> Session:
    """Open a session with the board at an address.

    Args:
        address: From `resolve_address`.
        host: Name and version of the host software.
        reconnect_timeout_s: How long to try to reconnect when the link is lost.

    Raises:
        NoBoardError: There is no such port, or `no-hello`: what is there is no press controller.
        PortBusyError: Another program uses the port, or the user has no permission.
        VersionMismatchError: The firmware was built from another wire schema.
    """
    # A socket may lead to an emulated board, which shares its processor with much else.
    waits_s = ATTEMPT_WAITS_S if address.name.startswith(SOCKET_SCHEME) else HELLO_WAITS_S
    try:
        return Session(
            address.connect,
            host=host,
            reconnect_timeout_s=reconnect_timeout_s,
            hello_waits_s=waits_s,
        )
    except BoardTimeoutError as error:
        within = f"within {sum(waits_s):g} s"
        raise _no_controller(address.name, within, error.console, error.hint) from error
    except LinkClosedError as error:
        raise _no_controller(
            address.name, "before the link ended", error.console, error.hint
        ) from error


def open_emulated_session(board: EmulatedBoard, *, host: str) -> Session:
    """Open a session with an emulated board that this program started.

    A board without a profile gets that of its press's data sheet, and is started anew if it looks
    for a part of this press only then.

    Args:
        board: The board, started.
        host: Name and version of the host software.

    Raises:
        EmulatorError: Its process has ended.
        VersionMismatchError: Its flash image was built from another wire schema.
    """
    session = _emulated_session(board, host)
    try:
        if session.hello.profile_hash != _NO_PROFILE:
            return session
        session.request(ProfileWriteRequest(**board.press.nominal_profile()))
        if not board.look_for_parts():
            return session
    except BaseException:
        session.close()
        raise
    session.close()
    return _emulated_session(board, host)


def _emulated_session(board: EmulatedBoard, host: str) -> Session:
    try:
        return Session(
            lambda: connect_emulated(board),
            host=host,
            hello_waits_s=_EMULATED_HELLO_WAITS_S,
            reconnect_timeout_s=_EMULATED_RECONNECT_S,
        )
    except VersionMismatchError as error:
        raise VersionMismatchError(
            error.message,
            hint="the flash image is older or newer than this SDK: build it again with `make "
            "firmware` in a checkout, or install pressloop again",
        ) from error


def _no_controller(name: str, when: str, console: Sequence[str], hint: str) -> NoBoardError:
    """Return the error for a port on which nothing speaks Pressloop's protocol.

    MicroPython's prompt and tracebacks are shown as lines, since they say what to do. What anything
    else sends is quoted briefly, with escapes.
    """
    message = f"no press controller answered at {name} {when}"
    if any(line.startswith((">>>", "Traceback")) for line in console):
        lines = "".join(f"\n    {line}" for line in console)
        message += f"; the board's last console lines:{lines}"
    else:
        message += ": wrong device?"
        if console:
            hint = (
                "what answers there is no Pressloop firmware, or has another baud rate: check that "
                "this is the right port (`pressloop ports`); press the reset button of the board"
            )
            # Cut before it is escaped, so that no escape is cut in two.
            text = " ".join(console)
            shown = ascii(text[:_MAX_SHOWN]).replace("\\\\x", "\\x")
            message += f" It sent {shown}{'...' if len(text) > _MAX_SHOWN else ''}"
    return NoBoardError(message, hint=hint, code="no-hello")


def _by_path(path: str) -> BoardAddress:
    return BoardAddress(path, lambda: open_transport(path))


def _by_serial(serial_number: str) -> BoardAddress:
    return BoardAddress(serial_number, lambda: open_transport(_port_of(serial_number)))


def _port_of(serial_number: str) -> str:
    """Return the port of a serial number; a misspelt name of an emulated board is named."""
    try:
        return find_port(serial_number)
    except NoBoardError as error:
        meant = closest_name(serial_number, EMULATED)
        if meant is None:
            raise
        raise NoBoardError(
            error.message, hint=f"did you mean {meant}? Else {error.hint}", code=error.code
        ) from None


def is_path(port: str) -> bool:
    """Return whether `port` names a serial port rather than a USB serial number."""
    return "/" in port or "\\" in port or re.fullmatch("COM[0-9]+", port.upper()) is not None


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
