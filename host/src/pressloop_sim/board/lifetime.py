"""Decides when an emulated board ends by itself.

The program that starts a board is its owner. It holds the other end of the board's standard input,
and the kernel closes that end however the owner ends. The board keeps running while its owner does.
A real controller would keep running without it, and so does this one while it may still be needed:
while a host is connected, during a run, and for some time afterwards, so that a host can attach and
fetch the rest of the record.

A run without a host needs no limit here: the firmware ends it as the protocol's `on_host_loss`
says, at the latest when the limit declared there is over.

Times are in ms of any monotonic clock.
"""

import os
import select
import sys

_POLL_MS = 500


class Lifetime:
    """Decides from owner, host and run whether the board is still needed.

    `orphan_ms` is how long a board that has pressed waits for a host once its owner has ended, it
    has no host and no run is in progress. A board that has not pressed ends at once, because there
    is nothing to fetch from it.
    """

    def __init__(self, orphan_ms: int, now_ms: int) -> None:
        """Start at `now_ms`. If standard input is no pipe, the owner counts as never ending."""
        self._orphan_ms = orphan_ms
        self._needed_ms = now_ms
        self._polled_ms = now_ms
        self._has_run = False
        self._owner_alive = True
        self._owner = select.poll()
        self._owner.register(sys.stdin, select.POLLIN)

    def is_over(self, now_ms: int, connected: bool, running: bool) -> bool:
        """Return whether the board is no longer needed: no owner, no host, no run."""
        self._has_run = self._has_run or running
        if self._owner_alive and now_ms - self._polled_ms >= _POLL_MS:
            self._polled_ms = now_ms
            self._owner_alive = not self._hung_up()
        if self._owner_alive or connected or running:
            self._needed_ms = now_ms
            return False
        return not self._has_run or now_ms - self._needed_ms >= self._orphan_ms

    def owner_has_ended(self) -> bool:
        """Return whether the owner has ended, so that the board has to remove its own folder."""
        return not self._owner_alive or self._hung_up()

    def _hung_up(self) -> bool:
        return any(event & select.POLLHUP for _, event in self._owner.poll(0))


def remove_folder(folder: str) -> None:
    """Remove a folder and its contents; MicroPython has no `shutil`.

    Raises:
        OSError: Something cannot be removed.
    """
    for name in os.listdir(folder):
        path = folder + "/" + name
        try:
            os.remove(path)
        except OSError:
            remove_folder(path)
    os.rmdir(folder)
