"""The hub never waits for a page, and a slow page gets the newest state with its next message."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import suppress
from typing import Any

from pressloop.web.hub import CURVE, FRAME, Hub
from pressloop.web.live_curve import LiveCurve
from pressloop.web.outbox import MAX_FRAMES, Outbox


def taken(outbox: Outbox) -> list[dict[str, Any]]:
    return [json.loads(text) for text in asyncio.run(_take(outbox))]


async def _take(outbox: Outbox) -> list[str]:
    return await asyncio.wait_for(outbox.take(), 1)


def test_of_a_state_only_the_newest_waits() -> None:
    async def run() -> list[str]:
        outbox = Outbox()
        for number in range(1000):
            outbox.put_state("status", str(number))
        outbox.put_state("control", "c")
        return await outbox.take()

    assert asyncio.run(run()) == ["999", "c"]


def test_a_slow_page_loses_old_frames_and_gets_the_curve_again() -> None:
    async def run() -> tuple[Outbox, list[str]]:
        outbox = Outbox()
        for number in range(MAX_FRAMES + 3):
            outbox.put_frame(str(number))
        return outbox, await outbox.take()

    outbox, messages = asyncio.run(run())
    assert messages == [str(number) for number in range(MAX_FRAMES, MAX_FRAMES + 3)]
    assert outbox.needs_curve
    assert outbox.dropped == MAX_FRAMES


def test_publishing_returns_at_once_while_no_page_takes_anything() -> None:
    async def run() -> tuple[int, int]:
        hub = Hub(LiveCurve())
        hub.open()
        stuck, quick = hub.join(), hub.join()
        publisher = threading.Thread(target=_publish_many, args=(hub,))
        publisher.start()
        received = 0
        while publisher.is_alive() or received < 1:
            # The publisher may have sent its last and not ended yet: then nothing more comes.
            with suppress(asyncio.TimeoutError):
                received += len(await asyncio.wait_for(quick.take(), 0.2))
        publisher.join()
        await asyncio.sleep(0.05)
        waiting = len(await stuck.take())
        hub.close()
        return waiting, received

    waiting, received = asyncio.run(run())
    assert waiting <= MAX_FRAMES + 3  # and two states
    assert received > 0


def _publish_many(hub: Hub) -> None:
    for number in range(2000):
        hub.publish(FRAME, {"tick": number})
        hub.publish("status", {"tick": number})


def test_a_page_that_opens_later_gets_every_state_and_the_curve() -> None:
    async def run() -> list[str]:
        hub = Hub(LiveCurve())
        hub.open()
        hub.publish("link", {"state": "connected"})
        hub.publish("notice", {"text": "gone"}, keep=False)
        hub.publish("status", {"state": "idle"})
        return await hub.join().take()

    kinds = [json.loads(text)["kind"] for text in asyncio.run(run())]
    assert kinds == ["link", "status", CURVE]


def test_a_hub_without_a_server_only_remembers() -> None:
    hub = Hub(LiveCurve())
    hub.publish("status", {"state": "idle"})
    assert hub.newest("status") == {"state": "idle"}
    assert hub.newest("run") is None
