"""The browser of the machine, started once, without its own connections to other hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from pressloop_bench.page.browser import find_chromium, started_browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; PRESSLOOP_CHROMIUM names another one."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: install it, or name it by PRESSLOOP_CHROMIUM")
    with started_browser(path) as chromium:
        yield chromium
