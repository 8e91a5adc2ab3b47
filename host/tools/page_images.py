"""Photographs the page of a press for docs/images, in the machine's own Chromium.

    page_images.py [FOLDER]

An emulated press runs the sodium-ion protocol 40 times faster than the clock; it takes a minute.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, Page, expect
from pressloop.emulator.process import EmulatedBoard
from pressloop.session.session import Session
from pressloop.transport.transport import open_transport
from pressloop.web.board_choice import BoardChoice
from pressloop.web.server import PageServer
from pressloop.web.settings import ServerSettings
from pressloop.wire.schema import ProfileWriteRequest
from pressloop_bench.page.browser import find_chromium, started_browser

_SPEED: Final = 40.0
_EXAMPLES: Final = Path("examples")
_COLOURS: Final = 200
_LIMIT_MS: Final = 120_000
_DESK: Final = {"viewport": {"width": 1280, "height": 800}}
_TABLET: Final = {"viewport": {"width": 1180, "height": 820}, "color_scheme": "dark"}
_PHONE: Final = {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"}


def photograph(folder: Path) -> None:
    """Write the images into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    expect.set_options(timeout=_LIMIT_MS)
    with (
        tempfile.TemporaryDirectory() as name,
        EmulatedBoard(pacing="real", speed=_SPEED) as board,
        started_browser(find_chromium()) as chromium,
    ):
        with closing(Session(lambda: open_transport(board.url), host="images")) as session:
            session.request(ProfileWriteRequest(**board.press.nominal_profile()))
        with _served(Path(name), board) as url:
            _take_all(chromium, url, board, folder)


def _take_all(chromium: Browser, url: str, board: EmulatedBoard, folder: Path) -> None:
    desk = _opened(chromium, url, _DESK)
    tablet = _opened(chromium, url, _TABLET)
    phone = _opened(chromium, url, _PHONE)
    desk.click("#control-button")
    desk.fill("#name-text", "Ada")
    desk.click("#name-go")
    _open_protocol(desk)
    desk.click("#rehearse")
    expect(desk.locator("#notices")).to_contain_text("Rehearsal")
    _save(desk, folder / "page-protocols.png")
    _start(desk)
    _answer(desk)
    expect(desk.locator("#state-stage")).to_have_text("bond cathode")
    expect(desk.locator("#state-word")).to_have_text("Hold")
    _save(desk, folder / "page-press.png")
    expect(tablet.locator("#state-word")).to_have_text("Waiting for you")
    _save(tablet, folder / "page-prompt.png")
    _answer(desk)
    expect(desk.locator("#attention-title")).to_contain_text("Completed")
    board.control({"faults": ["leak=900@300"]})
    _open_protocol(desk)
    _start(desk)
    _answer(desk)
    expect(phone.locator("#state-word")).to_have_text("Fault")
    _save(phone, folder / "page-fault.png")
    expect(desk.locator("#timeline .stage").first).to_have_attribute("data-verdict", "pass")
    desk.click("[data-view=runs]")
    for at in (1, 0):
        desk.locator("#run-list button").nth(at).click()
    expect(desk.locator("#overlay-legend li")).to_have_count(2)
    expect(desk.locator("#run-detail h2")).to_have_text("Sodium-ion three-step")
    desk.wait_for_timeout(1500)  # the curves are asked for when the last click is a while ago
    _save(desk, folder / "page-runs.png")


def _opened(chromium: Browser, url: str, options: dict[str, Any]) -> Page:
    page = chromium.new_context(**options).new_page()
    page.set_default_timeout(_LIMIT_MS)
    page.goto(url)
    expect(page.locator("#state-word")).to_have_text("At rest")
    return page


def _open_protocol(page: Page) -> None:
    page.click("[data-view=protocols]")
    page.locator("#protocol-list button", has_text="Sodium-ion three-step").click()
    expect(page.locator("#editor-findings-title")).to_contain_text("Valid")


def _start(page: Page) -> None:
    page.click("#editor-start")
    page.fill("#start-die", "10")
    page.click("#start-go")


def _answer(page: Page) -> None:
    expect(page.locator("#state-word")).to_have_text("Waiting for you")
    page.wait_for_timeout(1500)  # the other pages are photographed with the prompt
    page.click("#attention-buttons button")


def _save(page: Page, path: Path) -> None:
    """Write a picture with few colours, because files in git stay for ever."""
    picture = Image.open(io.BytesIO(page.screenshot()))
    few = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


@contextmanager
def _served(folder: Path, board: EmulatedBoard) -> Iterator[str]:
    examples = list(_EXAMPLES.resolve().glob("*.yaml"))
    os.chdir(folder)  # the page shows the path of its folder
    protocols = Path("protocols")
    protocols.mkdir()
    for path in examples:
        # At this speed a second of a busy computer is most of a minute for the press.
        text = path.read_text(encoding="utf-8")
        if "host_timeout" not in text:
            text = text.replace("stages:", "host_timeout: 60 s\nstages:", 1)
        (protocols / path.name).write_text(text, encoding="utf-8")
    settings = ServerSettings(protocols, Path("runs"), http_port=0)
    server = PageServer(BoardChoice(board.url), settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.stop()
        thread.join()


if __name__ == "__main__":
    photograph(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
