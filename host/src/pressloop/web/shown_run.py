"""Shows one run on the pages: what is pressed, its curve, and how it ended."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pressloop.errors import BoardTimeoutError, LinkClosedError, PressloopError
from pressloop.run.run import Run
from pressloop.web import words
from pressloop.web.hub import CURVE, Hub
from pressloop.web.live_curve import LiveCurve
from pressloop.web.recorded_curve import recorded_points
from pressloop.web.run_result import result_view
from pressloop.web.run_view import run_view
from pressloop.wire.schema import TICK_HZ

_log = logging.getLogger(__name__)


class ShownRun:
    """The newest run of this program as the pages show it, until the next one begins."""

    def __init__(self, hub: Hub, curve: LiveCurve) -> None:
        """Show no run yet; `begin` and `again` do."""
        self._hub = hub
        self._curve = curve
        self._run: Run | None = None
        self._watched: Run | None = None

    def begin(self, run: Run) -> None:
        """Show a run that has just begun."""
        self._run = run
        self._watched = run
        self._hub.publish("result", None)
        self._hub.publish("run", run_view(run.recorder.header, run.directory.name))
        with suppress(LinkClosedError, BoardTimeoutError):  # then its curve begins a little late
            status = run.status()
            start_tick = status.tick - round((status.elapsed_s or 0.0) * TICK_HZ)
            self._curve.begin_run(start_tick)
        self._publish_curve()

    def again(self, run: Run, record: Path) -> None:
        """Show a run that is followed again, with its curve from the beginning."""
        self.begin(run)
        start_s, points = recorded_points(record)
        self._curve.refill(start_s, points)
        self._publish_curve()
        self.notice("the run of an earlier program is followed again; nothing was missed", "good")

    def end(self, run: Run, tick: int) -> None:
        """Show that a run has ended by `tick`, and soon its result; once for each run."""
        if self._watched is not run:
            return
        self._watched = None
        self._curve.end_run(tick)
        self._publish_curve()
        threading.Thread(
            target=self._show_result, args=(run,), name="pressloop result", daemon=True
        ).start()

    def lose(self, run: Run) -> None:
        """Show the result of a run whose link was lost; its record ends there."""
        if self._watched is run:
            self._watched = None
            self._show_result(run)

    def notice(self, text: str, tone: str) -> None:
        """Show a notice for a while; `tone` is "good" or "bad"."""
        said: dict[str, Any] = {
            "text": words.outcome_sentence(text),
            "tone": tone,
            "at": time.time(),
        }
        self._hub.publish("notice", said, keep=False)

    def _publish_curve(self) -> None:
        self._hub.publish(CURVE, self._curve.snapshot(), keep=False)

    def _show_result(self, run: Run) -> None:
        """Complete the record of a run that has ended, and show how it ended."""
        try:
            view = result_view(run.result().summary, run.directory.name)
        except PressloopError as error:
            view = {"error": words.error_words(error)}
        except Exception as error:
            _log.exception("the record could not be completed")
            view = {"error": words.error_words(words.defect(error))}
        if self._run is run:  # the next run may have begun meanwhile
            self._hub.publish("result", view)
