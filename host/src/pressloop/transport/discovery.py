"""Finds boards by their USB identity, and explains if there is none or more than one.

Port names such as /dev/ttyACM0 can change when cables are replugged. The USB serial number of a
board does not, so a script for one particular press should use that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from serial.tools import list_ports

from pressloop.arguments import shown_value
from pressloop.errors import AmbiguousPortError, BadInputError, NoBoardError

USB_VENDOR_ID: Final = 0x2E8A
"""Vendor id of Raspberry Pi, the maker of the controller's chip."""

USB_PRODUCT: Final = "Pressloop"
"""Product string of Pressloop's firmware."""


@dataclass(frozen=True)
class FoundPort:
    """A serial port and its USB identity.

    Attributes:
        path: Path for `Press.open`, as `/dev/ttyACM0` or `COM5`; it can change when replugged.
        serial_number: Name for `Press.open` that stays; empty if the device has none.
        product: Product string of the device; empty if it has none.
        vendor_id: USB vendor id; None for a port that is not on USB.
        product_id: USB product id; None likewise.
    """

    path: str
    serial_number: str
    product: str
    vendor_id: int | None
    product_id: int | None

    @property
    def is_board(self) -> bool:
        """Whether a press controller is on this port."""
        return self.vendor_id == USB_VENDOR_ID and self.product.startswith(USB_PRODUCT)

    @property
    def is_unflashed(self) -> bool:
        """Whether it is the right chip, but runs other firmware than Pressloop's."""
        return self.vendor_id == USB_VENDOR_ID and not self.is_board

    def __str__(self) -> str:
        """Return one line for lists of ports."""
        return f"{self.path} ({self.product or 'unknown'}, serial number {self.serial_number})"


def list_serial_ports() -> list[FoundPort]:
    """List all serial ports on USB, with and without a board, sorted by path."""
    return sorted(
        (
            FoundPort(
                path=port.device,
                serial_number=port.serial_number or "",
                product=port.product or "",
                vendor_id=port.vid,
                product_id=port.pid,
            )
            for port in list_ports.comports()
            if port.vid is not None
        ),
        key=lambda port: port.path,
    )


def list_boards(ports: Iterable[FoundPort] | None = None) -> list[FoundPort]:
    """List the ports with a press controller.

    Args:
        ports: Where to look; None looks at all of this machine.

    Raises:
        BadInputError: `wrong-type`, if `ports` is no list of `FoundPort`.
    """
    if ports is None:
        return [port for port in list_serial_ports() if port.is_board]
    found = list(ports) if isinstance(ports, Iterable) else [ports]
    if not all(isinstance(port, FoundPort) for port in found):
        raise BadInputError(
            f"ports: {shown_value(ports)} is not a list of FoundPort",
            hint="leave it out to look at all ports of this machine",
            code="wrong-type",
        )
    return [port for port in found if port.is_board]


def find_port(serial_number: str | None = None) -> str:
    """Find the only board, or the one with this USB serial number.

    Returns:
        The path of its serial port.

    Raises:
        NoBoardError: No board, or none with that serial number, is plugged in.
        AmbiguousPortError: Several boards are plugged in and no serial number was given.
    """
    ports = list_serial_ports()
    if serial_number is not None:
        # Windows reports serial numbers in upper case.
        wanted = serial_number.upper()
        matching = [port for port in ports if port.serial_number.upper() == wanted]
        if not matching:
            raise _no_board(f"no board with the serial number {serial_number!r}", ports)
        return matching[0].path
    boards = list_boards(ports)
    if not boards:
        raise _no_board("no press controller found on any USB port", ports)
    if len(boards) > 1:
        listed = [str(board) for board in boards]
        raise AmbiguousPortError(
            "more than one press controller is plugged in:\n    " + "\n    ".join(listed),
            hint="choose one by its port or its serial number",
            ports=[board.path for board in boards],
        )
    return boards[0].path


def _no_board(message: str, ports: list[FoundPort]) -> NoBoardError:
    boards = list_boards(ports)
    unflashed = [port for port in ports if port.is_unflashed]
    if boards:
        message += "; plugged in: " + ", ".join(str(board) for board in boards)
    elif unflashed:
        message += "; a chip of the right kind without Pressloop's firmware: " + ", ".join(
            str(port) for port in unflashed
        )
    steps = ["check the USB cable (some carry power only) and the controller's power"]
    if unflashed:
        steps.append(
            "flash Pressloop's image onto the chip; if it has Pressloop's firmware, name its port"
        )
    if sys.platform.startswith("linux"):
        steps.append(
            "on Linux you must be in the group dialout (sudo usermod -a -G dialout $USER, then "
            "log in again), and ModemManager may use a new port for ten seconds"
        )
    steps.append("`pressloop doctor` looks for the cause")
    steps.append('to rehearse without a board, use the port "emulated"')
    return NoBoardError(message, hint="; ".join(steps))
