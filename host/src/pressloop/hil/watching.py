"""Waiting for what must happen, with a limit; never for a guessed time."""

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
    """Ask until the answer is yes.

    Args:
        condition: Usually a request to the board, which lets an emulated clock move on.
        what: For the failure's message.
        limit_s: Wall-clock time.
    """
    give_up_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up_s, f"not within {limit_s:g} s: {what}"
        time.sleep(_POLL_S)


class Watch:
    """Follows telemetry from one event to the next, record by record.

    While the code behind `until` reacts, an emulated press stands still, at most one batch of
    telemetry past the record that was returned.
    """

    def __init__(self, batches: Iterator[TelemetryBatch]) -> None:
        """Use `watching`."""
        self._records = (record for batch in batches for record in batch)

    def until(
        self, condition: Callable[[TelemetryRecord], bool], what: str, limit_s: float = 60.0
    ) -> TelemetryRecord:
        """Return the first record from now on that fits.

        Args:
            condition: What to look for.
            what: For the failure's message.
            limit_s: Press time.
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
    """Watch a run until it ends, or a press."""
    with batches_of(source) as batches:
        yield Watch(batches)


@contextmanager
def batches_of(source: Run | Press) -> Iterator[Iterator[TelemetryBatch]]:
    """Give the telemetry, batch by batch: of a run the first time from its start, else from now on.

    Stops to listen afterwards.
    """
    batches = source.telemetry()
    try:
        yield batches
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()
