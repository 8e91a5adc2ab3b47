"""Adds short options for this checkout: `--board`, by default the emulated one.

In other folders, and with Pressloop installed, the plugin's own options do the same:
`--pressloop-board` and `--pressloop-press-for-real`.
"""

from __future__ import annotations

import pytest
from pressloop.hil import plugin

_DEFAULT_BOARD = "emulated"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the short options, and load the plugin if its entry point is not installed."""
    if not pluginmanager.is_registered(plugin):
        pluginmanager.register(plugin, plugin.__name__)
    group = parser.getgroup("pressloop")
    group.addoption(
        "--board",
        metavar="BOARD",
        help=f"same as {plugin.BOARD} (default in this folder: {_DEFAULT_BOARD})",
    )
    group.addoption(
        "--press-for-real", action="store_true", help=f"same as {plugin.PRESS_FOR_REAL}"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Pass the short options on to the plugin and activate it."""
    options = config.option
    if options.pressloop_board is None:
        options.pressloop_board = getattr(options, "board", None) or _DEFAULT_BOARD
    options.pressloop_press_for_real |= getattr(options, "press_for_real", False)
    plugin.activate(config)
