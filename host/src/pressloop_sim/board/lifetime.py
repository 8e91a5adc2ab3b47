"""When an emulated board ends by itself.

The program that starts a board holds the other end of its standard input, and the kernel closes
that end however the program dies. While it lives, the board stays. A real controller would go on
without it, and so does this one as long as somebody may want it: a host that is connected, a run
for an hour, and for a while the record of a run that nobody saw to its end.

Times in ms of any clock that does not run backwards.
"""

import os
import select
import sys

_LOOK_MS = 500
# Without its host a run takes real time, and a stack hold takes a week.
_LONGEST_RUN_MS = 3600 * 1000


class Lifetime:
    """Judges by what the board tells it.

    `orphan_ms` is how long a board that has pressed waits for a host when nothing else keeps it;
    one that has not pressed has nothing to be asked for.
    """

    def __init__(self, orphan_ms: int, now_ms: int) -> None:
        """Begin to live. Whoever gave no pipe as standard input is taken to live for ever."""
        self._orphan_ms = orphan_ms
        self._needed_ms = now_ms
        self._host_ms = now_ms
        self._look_ms = now_ms
        self._has_run = False
        self._opener_lives = True
        self._opener = select.poll()
        self._opener.register(sys.stdin, select.POLLIN)

    def is_over(self, now_ms: int, connected: bool, running: bool) -> bool:
        """Return whether nobody needs the board any more: no opener, no host, no run."""
        self._has_run = self._has_run or running
        if self._opener_lives and now_ms - self._look_ms >= _LOOK_MS:
            self._look_ms = now_ms
            self._opener_lives = not self._hung_up()
        if self._opener_lives or connected:
            self._needed_ms = self._host_ms = now_ms
            return False
        if running:
            self._needed_ms = now_ms
            return now_ms - self._host_ms >= _LONGEST_RUN_MS
        return not self._has_run or now_ms - self._needed_ms >= self._orphan_ms

    def _hung_up(self) -> bool:
        return any(event & select.POLLHUP for _, event in self._opener.poll(0))


def clear(folder: str) -> None:
    """Remove a folder with all that is in it; MicroPython has no `shutil`.

    Raises:
        OSError: Something cannot be removed.
    """
    for name in os.listdir(folder):
        path = folder + "/" + name
        try:
            os.remove(path)
        except OSError:
            clear(path)  # a folder
    os.rmdir(folder)
