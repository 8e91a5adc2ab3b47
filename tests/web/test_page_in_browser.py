"""The page as people use it: in a browser, on a tablet, by keyboard alone."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect
from pressloop.emulator.process import EmulatedBoard
from pressloop.evaluation import RunRecord
from pressloop.session.session import Session
from pressloop.transport.transport import open_transport
from pressloop.web.board_choice import BoardChoice
from pressloop.wire.schema import ProfileWriteRequest
from pressloop_bench.page.week_record import PEAK_MPA, PEAK_S, write_week

from tests.web.page_client import LIMIT_S, Served, served

pytestmark = pytest.mark.slow

SPEED = 20.0
WEEK = "20261101-000000-seven-days"
expect.set_options(timeout=LIMIT_S * 1000)


@pytest.fixture(scope="module")
def one_site(tmp_path_factory: pytest.TempPathFactory, micropython: Path) -> Iterator[Served]:
    """A page of an emulated press that runs 20 times faster than the clock."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "runs").mkdir()
    write_week(folder / "runs" / WEEK, every_s=10)
    with served(folder, BoardChoice("emulated", speed=SPEED)) as page:
        yield page


@pytest.fixture
def site(one_site: Served) -> Served:
    """That page with its press at rest, whatever the test before has left."""
    one_site.bring_to_rest()
    return one_site


class Desk:
    """One computer with the page open; notes what the browser asked for and complained about."""

    def __init__(
        self, browser: Browser, url: str, *, own_clock: bool = False, **options: Any
    ) -> None:
        """Open the page; its own clock passes as the test lets it."""
        self.context: BrowserContext = browser.new_context(**options)
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.page.on("websocket", lambda socket: self.hosts.add(socket.url.split("/")[2]))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)
        self.url = url
        if own_clock:
            self.page.clock.install()
        self.page.goto(url)

    def _note(self, message: Any) -> None:
        # What the server refuses on purpose is shown by the browser as an error, too.
        if message.type in ("error", "warning") and "409" not in message.text:
            self.complaints.append(message.text)

    def take_control(self, name: str) -> None:
        """Take control by mouse."""
        self.page.click("#control-button")
        self.page.fill("#name-text", name)
        self.page.click("#name-go")
        self.expect_control(name)

    def expect_control(self, name: str) -> None:
        """Wait until the page has control and takes keys again."""
        expect(self.page.locator("#control-state")).to_have_text(f"You ({name}) have control")
        expect(self.page.locator("#name-dialog")).to_be_hidden()

    def start(self, name: str) -> None:
        """Start a protocol by mouse."""
        self.open_start(name)
        self.confirm_start()

    def open_start(self, name: str) -> None:
        """Open the dialog that starts a protocol."""
        self.page.click("[data-view=protocols]")
        self.page.locator("#protocol-list button", has_text=name).click()
        self.page.click("#editor-start")

    def confirm_start(self) -> None:
        """Start the protocol of the dialog."""
        self.page.fill("#start-die", "10")
        self.page.click("#start-go")
        expect(self.page.locator("#view-press")).to_be_visible()

    def expect_word(self, word: str) -> None:
        """Wait until the display says this."""
        expect(self.page.locator("#state-word")).to_have_text(word)

    def close(self) -> None:
        """Close the page."""
        self.context.close()


@pytest.fixture
def ada(site: Served, browser: Browser) -> Iterator[Desk]:
    desk = Desk(browser, site.url, viewport={"width": 1280, "height": 800})
    yield desk
    desk.close()
    assert desk.hosts == {site.netloc}
    assert desk.complaints == []


@pytest.fixture
def ben(site: Served, browser: Browser) -> Iterator[Desk]:
    tablet = {"width": 820, "height": 1180}
    desk = Desk(browser, site.url, viewport=tablet, has_touch=True, color_scheme="dark")
    yield desk
    desk.close()
    assert desk.hosts == {site.netloc}
    assert desk.complaints == []


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_three_steps_with_prompts_by_keyboard_alone(site: Served, ada: Desk) -> None:
    page = ada.page
    ada.expect_word("At rest")
    tab_to(page, "#control-button")
    page.keyboard.press("Enter")
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    ada.expect_control("Ada")
    page.keyboard.press("2")
    expect(page.locator("#protocol-list button").first).to_be_visible()
    page.locator("#protocol-list button", has_text="Three steps").evaluate("b => b.id = 'three'")
    tab_to(page, "#three")
    page.keyboard.press("Enter")
    expect(page.locator("#editor-findings-title")).to_contain_text("Valid")
    expect(page.locator("#preview-summary")).to_contain_text("200 MPa (15.7 kN on 10 mm)")
    tab_to(page, "#editor-start")
    page.keyboard.press("Enter")
    page.keyboard.type("10")
    page.keyboard.press("Enter")  # must not start: a press starts by its own button
    expect(page.locator("#start-dialog")).to_be_visible()
    tab_to(page, "#start-go")
    page.keyboard.press("Enter")
    stages = page.locator("#timeline .stage")
    for prompt in ("Insert the cathode", "Insert the anode"):
        ada.expect_word("Waiting for you")
        expect(page.locator("#attention-text")).to_contain_text(prompt)
        expect(page.locator("#alarm")).to_contain_text(prompt)
        assert stages.nth(0).get_attribute("data-state") == "done"
        tab_to(page, "#attention-buttons button")
        page.keyboard.press("Enter")
        expect(page.locator("#state-word")).not_to_have_text("Waiting for you")
    expect(page.locator("#attention-title")).to_have_text("✓ Completed")
    verdicts = [stages.nth(at).locator(".stage-state").inner_text() for at in (0, 2, 4)]
    assert verdicts == ["✓ pass"] * 3
    record = RunRecord.open(next(site.runs.glob("*-three")))
    assert record.summary.complete


