"""An emulated board ends by itself; the test sets the clock."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pressloop_sim.board.lifetime import Lifetime

ORPHAN_MS = 600_000
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


def test_a_run_of_a_week_does_not_keep_it_for_a_week(parent: Parent) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    life.is_over(0, True, True)
    parent.end()
    hour_ms = 3_600_000
    assert not life.is_over(hour_ms - 1, False, True)
    assert not life.is_over(hour_ms, True, True)  # a host is connected
    assert not life.is_over(2 * hour_ms - 1, False, True)
    assert life.is_over(2 * hour_ms, False, True)


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
