"""Passes what the press does to every open page, and never waits for one of them."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any, Final

from pressloop.web.live_curve import LiveCurve
from pressloop.web.outbox import Outbox

FRAME: Final = "frame"
"""Kind of a message with a piece of the curve; all other kinds are states."""

CURVE: Final = "curve"


def message(kind: str, data: Any) -> str:
    """Return a message as text; it is encoded once for all pages."""
    return json.dumps({"kind": kind, "data": data}, separators=(",", ":"), allow_nan=False)


class Hub:
    """Keeps the newest state of each kind and the curve, and knows the outboxes of all pages.

    `publish` may be called from any thread and returns at once.
    """

    def __init__(self, curve: LiveCurve) -> None:
        """Start without pages; `curve` is what a page gets when it opens."""
        self._curve = curve
        self._lock = threading.Lock()
        self._states: dict[str, str] = {}
        self._outboxes: set[Outbox] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Deliver from now on in the running event loop."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Deliver no more, and let every page's sender end."""
        self._loop = None
        for outbox in self._outboxes:
            outbox.close()

    def publish(self, kind: str, data: Any, *, keep: bool = True) -> None:
        """Send a message to all pages.

        Args:
            kind: Its kind; a newer one replaces an older one of the same kind.
            data: Its content, for JSON.
            keep: Whether a page that opens later gets it, too. Frames are never kept.
        """
        text = message(kind, data)
        if keep and kind != FRAME:
            with self._lock:
                if self._states.get(kind) == text:
                    return
                self._states[kind] = text
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._deliver, kind, text)
            except RuntimeError:  # the server is ending
                self._loop = None

    def newest(self, kind: str) -> Any:
        """Return the newest state of a kind; None if there was none."""
        with self._lock:
            text = self._states.get(kind)
        return None if text is None else json.loads(text)["data"]

    # --- in the event loop

    def join(self) -> Outbox:
        """Return the outbox of a new page, with the curve and all states in it."""
        outbox = Outbox()
        with self._lock:
            states = dict(self._states)
        for kind, text in states.items():
            outbox.put_state(kind, text)
        outbox.put_state(CURVE, self.curve_message())
        self._outboxes.add(outbox)
        return outbox

    def leave(self, outbox: Outbox) -> None:
        """Forget a page."""
        self._outboxes.discard(outbox)
        outbox.close()

    def curve_message(self) -> str:
        """Return the message with the curve so far."""
        return message(CURVE, self._curve.snapshot())

    def _deliver(self, kind: str, text: str) -> None:
        for outbox in self._outboxes:
            if kind == FRAME:
                outbox.put_frame(text)
            else:
                outbox.put_state(kind, text)
