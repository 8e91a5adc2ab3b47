"""Says whether the link to the board is up: to every page, and to who runs the server."""

from __future__ import annotations

from collections.abc import Callable

from pressloop.errors import BoardTimeoutError, PressloopError
from pressloop.web import words
from pressloop.web.hub import Hub

OnLink = Callable[[PressloopError | None], None]
"""Called with the reason when the link to the board fails or the reason changes; None: it is up
again. The first connection is no change."""


class LinkState:
    """The state of the link as the pages show it."""

    def __init__(self, hub: Hub, on_link: OnLink) -> None:
        """Say nothing yet; `on_link` is called in the thread that calls the methods."""
        self._hub = hub
        self._on_link = on_link
        self._message: str | None = None

    def connected(self) -> None:
        """Say that the link is up."""
        self._publish("connected", None)

    def reconnecting(self) -> None:
        """Say that the link failed and is being opened again."""
        error = BoardTimeoutError(
            "the link to the board is lost and is being opened again",
            hint="check the cable and the power of the controller",
        )
        self._publish("reconnecting", error)

    def lost(self, error: PressloopError) -> None:
        """Say that there is no link, and why."""
        self._publish("lost", error)

    def _publish(self, state: str, error: PressloopError | None) -> None:
        explained = None if error is None else words.error_words(error)
        self._hub.publish("link", {"state": state, "error": explained})
        message = None if error is None else error.message
        if message != self._message:
            self._message = message
            self._on_link(error)
