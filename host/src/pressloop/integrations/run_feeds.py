"""Finds the runs that are to be published, and publishes them side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from pressloop.errors import PressloopError, RecordError
from pressloop.integrations.mqtt_publisher import MqttPublisher
from pressloop.integrations.run_feed import RunFeed
from pressloop.record.journal import JOURNAL_NAME
from pressloop.run.active_runs import active_runs

ANY_PORT: Final = ""
"""Instead of a port: the runs of every board."""

_POLL_S: Final = 0.2
_LOOK_S: Final = 1.0
"""Time between two looks for new runs."""

_MAX_LEAVE_S: Final = 5.0
"""Time for which acknowledgements are waited for at the end."""


class RunFeeds:
    """Publishes runs side by side.

    Attributes:
        problems: What could not be published whole, one message each.
    """

    def __init__(
        self,
        publisher: MqttPublisher,
        folders: Sequence[Path],
        positions: Path,
        *,
        port: str | None = None,
        say: Callable[[str], None],
    ) -> None:
        """Publish nothing yet.

        Args:
            publisher: Connection to the broker.
            folders: Of runs, or folders that hold such folders.
            positions: Folder with the positions.
            port: Publish the runs of the board at this port, too, or `ANY_PORT`.
            say: Prints a message for a person.
        """
        self._publisher = publisher
        self._folders = folders
        self._positions = positions
        self._port = port
        self._say = say
        self._feeds: dict[Path, RunFeed] = {}
        self._left: dict[Path, int] = {}
        self._looked_s = float("-inf")
        self._said = ""
        self.problems: list[str] = []

    @property
    def endless(self) -> bool:
        """Whether new runs may come: something else than folders of single runs was named."""
        return self._port is not None or any(
            not (folder / JOURNAL_NAME).exists() for folder in self._folders
        )

    def publish(self, stop: threading.Event) -> None:
        """Publish until `stop` is set, or until nothing is left and no new run may come.

        Raises:
            PressloopError: `mqtt-refused`.
        """
        endless = self.endless
        try:
            while not stop.is_set():
                self._begin_new()
                if not self._feeds and not endless:
                    break
                if not self._step():
                    self._publisher.wait(_POLL_S)
            self._await_acknowledgements()
        finally:
            for feed in self._feeds.values():
                feed.close()

    def _step(self) -> bool:
        """Let every feed publish; return whether one has more at once."""
        self._say_connection()
        self._publisher.check_refusal()
        self._note_acknowledged()
        more = False
        for path, feed in list(self._feeds.items()):
            try:
                more = feed.step() or more
            except RecordError as error:
                self._leave(path, problem=error.message)
                continue
            if feed.done:
                self._leave(path)
            elif feed.interrupted:
                said = f"{path} has no end: its run was interrupted; pressloop attach continues it"
                self._leave(path, problem=said)
        return more

    def _say_connection(self) -> None:
        """Say whether the broker is there, and once for each cause why it is not."""
        publisher = self._publisher
        if publisher.connected:
            said = f"connected to {publisher.broker}"
        elif publisher.trouble is None:
            said = f"waiting for {publisher.broker}"
        else:
            said = f"cannot reach {publisher.broker}: {publisher.trouble}. Trying again"
        if said != self._said:
            self._said = said
            self._say(said)

    def _note_acknowledged(self) -> None:
        for feed, what in self._publisher.acknowledged():
            feed.note_acknowledged(what)

    def _await_acknowledgements(self) -> None:
        """Wait a moment for what is on its way, so that the next start repeats little."""
        deadline_s = time.monotonic() + _MAX_LEAVE_S
        while self._publisher.connected and not self._publisher.idle:
            if time.monotonic() > deadline_s:
                break
            self._publisher.wait(_POLL_S)
            self._note_acknowledged()

    def _begin_new(self) -> None:
        """Begin with runs that are new, or have grown since they were left."""
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        for path in set(self._found()):
            if path in self._feeds or self._left.get(path) == _size(path):
                continue
            try:
                feed = self._feeds[path] = RunFeed(path, self._publisher, self._positions)
            except PressloopError as error:
                self._leave(path, problem=error.message)
                continue
            if not feed.done:
                self._say(f"publishing {path}: {feed.header.protocol_name}")

    def _leave(self, path: Path, problem: str | None = None) -> None:
        feed = self._feeds.pop(path, None)
        if feed is not None:
            feed.close()
        self._left[path] = _size(path)
        if problem is not None:
            self.problems.append(problem)
        self._say(problem or f"published {path}")

    def _found(self) -> Iterator[Path]:
        for folder in self._folders:
            if (folder / JOURNAL_NAME).exists():
                yield folder
            else:
                yield from (journal.parent for journal in folder.glob(f"*/{JOURNAL_NAME}"))
        if self._port is not None:
            for run in active_runs():
                if self._port == ANY_PORT or run.is_on(self._port):
                    yield Path(run.record)


def _size(folder: Path) -> int:
    """Return the size of a journal; -1 without one."""
    with suppress(OSError):
        return (folder / JOURNAL_NAME).stat().st_size
    return -1
