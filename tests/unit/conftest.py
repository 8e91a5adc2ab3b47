"""Fixtures for the SDK's tests: a board in this process, and sessions with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pressloop.session.session import Session
from pressloop.transport.transport import open_transport

from tests.unit.fake_board import WAITS_S, FakeBoard


@pytest.fixture
def board() -> Iterator[FakeBoard]:
    """A board in this process, at rest."""
    with FakeBoard() as fake:
        yield fake


@pytest.fixture
def open_session(board: FakeBoard) -> Iterator[Callable[..., Session]]:
    """Open sessions with the fake board; they are closed afterwards."""
    sessions: list[Session] = []

    def open_one(**settings: Any) -> Session:
        settings = {"host": "test", "waits_s": WAITS_S, "reconnect_timeout_s": 2.0, **settings}
        sessions.append(Session(lambda: open_transport(board.url), **settings))
        return sessions[-1]

    yield open_one
    for session in sessions:
        session.close()
