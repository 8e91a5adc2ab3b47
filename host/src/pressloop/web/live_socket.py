"""Serves one open page over its web socket: everything that happens, as it happens.

A page first says who it is, and then every two seconds that it is still there. It receives lists
of messages; each has a kind and data. Commands do not come this way: see `api`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from pressloop.web.control import Control, public_id
from pressloop.web.hub import Hub, message
from pressloop.web.outbox import Outbox
from pressloop.web.press_owner import PressOwner

MIN_VIEWER: Final = 16
"""Characters of the secret of a page."""

MAX_VIEWERS: Final = 50
_MAX_HELLO_S: Final = 5.0
_MAX_MESSAGE: Final = 2000
_TRY_AGAIN: Final = 1013
_GONE: Final = 1006

_log = logging.getLogger(__name__)


@dataclass
class _Page:
    """One open page: whether it is looked at decides how often telemetry comes."""

    viewer: str
    visible: bool = True


class LiveSocket:
    """Serves web sockets; used in the event loop only."""

    def __init__(self, hub: Hub, owner: PressOwner, control: Control) -> None:
        """Serve what a hub has; pages that show themselves keep their control."""
        self._hub = hub
        self._owner = owner
        self._control = control
        self._open: dict[int, _Page] = {}

    async def serve(self, socket: WebSocket) -> None:
        """Serve one page until it goes."""
        await socket.accept()
        if len(self._open) >= MAX_VIEWERS:
            await socket.close(_TRY_AGAIN, "too many pages are open")
            return
        page = await self._hello(socket)
        if page is None:
            return
        key = id(page)
        self._open[key] = page
        self._choose_rate()
        outbox = self._hub.join()
        outbox.put_state("you", message("you", {"id": public_id(page.viewer)}))
        sender = asyncio.create_task(self._send(socket, outbox))
        try:
            await self._receive(socket, page)
        finally:
            sender.cancel()
            self._hub.leave(outbox)
            del self._open[key]
            self._choose_rate()

    async def _hello(self, socket: WebSocket) -> _Page | None:
        try:
            data = await asyncio.wait_for(_json(socket), _MAX_HELLO_S)
        except (WebSocketDisconnect, TimeoutError, asyncio.TimeoutError, ValueError):
            data = {}
        viewer = data.get("viewer")
        if not isinstance(viewer, str) or len(viewer) < MIN_VIEWER:
            with suppress(RuntimeError):
                await socket.close(1002, "the page did not say who it is")
            return None
        self._control.seen(viewer)
        return _Page(viewer, data.get("visible") is not False)

    async def _receive(self, socket: WebSocket, page: _Page) -> None:
        while True:
            try:
                data = await _json(socket)
            except WebSocketDisconnect:
                return
            except ValueError:
                _log.info("a page sent what is no message")
                continue
            self._control.seen(page.viewer)
            visible = data.get("visible") is not False
            if visible != page.visible:
                page.visible = visible
                self._choose_rate()

    async def _send(self, socket: WebSocket, outbox: Outbox) -> None:
        while True:
            messages = await outbox.take()
            if not messages:
                with suppress(RuntimeError):
                    await socket.close(1001, "the server ends")
                return
            if outbox.needs_curve:
                outbox.needs_curve = False
                messages.append(self._hub.curve_message())
            try:
                await socket.send_text(f"[{','.join(messages)}]")
            except (WebSocketDisconnect, RuntimeError):
                return

    def _choose_rate(self) -> None:
        self._owner.want_fast(any(page.visible for page in self._open.values()))


async def _json(socket: WebSocket) -> dict[str, Any]:
    """Return the next message of a page.

    Raises:
        WebSocketDisconnect: The page has gone; possibly while something was being sent to it.
        ValueError: It sent what is no message.
    """
    try:
        text = await socket.receive_text()
    except KeyError:
        raise ValueError("the message is not text") from None
    except RuntimeError as error:  # a failed `send` has noticed it first
        raise WebSocketDisconnect(_GONE) from error
    try:
        data = json.loads(text[:_MAX_MESSAGE])
    except RecursionError:
        raise ValueError("the message is nested too deeply") from None
    if not isinstance(data, dict):
        raise ValueError("the message is no object")
    return data
