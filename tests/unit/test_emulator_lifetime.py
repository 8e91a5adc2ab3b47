"""When an emulated board ends by itself, by a clock that the test holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pressloop_sim.board.lifetime import Lifetime

ORPHAN_MS = 600_000
A_MOMENT_MS = 1000


class Opener:
    """The program that started the board: it holds one end of a pipe."""

    def __init__(self, end: int) -> None:
        self._end: int | None = end

    def die(self) -> None:
        if self._end is not None:
            os.close(self._end)
            self._end = None


@pytest.fixture
def opener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Opener]:
    theirs, ours = os.pipe()
    held = Opener(ours)
    with os.fdopen(theirs) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield held
    held.die()


def test_with_its_opener_a_board_stays_for_ever(opener: Opener) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    assert not life.is_over(100 * ORPHAN_MS, False, False)


def test_without_opener_and_without_a_run_it_ends_at_once(opener: Opener) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    opener.die()
    assert life.is_over(A_MOMENT_MS, False, False)


def test_a_host_keeps_it(opener: Opener) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    opener.die()
    assert not life.is_over(100 * ORPHAN_MS, True, False)
    assert life.is_over(100 * ORPHAN_MS + A_MOMENT_MS, False, False)


def test_a_run_keeps_it_and_its_record_for_a_while(opener: Opener) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    opener.die()
    end_ms = 5 * ORPHAN_MS
    assert not life.is_over(end_ms, False, True)
    assert not life.is_over(end_ms + ORPHAN_MS - 1, False, False)
    assert life.is_over(end_ms + ORPHAN_MS, False, False)


def test_a_run_of_a_week_does_not_keep_it_for_a_week(opener: Opener) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    life.is_over(0, True, True)
    opener.die()
    hour_ms = 3_600_000
    assert not life.is_over(hour_ms - 1, False, True)
    assert not life.is_over(hour_ms, True, True)  # a host is connected
    assert not life.is_over(2 * hour_ms - 1, False, True)
    assert life.is_over(2 * hour_ms, False, True)


def test_every_host_that_attaches_begins_the_wait_anew(opener: Opener) -> None:
    life = Lifetime(ORPHAN_MS, 0)
    life.is_over(0, True, True)
    opener.die()
    attached_ms = ORPHAN_MS - 1
    assert not life.is_over(attached_ms, True, False)
    assert not life.is_over(attached_ms + ORPHAN_MS - 1, False, False)
    assert life.is_over(attached_ms + ORPHAN_MS, False, False)


def test_a_board_started_by_hand_has_no_opener_to_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert not Lifetime(ORPHAN_MS, 0).is_over(100 * ORPHAN_MS, False, False)
