"""How far the board may consider its host to have followed.

Every heartbeat acknowledges a device clock. A real board takes it as a sign of life. An emulated
board in lock-step runs no further than one telemetry batch past it, so the acknowledgement paces
it, and whatever the host sends before it acknowledges a batch reaches the board at the same device
clock in every run.

Somebody who may react to a batch therefore *holds* the acknowledgement until done: the operator's
answer to a prompt, a script that looks at each batch. A hold gives way to the wall clock: a person
who thinks for a minute must find an emulated press one minute older, not at the prompt's time-out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from pressloop.wire.schema import TICK_HZ

HEARTBEAT_S: Final = 0.25
"""Longest pause between two heartbeats. Half the shortest host time-out that a plan may have, so
that one may be lost."""

HOLD_GRACE_S: Final = 1.0
"""A hold that is released within this time leaves no trace of how long it took; a program needs
less, even on a busy machine."""


_NO_LIMIT: Final = 2**32
"""Above every device clock."""


class Hold:
    """Keeps the acknowledged clock from running ahead until `release`."""

    def __init__(self, clock: HostProgress, tick: int, since_s: float, expires: bool) -> None:
        """Use `HostProgress.hold`."""
        self._clock = clock
        self._tick = tick
        self._since_s = since_s
        self._lapses = expires

    def limit(self, now_s: float) -> int:
        """Return the device clock that may be acknowledged at a wall clock."""
        waited_s = max(0.0, now_s - self._since_s - HOLD_GRACE_S)
        if self._lapses and waited_s:
            return _NO_LIMIT
        return self._tick + int(waited_s * TICK_HZ)

    def stay(self, handled: int, now_s: float) -> None:
        """Lapse no more. For `HostProgress`; what was acknowledged meanwhile stays so."""
        if self.limit(now_s) == _NO_LIMIT:
            self._tick = handled
        self._since_s = now_s
        self._lapses = False

    def release(self) -> None:
        """Let the acknowledgement follow again. Can be called more than once."""
        self._clock.release(self)


class HostProgress:
    """The device clock to acknowledge: what was handled, within what the holds allow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start at device clock 0."""
        self._clock = clock
        self._lock = threading.Lock()
        self._handled = 0
        self._holds: set[Hold] = set()

    def handled(self, tick: int) -> None:
        """Note that everything up to this device clock was taken in and reacted to."""
        with self._lock:
            self._handled = max(self._handled, tick)

    def hold(self, *, expires: bool = False) -> Hold:
        """Keep the acknowledgement at what was handled so far.

        Args:
            expires: End by itself after `HOLD_GRACE_S`: it is for somebody who may never come.
        """
        with self._lock:
            hold = Hold(self, self._handled, self._clock(), expires)
            self._holds.add(hold)
        return hold

    def keep(self, hold: Hold) -> None:
        """Let a hold last until it is released: the one whom it waited for has come."""
        with self._lock:
            hold.stay(self._handled, self._clock())

    def release(self, hold: Hold) -> None:
        """Undo `hold`."""
        with self._lock:
            self._holds.discard(hold)

    def restart(self) -> None:
        """Begin anew at 0: the board has rebooted, what was held is void."""
        with self._lock:
            self._handled = 0
            self._holds.clear()

    def tick(self) -> int:
        """Return the device clock to acknowledge now."""
        now_s = self._clock()
        with self._lock:
            return min([self._handled, *(hold.limit(now_s) for hold in self._holds)])
