"""Loads the plugin for the cases in this folder: `-p pressloop.hil.plugin` does so elsewhere."""

from __future__ import annotations

import pytest
from pressloop.hil import plugin


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the plugin, unless the command line has named it already."""
    if not pluginmanager.is_registered(plugin):
        pluginmanager.register(plugin, "pressloop.hil.plugin")
