"""Loads the plugin for the cases in this folder. A folder elsewhere says `-p hil_tests.plugin`."""

from __future__ import annotations

import pytest

from hil_tests import plugin


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the plugin, unless the command line has named it already."""
    if not pluginmanager.is_registered(plugin):
        pluginmanager.register(plugin, "hil_tests.plugin")
