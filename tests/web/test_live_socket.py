"""A web socket whose page goes at any moment, or sends what is no message."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from pressloop.web.board_choice import BoardChoice
from pressloop.web.control import Control
from pressloop.web.hub import Hub
from pressloop.web.lease import ControlLease
from pressloop.web.live_curve import LiveCurve
from pressloop.web.live_socket import LiveSocket
from pressloop.web.press_owner import PressOwner
from starlette.websockets import WebSocket

Message = MutableMapping[str, Any]
HELLO = {"type": "websocket.receive", "text": '{"viewer": "aaaaaaaaaaaaaaaaaaaa"}'}
STILL_THERE = {"type": "websocket.receive", "text": "{}"}
GONE = {"type": "websocket.disconnect", "code": 1001}


async def serve(*says: Message, breaks: bool = False) -> tuple[list[Message], Hub]:
    """Serve a page that says this; `breaks` lets its connection fail at the first message to it."""
    hub = Hub(LiveCurve())
    owner = PressOwner(
        BoardChoice("emulated"), hub, LiveCurve(), Path("runs"), on_link=lambda error: None
    )
    sent: list[Message] = []
    left = iter(({"type": "websocket.connect"}, HELLO, *says))
    addressed = asyncio.Event()

    async def receive() -> Message:
        message = next(left)
        if message not in (HELLO, {"type": "websocket.connect"}):
            await addressed.wait()
        return message

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "websocket.send":
            addressed.set()
            if breaks:
                raise OSError("connection reset")

    socket = WebSocket({"type": "websocket"}, receive, send)
    await LiveSocket(hub, owner, Control(hub, ControlLease(10.0))).serve(socket)
    return sent, hub


def test_a_page_that_goes_while_something_is_sent_to_it_ends_its_service() -> None:
    sent, hub = asyncio.run(serve(STILL_THERE, STILL_THERE, GONE, breaks=True))
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send"]
    assert not hub._outboxes


def test_what_is_no_message_is_passed_over() -> None:
    noise = ({"bytes": b"\x00"}, {"text": "["}, {"text": "[" * 1999}, {"text": "[]"})
    said = [{"type": "websocket.receive", **one} for one in noise]
    _, hub = asyncio.run(serve(*said, STILL_THERE, GONE))
    assert not hub._outboxes
