"""An emulated board ends by itself; the test sets the clock."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pressloop.emulator.process import DEFAULT_ORPHAN_S
from pressloop_sim.board.lifetime import Lifetime

ORPHAN_MS = round(1000 * DEFAULT_ORPHAN_S)
A_MOMENT_MS = 1000


class Parent:
    """The program that started the board; it holds one end of a pipe."""

    def __init__(self, end: int) -> None:
        self._end: int | None = end

    def end(self) -> None:
        if self._end is not None:
            os.close(self._end)
            self._end = None


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parent]:
    theirs, ours = os.pipe()
    held = Parent(ours)
    with os.fdopen(theirs) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield held
    held.end()


def test_a_board_stays_while_its_parent_lives(parent: Parent) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    assert not life.is_over(100 * ORPHAN_MS, False, False)


def test_without_parent_and_run_it_ends_at_once(parent: Parent) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    parent.end()
    assert life.is_over(A_MOMENT_MS, False, False)


def test_a_host_keeps_it_running(parent: Parent) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    parent.end()
    assert not life.is_over(100 * ORPHAN_MS, True, False)
    assert life.is_over(100 * ORPHAN_MS + A_MOMENT_MS, False, False)


def test_a_run_keeps_it_running_and_then_for_a_while(parent: Parent) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    parent.end()
    end_ms = 5 * ORPHAN_MS
    assert not life.is_over(end_ms, False, True)
    assert not life.is_over(end_ms + ORPHAN_MS - 1, False, False)
    assert life.is_over(end_ms + ORPHAN_MS, False, False)


def test_a_run_without_a_host_keeps_it_as_long_as_the_firmware_lets_it(parent: Parent) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    life.is_over(0, True, True)
    parent.end()
    two_days_ms = 2 * 86_400_000
    assert not life.is_over(two_days_ms, False, True)
    assert not life.is_over(two_days_ms + ORPHAN_MS - 1, False, False)
    assert life.is_over(two_days_ms + ORPHAN_MS, False, False)


def test_a_board_that_nothing_holds_ends_within_a_minute(parent: Parent) -> None:
    assert ORPHAN_MS == 60_000
    life = Lifetime(ORPHAN_MS, 0)
    assert not life.is_over(A_MOMENT_MS, True, True)
    assert not life.is_over(2 * A_MOMENT_MS, False, False)
    parent.end()
    assert life.owner_has_ended()
    ended_ms = 2 * A_MOMENT_MS
    assert not life.is_over(ended_ms + ORPHAN_MS - 1, False, False)
    assert life.is_over(ended_ms + ORPHAN_MS, False, False)


def test_every_host_that_attaches_restarts_the_wait(parent: Parent) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    life.is_over(0, True, True)
    parent.end()
    attached_ms = ORPHAN_MS - 1
    assert not life.is_over(attached_ms, True, False)
    assert not life.is_over(attached_ms + ORPHAN_MS - 1, False, False)
    assert life.is_over(attached_ms + ORPHAN_MS, False, False)


def test_a_board_started_by_hand_has_no_parent_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert not Lifetime(ORPHAN_MS, 0).is_over(100 * ORPHAN_MS, False, False)
