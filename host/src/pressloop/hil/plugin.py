"""Adds the options `--pressloop-...` to pytest, and the fixtures once a board is named.

pytest loads this module in every session of an environment that Pressloop is installed in, also in
sessions that have nothing to do with a press. So it imports nothing but pytest, and without
`--pressloop-board` it registers no fixture and no marker, reads no file and writes none.
"""

from __future__ import annotations

from typing import Final

import pytest

BOARD: Final = "--pressloop-board"
PRESS_FOR_REAL: Final = "--pressloop-press-for-real"
WIRING: Final = "--pressloop-wiring"

_FIXTURES: Final = "pressloop.hil.fixtures"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the bench."""
    group = parser.getgroup("pressloop", "Pressloop, hardware in the loop")
    group.addoption(
        BOARD,
        metavar="BOARD",
        help="test this board: emulated, emulated:pico, a serial port such as /dev/ttyACM0, or "
        "socket://HOST:PORT; without this option the plugin does nothing",
    )
    group.addoption(
        PRESS_FOR_REAL,
        action="store_true",
        help="at a port: also run the cases that move the press; stand beside it. You confirm that "
        "the die of the wiring file, or one of 10 mm without a file, is in the press",
    )
    group.addoption(
        WIRING,
        metavar="FILE",
        help="YAML file with the numbers of your bench: die, pressures, rates, limits",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Activate the plugin if a board is named."""
    if config.getoption(BOARD) is not None:
        activate(config)


def activate(config: pytest.Config) -> None:
    """Register fixtures, marker and reports for the board that the options name.

    A second call does nothing. A `conftest.py` that sets the option `pressloop_board` itself calls
    this afterwards.

    Raises:
        pytest.UsageError: The options do not go together, or the wiring file has mistakes.
    """
    config.pluginmanager.import_plugin(_FIXTURES)
