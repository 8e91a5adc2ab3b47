"""Puts the page together: what owns the press, what answers requests, and the files of the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from pressloop._version import __version__
from pressloop.web.access import Access
from pressloop.web.api import Api
from pressloop.web.board_choice import BoardChoice
from pressloop.web.control import Control
from pressloop.web.hub import Hub
from pressloop.web.lease import ControlLease
from pressloop.web.link_state import OnLink
from pressloop.web.live_curve import LiveCurve
from pressloop.web.live_socket import LiveSocket
from pressloop.web.press_owner import PressOwner
from pressloop.web.protocol_folder import ProtocolFolder
from pressloop.web.run_list import RunList
from pressloop.web.settings import ServerSettings

_HERE: Final = Path(__file__).resolve().parent
_ANNOUNCE_S: Final = 1.0


class PressPage:
    """The page of one press: its application, and the owner of the press behind it."""

    def __init__(
        self,
        choice: BoardChoice,
        settings: ServerSettings,
        on_link: OnLink,
    ) -> None:
        """Open nothing yet: the press is opened when the application starts."""
        curve = LiveCurve()
        self.hub = Hub(curve)
        self.owner = PressOwner(choice, self.hub, curve, settings.runs, on_link=on_link)
        self.control = Control(self.hub, ControlLease(settings.lease_s))
        self._socket = LiveSocket(self.hub, self.owner, self.control)
        api = Api(
            self.owner,
            self.control,
            self.hub,
            ProtocolFolder(settings.protocols),
            RunList(settings.runs),
            settings.runs,
        )
        self._html = _render()
        self.app = Starlette(
            routes=[
                Route("/", self._page, methods=["GET"]),
                WebSocketRoute("/live", self._socket.serve),
                *api.routes(),
                Mount("/static", StaticFiles(directory=_HERE / "static")),
            ],
            middleware=[Middleware(Access, token=settings.token)],
            lifespan=self._life,
        )

    async def _page(self, request: Request) -> Response:
        return HTMLResponse(self._html)

    @asynccontextmanager
    async def _life(self, app: Starlette) -> AsyncIterator[None]:
        self.hub.open()
        self.owner.begin()
        expiry = asyncio.create_task(self._announce())
        try:
            yield
        finally:
            expiry.cancel()
            with suppress(asyncio.CancelledError):
                await expiry
            self.hub.close()

    async def _announce(self) -> None:
        """Tell the pages when control became free because a page was closed."""
        while True:
            await asyncio.sleep(_ANNOUNCE_S)
            self.control.announce()


def _render() -> str:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(version=__version__)
