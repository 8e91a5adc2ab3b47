"""Watches a run against a reference band, and says at once when it leaves it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape

from pressloop.catalogue import BandWatch, ReferenceBand
from pressloop.cli.live import LiveLine
from pressloop.errors import PressloopError
from pressloop.run.run import Run

_MAX_JOIN_S = 5.0

_log = logging.getLogger(__name__)


@contextmanager
def watching(handle: Run, band: ReferenceBand | None, line: LiveLine) -> Iterator[None]:
    """Compare the telemetry of a run with a band in the block; None: with none.

    A departure is printed and kept in the record. It never changes the run: a band is experience,
    not a limit.
    """
    if band is None:
        yield
        return
    thread = threading.Thread(
        target=_watch, args=(handle, band, line), name="pressloop reference", daemon=True
    )
    thread.start()
    yield
    # The run has ended or was left; what is queued is still looked at.
    thread.join(_MAX_JOIN_S)


def _watch(handle: Run, band: ReferenceBand, line: LiveLine) -> None:
    watch = BandWatch(band, handle.recorder.header.profile)
    try:
        for batch in handle.telemetry():
            for departure in watch.feed(batch):
                line.say(f"[note]left the reference band[/note]: {escape(str(departure))}")
                handle.recorder.event(
                    "note", text=f"left the reference band: {departure}", step=departure.step
                )
    except PressloopError as error:
        # A lost link ends the telemetry; the run itself reports it.
        _log.info("the reference band is not watched any longer: %s", error.message)
