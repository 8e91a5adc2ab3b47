"""How long it takes from a sample on the board to its pixel in a browser.

An emulated press runs by the wall clock; `pressloop serve` shows it, in a process of its own. Five
pages look at the press, a sixth has the record of a week open and zooms in it. For each control
tick and each page the time is measured from the tick to the next picture of the screen after the
curve with this tick was drawn. The board's clock is read over its control port, whose answers take
about a millisecond.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.sync_api import Browser, Page
from pressloop.emulator.process import EmulatedBoard
from pressloop.session.session import Session
from pressloop.transport.transport import open_transport
from pressloop.wire.schema import TICK_HZ, ProfileWriteRequest

from pressloop_bench.page.browser import find_chromium, started_browser
from pressloop_bench.page.week_record import write_week

VIEWERS: Final = 5
DURATION_S: Final = 30.0
_CLOCK_READINGS: Final = 50
_LIMIT_MS: Final = 60_000
_WEEK: Final = "week"
_PROTOCOL: Final = """\
pressloop: 1
name: Long hold
die: 10 mm
ceiling: 110 MPa
stages:
  - name: stack
    ramp: {target: 74 MPa, rate: 20 MPa/s}
    hold: {duration: 1 h, tolerance: 2 %}
"""
_LISTEN: Final = """() => {
  window.drawnAt = [];
  document.addEventListener("drawn", ({ detail }) => requestAnimationFrame(() => {
    window.drawnAt.push([detail, performance.timeOrigin + performance.now()]);
  }));
}"""


@dataclass(frozen=True)
class PageLatency:
    """Times from a sample to its pixel, over all pages and all ticks.

    Attributes:
        p50_ms, p99_ms, most_ms: Of these times.
        frames_s: Pictures a second, of the page that had the fewest.
        clock_ms: Uncertainty of the comparison of both clocks.
        viewers: Pages that were looked at.
    """

    p50_ms: float
    p99_ms: float
    most_ms: float
    frames_s: float
    clock_ms: float
    viewers: int


def measure(duration_s: float = DURATION_S) -> PageLatency | None:
    """Measure; None where there is no Chromium."""
    path = find_chromium()
    if path is None:
        return None
    with (
        tempfile.TemporaryDirectory() as name,
        EmulatedBoard(pacing="real") as board,
        _served(Path(name), board) as url,
        started_browser(path) as chromium,
    ):
        pages = [_opened(chromium, url) for _ in range(VIEWERS)]
        week = _opened(chromium, f"{url}#runs")
        week.locator("#run-list button").last.click()
        _start(url)
        for page in pages:
            page.locator("#state-word", has_text="Hold").wait_for()
            page.evaluate(_LISTEN)
        offset_ms, clock_ms = _clock_offset_ms(board)
        _watch(week, duration_s)
        again_ms, _ = _clock_offset_ms(board)
        drawn = [np.array(page.evaluate("window.drawnAt"), np.float64) for page in pages]
    ages = np.concatenate([_ages_ms(log, (offset_ms + again_ms) / 2) for log in drawn])
    return PageLatency(
        p50_ms=round(float(np.percentile(ages, 50)), 1),
        p99_ms=round(float(np.percentile(ages, 99)), 1),
        most_ms=round(float(ages.max()), 1),
        frames_s=round(min(len(np.unique(log[:, 0])) / _span_s(log) for log in drawn), 1),
        clock_ms=round(clock_ms + abs(again_ms - offset_ms) / 2, 2),
        viewers=VIEWERS,
    )


def _span_s(log: Any) -> float:
    return float(log[-1, 1] - log[0, 1]) / 1000


def _ages_ms(log: Any, offset_ms: float) -> Any:
    """Return for each tick how long after it it was first seen; `log` has tick and time, ms."""
    ticks = np.arange(log[0, 0] + 1, log[-1, 0] + 1)
    first_seen = np.searchsorted(log[:, 0], ticks, "left")
    return log[first_seen, 1] - (ticks * (1000 / TICK_HZ) + offset_ms)


def _clock_offset_ms(board: EmulatedBoard) -> tuple[float, float]:
    """Return the wall clock at the board's tick 0, ms, and how uncertain that is.

    A reading says: this tick had begun, and the next one had not, between question and answer.
    """
    low, high = -np.inf, np.inf
    for _ in range(_CLOCK_READINGS):
        asked_ms = time.time() * 1000
        tick = board.control({"get": True})["tick"]
        answered_ms = time.time() * 1000
        low = max(low, asked_ms - (tick + 1) * (1000 / TICK_HZ))
        high = min(high, answered_ms - tick * (1000 / TICK_HZ))
        time.sleep(0.007)
    return (low + high) / 2, abs(high - low) / 2


def _watch(week: Page, duration_s: float) -> None:
    """Zoom in the record of the week for a while, twice a second."""
    week.focus("#overlay-chart")
    end_s = time.monotonic() + duration_s
    number = 0
    while time.monotonic() < end_s:
        week.keyboard.press("+" if number % 16 < 8 else "-")
        number += 1
        week.wait_for_timeout(500)


def _opened(chromium: Browser, url: str) -> Page:
    page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(_LIMIT_MS)
    page.goto(url)
    return page


def _start(url: str) -> None:
    """Take control and start the protocol, as a page does."""
    shown = json.load(urllib.request.urlopen(f"{url}api/protocol?id=long.yaml"))
    _post(url, "control/take", {"name": "bench"})
    _post(url, "start", {"id": "long.yaml", "sha256": shown["sha256"], "die": "10"})


def _post(url: str, path: str, data: dict[str, str]) -> None:
    headers = {"x-pressloop": "1", "x-pressloop-viewer": "b" * 20}
    request = urllib.request.Request(f"{url}api/{path}", json.dumps(data).encode(), headers)
    urllib.request.urlopen(request).close()


@contextmanager
def _served(folder: Path, board: EmulatedBoard) -> Iterator[str]:
    with closing(Session(lambda: open_transport(board.url), host="bench")) as session:
        session.request(ProfileWriteRequest(**board.press.nominal_profile()))
    protocols, runs = folder / "protocols", folder / "runs"
    protocols.mkdir()
    runs.mkdir()
    (protocols / "long.yaml").write_text(_PROTOCOL, encoding="utf-8")
    write_week(runs / _WEEK, every_s=1)
    server = subprocess.Popen(
        [sys.executable, "-c", "from pressloop.cli import main; main()", "serve"]
        + ["--port", board.url, "--http-port", "0"]
        + ["--protocols", str(protocols), "--runs", str(runs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        if server.stdout is None:
            raise RuntimeError("the server has no output")
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.communicate()


def main() -> None:
    """Measure and print."""
    found = measure(float(sys.argv[1]) if len(sys.argv) > 1 else DURATION_S)
    print("there is no Chromium on this machine" if found is None else found)


if __name__ == "__main__":
    main()
