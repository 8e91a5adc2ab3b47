"""Holds what one open page has not received yet: a bounded amount, whatever its network does.

Two kinds of messages wait here. Of a *state* (status, control, run) only the newest version
matters, so a newer one replaces one that still waits. *Frames* are pieces of the curve: if a page
is so slow that too many wait, all of them are dropped, and the page gets the whole curve again
when it can take something. So a slow page shows the newest state with the next message it takes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

MAX_FRAMES: Final = 40
"""Frames that may wait: 2 s at 20 frames a second."""


class Outbox:
    """Collects the messages for one page; used in the thread of the event loop only."""

    def __init__(self) -> None:
        """Start empty."""
        self._states: dict[str, str] = {}
        self._frames: deque[str] = deque()
        self._ready = asyncio.Event()
        self._closed = False
        self.dropped = 0
        self.needs_curve = False

    def put_state(self, kind: str, text: str) -> None:
        """Add a state; it replaces an older one of its kind that still waits."""
        self._states.pop(kind, None)
        self._states[kind] = text
        self._ready.set()

    def put_frame(self, text: str) -> None:
        """Add a piece of the curve; when too many wait, drop them all and ask for the curve."""
        if len(self._frames) >= MAX_FRAMES:
            self.dropped += len(self._frames)
            self._frames.clear()
            self.needs_curve = True
        self._frames.append(text)
        self._ready.set()

    def close(self) -> None:
        """Let `take` return nothing: the page has gone, or the server ends."""
        self._closed = True
        self._ready.set()

    async def take(self) -> list[str]:
        """Wait for messages and return all that wait; empty when the outbox was closed."""
        await self._ready.wait()
        self._ready.clear()
        if self._closed:
            return []
        messages = [*self._states.values(), *self._frames]
        self._states.clear()
        self._frames.clear()
        return messages
