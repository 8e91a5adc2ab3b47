"""Waits for conditions with a time limit, so that no case sleeps for a guessed time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pressloop.press import Press
from pressloop.run.run import Run
from pressloop.session.telemetry import TelemetryBatch, TelemetryRecord
from pressloop.wire.schema import TICK_HZ

_POLL_S: Final = 0.002


def until(condition: Callable[[], bool], what: str, limit_s: float = 20.0) -> None:
    """Wait until a condition is true.

    Args:
        condition: Usually a request to the board, which lets an emulated clock advance.
        what: Names the condition in the failure's message.
        limit_s: Longest wait, wall-clock time.

    Raises:
        AssertionError: The condition is still false after `limit_s`.
    """
    give_up_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up_s, f"not within {limit_s:g} s: {what}"
        time.sleep(_POLL_S)


class Watch:
    """Follows telemetry from one event to the next, record by record.

    After `until` has returned, an emulated press stands still until more telemetry is read, at most
    one batch past the record that was returned.
    """

    def __init__(self, batches: Iterator[TelemetryBatch]) -> None:
        """Take the batches to follow; `watching` makes a `Watch` of a run or a press."""
        self._records = (record for batch in batches for record in batch)

    def until(
        self, condition: Callable[[TelemetryRecord], bool], what: str, limit_s: float = 60.0
    ) -> TelemetryRecord:
        """Return the first record from now on for which the condition is true.

        Args:
            condition: Looks at one record.
            what: Names the condition in the failure's message.
            limit_s: Longest wait, press time.

        Raises:
            AssertionError: No such record within `limit_s`, or before the telemetry ends.
        """
        began: int | None = None
        last: TelemetryRecord | None = None
        for record in self._records:
            if condition(record):
                return record
            began = record.tick if began is None else began
            last = record
            passed_s = (record.tick - began) / TICK_HZ
            assert passed_s <= limit_s, f"not within {limit_s:g} s: {what}; now {record}"
        raise AssertionError(f"the telemetry ended before: {what}; its last record is {last}")


@contextmanager
def watching(source: Run | Press) -> Iterator[Watch]:
    """Yield a `Watch` of a press, or of a run until it ends."""
    with batches_of(source) as batches:
        yield Watch(batches)


@contextmanager
def batches_of(source: Run | Press) -> Iterator[Iterator[TelemetryBatch]]:
    """Yield the telemetry batch by batch, and stop listening at the end of the block.

    The first time for a run the batches begin at its start, otherwise with the newest.
    """
    batches = source.telemetry()
    try:
        yield batches
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()
