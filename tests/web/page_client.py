"""Serves a page in this process, and talks to it as a browser would, without one."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pressloop.web.board_choice import BoardChoice
from pressloop.web.server import PageServer
from pressloop.web.settings import ServerSettings
from pressloop.wire.schema import State
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

LIMIT_S = 60.0
"""Longest wait for what must happen: a hang, not a slow machine."""

LEASE_S = 300.0
"""Long enough for a busy computer: when control is lost is tested with a clock of its own."""

HOST_TIMEOUT_S = 20
"""Of the protocols here: longer than a busy computer is silent."""

PROTOCOL = """\
pressloop: 1
name: Three steps
die: 10 mm
ceiling: 260 MPa
vent_rate: 200 MPa/s
host_timeout: 20 s
on_host_loss: {action: hold, limit: 5 min}
stages:
  - name: first
    ramp: {target: 100 MPa, rate: 50 MPa/s}
    hold: {duration: 8 s, tolerance: 2 %}
    release: {target: 0 MPa, rate: 200 MPa/s}
  - prompt: Insert the cathode, then close the guard
    timeout: 30 min
  - name: second
    ramp: {target: 200 MPa, rate: 50 MPa/s}
    hold: {duration: 8 s, tolerance: 2 %}
    release: {target: 0 MPa, rate: 200 MPa/s}
  - prompt: Insert the anode, then close the guard
    timeout: 30 min
  - name: third
    ramp: {target: 74 MPa, rate: 50 MPa/s}
    hold: {duration: 8 s, tolerance: 2 %}
    release: {target: 0 MPa, rate: 200 MPa/s}
"""

LONG = """\
pressloop: 1
name: Long hold
die: 10 mm
ceiling: 110 MPa
vent_rate: 200 MPa/s
host_timeout: 20 s
on_host_loss: {action: hold, limit: 10 min}
stages:
  - name: stack
    ramp: {target: 74 MPa, rate: 50 MPa/s}
    hold: {duration: 24 h, tolerance: 2 %}
    release: {target: 0 MPa, rate: 200 MPa/s}
"""


def lab_folders(folder: Path) -> tuple[Path, Path]:
    """Make the folders of a lab: protocols and runs."""
    protocols, runs = folder / "protocols", folder / "runs"
    protocols.mkdir(parents=True, exist_ok=True)
    (protocols / "three.yaml").write_text(PROTOCOL)
    (protocols / "long.yaml").write_text(LONG)
    return protocols, runs


def wait_until(condition: Callable[[], object]) -> None:
    """Ask again and again until a condition is true."""
    deadline_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


class Served:
    """A page that is served from this process."""

    def __init__(self, folder: Path, choice: BoardChoice, **settings: Any) -> None:
        self.protocols, self.runs = lab_folders(folder)
        self.server = PageServer(
            choice,
            ServerSettings(
                self.protocols, self.runs, **{"http_port": 0, "lease_s": LEASE_S, **settings}
            ),
        )
        self.url = self.server.url
        self._thread = threading.Thread(target=self.server.run, daemon=True)
        self._thread.start()

    @property
    def netloc(self) -> str:
        """Host and port."""
        return self.url.split("/")[2]

    def bring_to_rest(self) -> None:
        """End what the test before has left: a run, a fault, the control of the press."""
        page = self.server._page
        owner, control = page.owner, page.control
        wait_until(lambda: owner._press)
        owner.abort("the next test")
        wait_until(lambda: owner.press.status().state in (State.IDLE, State.FAULT))
        wait_until(lambda: owner.run is None or not owner.run.is_active)
        if owner.press.status().state is State.FAULT:
            owner.clear_fault()
        if holder := control._lease.holder:
            control.release(holder.viewer)
        wait_until(lambda: (page.hub.newest("status") or {}).get("state") == "idle")

    def close(self) -> None:
        """End the server, and let go of the press."""
        self.server.stop()
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()


@contextmanager
def served(folder: Path, choice: BoardChoice, **settings: Any) -> Iterator[Served]:
    """Serve a page in the block."""
    page = Served(folder, choice, **settings)
    try:
        yield page
    finally:
        page.close()


class Refused(Exception):  # noqa: N818
    """The server refused a request; `status` is that of HTTP, `error` what it says."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(status, error)
        self.status = status
        self.error = error


class Page:
    """One open page without a browser."""

    def __init__(self, url: str, viewer: str) -> None:
        self.url = url
        self.viewer = viewer * 20
        self.seen: dict[str, Any] = {}
        self.frames: list[dict[str, Any]] = []
        self._socket: ClientConnection | None = None
        self._open = ExitStack()

    def post(self, path: str, **data: Any) -> dict[str, Any]:
        """Send a request that changes something."""
        headers = {"x-pressloop": "1", "x-pressloop-viewer": self.viewer}
        return self._send(
            urllib.request.Request(f"{self.url}api/{path}", json.dumps(data).encode(), headers)
        )

    def get(self, path: str) -> dict[str, Any]:
        """Send a request that only looks."""
        return self._send(urllib.request.Request(f"{self.url}api/{path}"))

    def _send(self, request: urllib.request.Request) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
                data: dict[str, Any] = json.load(answer)
                return data
        except urllib.error.HTTPError as refusal:
            raise Refused(refusal.code, json.load(refusal)["error"]) from None

    def open(self) -> None:
        """Open the web socket."""
        address = self.url.replace("http", "ws", 1) + "live"
        origin = Origin(self.url.rstrip("/"))
        link = connect(address, origin=origin, max_size=None, close_timeout=0.2)
        self._socket = self._open.enter_context(link)
        self.say_alive()

    def say_alive(self) -> None:
        """Show that the page is open."""
        assert self._socket is not None
        self._socket.send(json.dumps({"viewer": self.viewer, "visible": True}))

    def close(self) -> None:
        """Close the web socket."""
        self._socket = None
        self._open.close()

    def wait(self, condition: Callable[[], object], limit_s: float = LIMIT_S) -> None:
        """Receive until a condition is true."""
        assert self._socket is not None
        deadline_s = time.monotonic() + limit_s
        alive_s = 0.0
        while not condition():
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, (self.seen.get("status"), self.seen.get("link"))
            if time.monotonic() - alive_s > 2:
                alive_s = time.monotonic()
                self.say_alive()
            try:
                text = self._socket.recv(timeout=min(left_s, 0.5))
            except TimeoutError:
                continue
            for message in json.loads(text):
                self.seen[message["kind"]] = message["data"]
                if message["kind"] == "frame":
                    self.frames.append(message["data"])

    def state(self) -> str | None:
        """State of the press in the newest status."""
        status = self.seen.get("status")
        return None if status is None else str(status["state"])

    def word(self) -> str | None:
        """Word of that state."""
        status = self.seen.get("status")
        return None if status is None else str(status["word"])

    def start(self, name: str, **more: Any) -> dict[str, Any]:
        """Start a protocol as the page shows it."""
        shown = self.get(f"protocol?id={name}")
        assert shown["check"]["valid"], shown["check"]["findings"]
        return self.post("start", id=name, sha256=shown["sha256"], die="10", **more)
