"""Pieces of the page in a browser, without a press."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.web.static_page import static_page

TIMELINE = """<ol id="timeline"></ol><p id="run-name"></p><p id="run-left"></p>
<script type="module">
import { emit } from "/static/store.js";
import "/static/timeline.js";
window.emit = emit;
</script>"""
RUN = {
    "protocol": "a",
    "die_mm": 10,
    "stages": [
        {"index": 0, "name": "stack", "prompt": None, "target_mpa": 74, "expected_s": 20}
        | {"open": True, "force_kn": 5.8},
    ],
}
STATUS = {"state": "running", "stage": 0, "stage_left_s": 7, "run_left_s": 7, "open_hold": None}
CARD = """<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/static/theme.css"><link rel="stylesheet" href="/static/panel.css">
<main><section class="view press"><section class="card attention" id="attention">
<h2>Completed, with findings</h2><p>{text}</p>
<div class="buttons" id="buttons"><button>Show the record</button></div>
</section></section></main>"""


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "▶ 7 s left"),
        # The time that is left is that of the release, which waits for the person.
        ({"open_hold": ""}, "▶ until you end it"),
        ({"open_hold": "", "state": "paused"}, "❚❚ paused"),
    ],
)
def test_a_stage_says_what_it_waits_for(
    browser: Browser, changes: dict[str, Any], text: str
) -> None:
    with static_page(browser, TIMELINE) as page:
        page.wait_for_function("typeof window.emit === 'function'")
        show = "([run, status]) => { emit('run', run); emit('status', status); }"
        page.evaluate(show, [RUN, STATUS | changes])
        assert text in (page.locator(".stage").text_content() or "")


@pytest.mark.parametrize("words", [5, 200])
@pytest.mark.parametrize("size", [(1280, 800), (360, 740)])
def test_what_to_do_stays_in_sight_under_a_long_text(
    browser: Browser, words: int, size: tuple[int, int]
) -> None:
    viewport = {"width": size[0], "height": size[1]}
    html = CARD.format(text="word " * words)
    with static_page(browser, html, viewport=viewport) as page:
        card = page.locator("#attention").bounding_box()
        button = page.locator("#buttons button").bounding_box()
        assert card is not None and button is not None
        assert button["y"] + button["height"] <= card["y"] + card["height"]
        # On a phone the whole page scrolls.
        assert card["height"] <= 340 or size[0] < 640
