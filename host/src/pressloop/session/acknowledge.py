"""Decides which device clock the host acknowledges: how far it has handled the telemetry.

Every heartbeat acknowledges a device clock. A real board takes it as a sign of life. An emulated
board in lock-step runs at most one telemetry batch past it. So the acknowledgement paces the
emulated board, and whatever the host sends before it acknowledges a batch reaches the board at the
same device clock in every run.

Code that may react to a batch therefore *holds* the acknowledgement until it has reacted: an
operator who answers a prompt, a script that looks at each batch. A held acknowledgement still moves
on with the wall clock: after a minute of thinking an operator must find an emulated press one
minute older, and not at the timeout of the prompt.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from pressloop.wire.schema import TICK_HZ

HEARTBEAT_S: Final = 0.25
"""Maximum time between two heartbeats: half the shortest host timeout that a plan may have, so
that one heartbeat may be lost."""

HOLD_GRACE_S: Final = 1.0
"""Time for which a hold stops the acknowledged clock completely. A program reacts faster, even on a
busy machine, so the time that it takes does not change the run."""

_NO_LIMIT: Final = 2**32
"""Value above every device clock."""


class AckHold:
    """Keeps the acknowledged clock from moving on until `release`."""

    def __init__(self, clock: HostProgress, tick: int, since_s: float, expires: bool) -> None:
        """Use `HostProgress.hold`."""
        self._clock = clock
        self._tick = tick
        self._since_s = since_s
        self._expires = expires

    def limit(self, now_s: float) -> int:
        """Return the newest device clock that may be acknowledged at the time `now_s`."""
        waited_s = max(0.0, now_s - self._since_s - HOLD_GRACE_S)
        if self._expires and waited_s:
            return _NO_LIMIT
        return self._tick + int(waited_s * TICK_HZ)

    def renew(self, handled: int, now_s: float) -> None:
        """Do not expire any more. For `HostProgress`; what was acknowledged meanwhile stays so."""
        if self.limit(now_s) == _NO_LIMIT:
            self._tick = handled
        self._since_s = now_s
        self._expires = False

    def release(self) -> None:
        """Let the acknowledgement move on again. May be called more than once."""
        self._clock.release(self)


class HostProgress:
    """Computes the device clock to acknowledge: what was handled, limited by the holds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start at device clock 0."""
        self._clock = clock
        self._lock = threading.Lock()
        self._handled = 0
        self._holds: set[AckHold] = set()

    def handled(self, tick: int) -> None:
        """Note that everything up to this device clock was received and reacted to."""
        with self._lock:
            self._handled = max(self._handled, tick)

    def hold(self, *, expires: bool = False) -> AckHold:
        """Keep the acknowledgement at what has been handled so far.

        Args:
            expires: End by itself after `HOLD_GRACE_S`; for a consumer that may never come.
        """
        with self._lock:
            hold = AckHold(self, self._handled, self._clock(), expires)
            self._holds.add(hold)
        return hold

    def renew(self, hold: AckHold) -> None:
        """Let a hold that expires last until it is released: its consumer has come."""
        with self._lock:
            hold.renew(self._handled, self._clock())

    def release(self, hold: AckHold) -> None:
        """End a hold."""
        with self._lock:
            self._holds.discard(hold)

    def restart(self) -> None:
        """Begin again at 0 without holds: the board has rebooted."""
        with self._lock:
            self._handled = 0
            self._holds.clear()

    def tick(self) -> int:
        """Return the device clock to acknowledge now."""
        now_s = self._clock()
        with self._lock:
            return min([self._handled, *(hold.limit(now_s) for hold in self._holds)])
