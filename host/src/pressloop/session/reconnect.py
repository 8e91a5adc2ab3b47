"""Holds the current link to a board and replaces it when it is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from pressloop.errors import (
    BoardTimeoutError,
    LinkClosedError,
    NoBoardError,
    PortBusyError,
    PressloopError,
)
from pressloop.session.connection import Link, ReaderFailedError, SessionLostError
from pressloop.wire.schema import HelloReply

RECONNECT_TIMEOUT_S: Final = 30.0
"""How long to try to reconnect: long enough to replug a cable or to reboot a controller."""

_RETRY_INTERVAL_S: Final = 0.5

_log = logging.getLogger(__name__)


class Reconnector:
    """Provides a link to one board, and a new one when that is lost.

    Args:
        open_link: Connects and says hello.
        closing: Set when no link is needed any more; ends the attempts.
        reconnect_timeout_s: How long to try to reconnect.

    Raises:
        PressloopError: What `open_link` raises, for the first link.
    """

    def __init__(
        self, open_link: Callable[[], Link], closing: threading.Event, reconnect_timeout_s: float
    ) -> None:
        """Open the first link."""
        self._open_link = open_link
        self._closing = closing
        self._reconnect_timeout_s = reconnect_timeout_s
        self._changed = threading.Condition()
        self._ended = False
        self._failure: PressloopError | None = None
        self._link = open_link()

    @property
    def link(self) -> Link:
        """The newest link, which may be lost."""
        return self._link

    @property
    def end_error(self) -> PressloopError:
        """Error for a request after the end."""
        return self._failure or LinkClosedError(
            f"the press at {self._link.url} was closed", hint="open it again with Press.open()"
        )

    def usable(self) -> Link:
        """Return a link that is not lost; wait while it is being reconnected.

        Raises:
            LinkClosedError: The link is lost for good, or was closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._link.lost is None or self._ended)
            if self._link.lost is not None:
                raise self.end_error
            return self._link

    def reconnect(self, cause: LinkClosedError, boot_id: int) -> None:
        """Connect again to the same board.

        Args:
            cause: Why the link is lost.
            boot_id: Which boot of the board the lost session was in.

        Raises:
            LinkClosedError: The cause, if the board did not come back in time; or another board is
                there instead, or another program has opened this one.
            ReaderFailedError: The cause, at once: the same error would end the next link, too.
        """
        if isinstance(cause, ReaderFailedError):
            raise cause
        _log.warning("%s", cause.message)
        deadline_s = time.monotonic() + self._reconnect_timeout_s
        while True:
            try:
                link = self._open_link()
                break
            except (NoBoardError, PortBusyError, LinkClosedError, BoardTimeoutError):
                if time.monotonic() >= deadline_s or self._closing.wait(_RETRY_INTERVAL_S):
                    raise cause from None
        try:
            self._check_board(link.hello, cause, boot_id)
        except PressloopError:
            link.close()
            raise
        with self._changed:
            self._link = link
            self._changed.notify_all()

    def end(self, failure: PressloopError | None) -> None:
        """Wake the threads that wait for a link: there will be none."""
        with self._changed:
            self._failure = failure
            self._ended = True
            self._changed.notify_all()

    def _check_board(self, hello: HelloReply, cause: LinkClosedError, boot_id: int) -> None:
        url = self._link.url
        if hello.unique_id != self._link.hello.unique_id:
            raise LinkClosedError(
                f"another board ({hello.unique_id.hex()}) is at {url} now",
                hint="plug the first board in again and open it by its serial number",
                code="other-board",
            )
        if isinstance(cause, SessionLostError) and hello.boot_id == boot_id:
            raise SessionLostError(
                f"another program opened the board at {url}",
                hint="only one program may control a press: close the other, then open it again",
            )
