"""Runs the server of the page until it is asked to end, and leaves the press in good order."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

import uvicorn

from pressloop.errors import BadInputError, PressloopError
from pressloop.web.app import PressPage
from pressloop.web.board_choice import BoardChoice
from pressloop.web.link_state import OnLink
from pressloop.web.press_owner import Ending
from pressloop.web.settings import ServerSettings

_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_BACKLOG: Final = 64

_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """A server that remembers by which signal it was ended, and does not raise it again."""

    ended_by: int | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Note the signals that end the server; outside the main thread there are none."""
        before: dict[int, Any] = {}

        def note(number: int, frame: FrameType | None) -> None:
            if self.ended_by is None:
                self.ended_by = number
            self.should_exit = True

        with suppress(ValueError):
            for number in _SIGNALS:
                before[number] = signal.signal(number, note)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class PageServer:
    """Serves the page of one press. `run` returns when the server was asked to end."""

    def __init__(
        self,
        choice: BoardChoice,
        settings: ServerSettings,
        on_link: OnLink = lambda error: None,
    ) -> None:
        """Open the TCP port, so that the address is known.

        Args:
            choice: Which press.
            settings: What is served, and where.
            on_link: Called when the link to the board fails and when it is up again.

        Raises:
            BadInputError: `address-in-use`: it cannot be opened.
        """
        self._page = PressPage(choice, settings, on_link)
        self._settings = settings
        try:
            self._socket = _listening(settings.host, settings.http_port)
        except OSError as error:
            raise BadInputError(
                f"cannot serve {settings.host} port {settings.http_port}: {error.strerror}",
                hint="choose another port with --http-port, or end the program that uses it",
                code="address-in-use",
            ) from error
        config = uvicorn.Config(
            self._page.app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            ws_max_size=4096,
            ws_ping_interval=5.0,
            ws_ping_timeout=10.0,
            ws_per_message_deflate=False,
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.key,
        )
        self._server = _Server(config)

    @property
    def url(self) -> str:
        """Address of the page, with its token if it needs one."""
        host, port = self._settings.host, self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        token = f"?token={self._settings.token}" if self._settings.token else ""
        return f"{self._settings.scheme}://{shown}:{port}/{token}"

    def run(self, on_abort: Callable[[], None] = lambda: None) -> Ending:
        """Serve until a signal or `stop`; then let go of the press.

        Ctrl-C releases the pressure of an active run and waits until the press is at rest; a
        second one opens the release valve fully. Any other end does what the protocol says of the
        loss of the host.

        Args:
            on_abort: Called when a run is being aborted, before the wait.
        """
        self._server.run([self._socket])
        ending: Ending = "abort" if self._server.ended_by == signal.SIGINT else "leave"
        run = self._page.owner.run
        if ending == "abort" and run is not None and run.is_active:
            on_abort()
        try:
            self._page.owner.stop(ending)
        except KeyboardInterrupt:
            with suppress(PressloopError):
                self._page.owner.dump("operator (second Ctrl-C)")
            self._page.owner.stop(ending)
        return ending

    def stop(self) -> None:
        """Let `run` return, from any thread."""
        self._server.should_exit = True


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host.strip("[]"), port))
        server.listen(_BACKLOG)
    except BaseException:
        server.close()
        raise
    return server
