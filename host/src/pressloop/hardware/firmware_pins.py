"""Writes the firmware's pin list from the declaration of the boards."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from pressloop.errors import required
from pressloop.hardware.boards import BOARDS, SETTINGS, BoardDeclaration, Bus, Pin

PLACE: Final = "firmware/pressloop_fw/boards/wiring.py"
"""Where the list is, in a checkout."""

_HEAD: Final = '''\
"""Wiring of the controller: a Raspberry Pi Pico, Pico 2 or Pico W on its carrier board.

Written by host/tools/hardware_docs.py from host/src/pressloop/hardware/boards.py; change it there.
docs/hardware/wiring.md shows it.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

'''
_WIDTH: Final = 99


def text() -> str:
    """Return the module `pressloop_fw.boards.wiring`.

    Raises:
        ValueError: Two boards differ in a pin, so that one list does not fit both.
    """
    boards = list(BOARDS.values())
    for other in boards[1:]:
        if (other.pins, other.buses) != (boards[0].pins, boards[0].buses):
            raise ValueError(f"{boards[0].key} and {other.key} differ: give each a list of its own")
    check_slice(boards[0])
    return _HEAD + "\n".join(_blocks(boards[0]))


def check_slice(board: BoardDeclaration) -> None:
    """Check that pump and release are A and B of one PWM slice.

    Raises:
        ValueError: They are not: the firmware sets both with one write.
    """
    pump, release = (required(board.pin(key), key).gpio for key in ("pump", "release"))
    if pump % 2 or release != pump + 1:
        raise ValueError(f"pump ({pump}) and release ({release}) must be A and B of one PWM slice")


def _blocks(board: BoardDeclaration) -> Iterator[str]:
    for bus in board.buses:
        yield _bus(bus)
    for pin in board.pins:
        yield _pin(pin)
    for setting in SETTINGS:
        yield f"{_comment(setting.why)}{setting.constant} = const({setting.value})\n"


def _bus(bus: Bus) -> str:
    lines = [
        _comment(bus.signal.why),
        f"{bus.prefix}_ID = const({bus.number})\n",
        f"{bus.prefix}_SDA = const({bus.sda})\n",
        f"{bus.prefix}_SCL = const({bus.scl})\n",
        f"{bus.prefix}_HZ = const({bus.hz})\n",
        _comment(
            "A byte takes 23 us. A bus that hangs must not take more than a tenth of the tick's "
            "10 ms."
        ),
        f"{bus.prefix}_TIMEOUT_US = const({bus.timeout_us})\n",
    ]
    for device in bus.devices:
        lines.append(_comment(f"{device.part.upper()}: {device.purpose}."))
        lines.append(f"{device.constant} = const(0x{device.address:02X})\n")
    return "".join(lines)


def _pin(pin: Pin) -> str:
    return f"{_comment(pin.signal.why)}{pin.constant} = const({pin.gpio})\n"


def _comment(text: str) -> str:
    return textwrap.indent(textwrap.fill(text, _WIDTH - 2), "# ") + "\n"
