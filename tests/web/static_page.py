"""Opens pieces of the page in a browser without a server: scripts and styles from their files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pressloop.web
from playwright.sync_api import Browser, Page, Route

STATIC = Path(pressloop.web.__file__).parent / "static"
URL = "http://press.test/"
_KINDS = {".js": "text/javascript", ".css": "text/css"}


@contextmanager
def static_page(browser: Browser, html: str, **options: Any) -> Iterator[Page]:
    """Open a page of this HTML, in which /static is that of the page; no error may come up."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(URL)
        if not path:
            route.fulfill(body=html, content_type="text/html")
            return
        file = STATIC / path.removeprefix("static/")
        route.fulfill(body=file.read_text("utf-8"), content_type=_KINDS[file.suffix])

    context = browser.new_context(**options)
    context.route("**/*", answer)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(URL)
    yield page
    context.close()
    assert complaints == []
