"""Fixtures for the SDK's tests: a board in this process, and one on MicroPython."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_board import WAITS_S, FakeBoard
from pressloop.session.session import Session
from pressloop.transport.transport import open_transport


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