def choose_sample(page: Page, text: str) -> None:
    """Choose a sample file in the dialog that starts a run."""
    file = FilePayload(name="pellet.yaml", mimeType="text/yaml", buffer=text.encode())
    page.set_input_files("#start-sample", [file])


def test_a_pause_and_a_reload_lose_nothing(site: Served, ada: Desk) -> None:
    page = ada.page
    ada.take_control("Ada")
    ada.open_start("Long hold")
    choose_sample(page, "nam: pellet 17")
    expect(page.locator("#start-sample-says")).to_contain_text("Line 1: 'nam' is not a key")
    expect(page.locator("#start-go")).to_be_disabled()
    choose_sample(page, "name: pellet 17")
    expect(page.locator("#start-sample-says")).to_contain_text("Given: name pellet 17. Not given:")
    ada.confirm_start()
    (kept,) = site.runs.glob("*-long/sample.json")
    assert "pellet 17" in kept.read_text()
    ada.expect_word("Hold")
    page.keyboard.press("p")
    ada.expect_word("Paused")
    expect(page.locator("#attention-text")).to_contain_text("Paused by Ada (page).")
    page.reload()
    ada.expect_word("Paused")
    expect(page.locator("#control-state")).to_have_text("You (Ada) have control")
    expect(page.locator("#timeline .stage").first).to_have_attribute("data-state", "now")
    expect(page.locator("#live-chart")).to_have_attribute("aria-label", re.compile(r"7\d\.\d MPa"))
    page.keyboard.press("r")
    ada.expect_word("Hold")


def test_a_page_without_control_only_watches_and_may_abort(ada: Desk, ben: Desk) -> None:
    ada.take_control("Ada")
    ada.start("Long hold")
    ada.expect_word("Hold")
    page = ben.page
    ben.expect_word("Hold")
    page.tap("#control-button")
    page.fill("#name-text", "Ben")
    page.tap("#name-go")
    expect(page.locator("#name-problem")).to_contain_text("Ada controls the press.")
    # The dialog is still open: abort is in reach all the same, at one touch.
    page.tap("#abort")
    expect(ada.page.locator("#attention-title")).to_have_text("✗ Ended early")
    expect(ada.page.locator("#notices")).to_contain_text("Ben pressed abort.")


def test_abort_works_by_key_in_a_text_field_and_plain_letters_do_not(ada: Desk) -> None:
    page = ada.page
    ada.take_control("Ada")
    ada.start("Long hold")
    ada.expect_word("Hold")
    page.click("[data-view=runs]")
    page.fill("#run-search", "")
    page.type("#run-search", "a pass")
    page.click("[data-view=press]")
    ada.expect_word("Hold")
    page.click("[data-view=runs]")
    page.focus("#run-search")
    page.keyboard.press("Alt+a")
    page.click("[data-view=press]")
    expect(page.locator("#attention-title")).to_have_text("✗ Ended early")


def test_a_typed_protocol_is_checked_live_with_line_and_hint(ada: Desk) -> None:
    page = ada.page
    page.click("[data-view=protocols]")
    page.locator("#protocol-list button", has_text="Three steps").click()
    expect(page.locator("#editor-findings-title")).to_contain_text("Valid")
    text = page.input_value("#editor-text")
    page.fill("#editor-text", text.replace("ceiling: 260 MPa", "ceiling: 9 GPa"))
    finding = page.locator("#editor-findings .finding[data-severity=error]").first
    expect(finding).to_contain_text("Line 4")
    expect(page.locator("#editor-gutter .has-error")).to_have_text("✗4")
    expect(page.locator("#editor-start")).to_be_disabled()
    page.fill("#editor-text", text)
    expect(page.locator("#editor-findings-title")).to_contain_text("Valid")


