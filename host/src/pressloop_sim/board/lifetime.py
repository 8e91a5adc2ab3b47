"""Decides when an emulated board ends by itself.

The program that starts a board holds the other end of its standard input, and the kernel closes
that end however the program ends. The board keeps running while that program does. A real
controller would keep running without it, and so does this one while it may still be needed: while
a host is connected, during a run for up to an hour, and for some time after a run, so that a host
can attach and fetch the rest of the record.

Times are in ms of any monotonic clock.
"""

import os
import select
import sys

_POLL_MS = 500
# Without a host a run takes real time, and a stack hold would take a week.
_MAX_RUN_WITHOUT_HOST_MS = 3600 * 1000


class Lifetime:
    """Decides from parent process, host and run whether the board is still needed.

    `orphan_ms` is how long a board that has pressed waits for a host once its parent process has
    ended. A board that has not pressed ends at once, because there is nothing to fetch from it.
    """

    def __init__(self, orphan_ms: int, now_ms: int) -> None:
        """Start at `now_ms`. If standard input is no pipe, the parent counts as never ending."""
        self._orphan_ms = orphan_ms
        self._needed_ms = now_ms
        self._host_ms = now_ms
        self._polled_ms = now_ms
        self._has_run = False
        self._parent_alive = True
        self._parent = select.poll()
        self._parent.register(sys.stdin, select.POLLIN)

    def is_over(self, now_ms: int, connected: bool, running: bool) -> bool:
        """Return whether the board is no longer needed: no parent, no host, no run."""
        self._has_run = self._has_run or running
        if self._parent_alive and now_ms - self._polled_ms >= _POLL_MS:
            self._polled_ms = now_ms
            self._parent_alive = not self._hung_up()
        if self._parent_alive or connected:
            self._needed_ms = self._host_ms = now_ms
            return False
        if running:
            self._needed_ms = now_ms
            return now_ms - self._host_ms >= _MAX_RUN_WITHOUT_HOST_MS
        return not self._has_run or now_ms - self._needed_ms >= self._orphan_ms

    def _hung_up(self) -> bool:
        return any(event & select.POLLHUP for _, event in self._parent.poll(0))


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
