"""The colours of the page: as the system has them until a person chooses."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.web.static_page import STATIC, static_page

PAGE = """<!doctype html><html><head>
<script src="/static/theme_first.js"></script>
<script>window.first = document.documentElement.dataset.theme; window.redrawn = 0;
document.addEventListener("theme", () => window.redrawn++);</script>
</head><body><button id="theme">x</button>
<script type="module" src="/static/theme.js"></script></body></html>"""


def expect_colours(page: Page, theme: str) -> None:
    expect(page.locator("html")).to_have_attribute("data-theme", theme)


def test_the_choice_is_as_the_system_until_made_and_is_remembered(browser: Browser) -> None:
    with static_page(browser, PAGE, color_scheme="dark") as page:
        go_through_the_colours(page)


def go_through_the_colours(page: Page) -> None:
    button = page.locator("#theme")
    expect(button).to_have_attribute("aria-label", "Colours: as the system")
    assert page.evaluate("window.first") == "dark"
    expect_colours(page, "dark")
    page.emulate_media(color_scheme="light")
    expect_colours(page, "light")
    page.emulate_media(color_scheme="dark")
    button.click()
    expect(button).to_have_attribute("aria-label", "Colours: light")
    expect_colours(page, "light")
    assert page.evaluate("window.redrawn") == 3
    page.reload()
    assert page.evaluate("window.first") == "light"
    expect(button).to_have_attribute("aria-label", "Colours: light")
    button.click()
    expect_colours(page, "dark")
    page.emulate_media(color_scheme="light")
    page.wait_for_function("window.redrawn === 2")
    expect_colours(page, "dark")
    button.click()
    expect_colours(page, "light")


def test_the_rule_is_written_once() -> None:
    rule = "prefers-color-scheme"
    owners = [file.name for file in STATIC.glob("*.js") if rule in file.read_text("utf-8")]
    assert owners == ["theme_first.js"]