def test_a_week_is_opened_whole_and_zoomed_to_single_records(ada: Desk) -> None:
    page = ada.page
    page.click("[data-view=runs]")
    page.locator("#run-list button", has_text="Seven days").click()
    expect(page.locator("#run-detail h2")).to_have_text("Seven days")
    expect(page.locator("#overlay-note")).to_contain_text("smallest and largest")
    whole = _curve(page, {})
    assert len(whole["t"]) <= 2000
    assert max(whole["hi"]) == pytest.approx(PEAK_MPA)
    near = _curve(page, {"from": PEAK_S - 600, "to": PEAK_S + 600})
    assert near["level"] == 0
    assert max(near["hi"]) == pytest.approx(PEAK_MPA)
    page.focus("#overlay-chart")
    for _ in range(12):
        page.keyboard.press("+")
    expect(page.locator("#overlay-note")).to_contain_text("Every record that was kept")


def _curve(page: Page, window: dict[str, float]) -> dict[str, Any]:
    query = "".join(f"&{name}={value}" for name, value in window.items())
    curve: dict[str, Any] = page.evaluate(
        "path => fetch(path).then(r => r.json())", f"/api/curve?id={WEEK}&points=2000{query}"
    )
    return curve


@pytest.mark.parametrize(("width", "height"), [(390, 844), (820, 1180), (1280, 800)])
def test_every_view_fits_and_every_control_has_a_name(
    site: Served, browser: Browser, width: int, height: int
) -> None:
    desk = Desk(browser, site.url, viewport={"width": width, "height": height})
    page = desk.page
    desk.expect_word("At rest")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(15, 18, 21)")
    page.emulate_media(color_scheme="light")
    expect(page.locator("body")).to_have_css("background-color", "rgb(217, 221, 225)")
    for view in ("press", "protocols", "runs", "machine"):
        page.goto(f"{site.url}#{view}")
        expect(page.locator(f"#view-{view}")).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        box = page.locator("#abort").bounding_box()
        assert box is not None and box["y"] + box["height"] <= height
        assert box["height"] >= 44
        assert page.evaluate(_NAMELESS) == []
    desk.close()
    assert desk.complaints == []


_NAMELESS = """() => [...document.querySelectorAll("button, a, input, textarea, canvas")]
  .filter((e) => e.offsetParent && !e.getAttribute("aria-hidden"))
  .filter((e) => !(e.innerText || e.getAttribute("aria-label") || e.labels?.length))
  .map((e) => e.outerHTML.slice(0, 80))"""


def test_old_data_is_said_within_a_second(
    tmp_path: Path, browser: Browser, micropython: Path
) -> None:
    with EmulatedBoard(pacing="real") as board:
        with closing(Session(lambda: open_transport(board.url), host="test")) as session:
            session.request(ProfileWriteRequest(**board.press.nominal_profile()))
        with served(tmp_path, BoardChoice(board.url)) as site:
            desk = Desk(browser, site.url, own_clock=True)
            page = desk.page
            desk.expect_word("At rest")
            expect(page.locator("#stale")).to_be_hidden()
            now_s = page.evaluate("Date.now()") / 1000
            page.clock.pause_at(now_s + 60)  # which makes all data old
            expect(page.locator("#stale")).to_be_visible()
            while page.locator("#stale").is_visible():
                page.clock.run_for(100)
            os.kill(board.pid, signal.SIGSTOP)
            # What the board has said before comes before this.
            site.server._page.hub.publish("notice", {"text": "mark", "tone": "note", "at": 0})
            expect(page.locator("#notices")).to_contain_text("mark")
            page.clock.run_for(1000)
            expect(page.locator("#stale")).to_be_visible()
            expect(page.locator("#stale")).to_contain_text("Old data")
            os.kill(board.pid, signal.SIGCONT)
            page.clock.resume()
            expect(page.locator("#stale")).to_be_hidden()
            desk.close()


def test_a_page_says_that_its_server_is_gone_and_goes_on_with_the_next_one(
    tmp_path: Path, browser: Browser
) -> None:
    nowhere = BoardChoice("socket://127.0.0.1:9")
    with served(tmp_path, nowhere) as first:
        desk = Desk(browser, first.url)
        expect(desk.page.locator("#attention-title")).to_have_text("The press is not connected")
        port = int(first.netloc.rpartition(":")[2])
    expect(desk.page.locator("#stale")).to_contain_text("The program that serves this page")
    with served(tmp_path, nowhere, http_port=port):
        expect(desk.page.locator("#stale")).to_contain_text("Check host and port")
        desk.close()
