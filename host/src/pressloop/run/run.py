"""A run in progress, as a script or a notebook holds it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from pressloop.errors import BoardTimeoutError, LinkClosedError, PressloopError
from pressloop.extras import DataFrame
from pressloop.record import RunRecorder
from pressloop.record.columns import wire_name
from pressloop.run.commands import RunCommands
from pressloop.run.prompts import Asker, PromptQueue
from pressloop.run.result import RunResult, frame_of, html_table
from pressloop.run.run_monitor import RunMonitor
from pressloop.session.session import Session
from pressloop.session.status import PressStatus
from pressloop.session.telemetry import TelemetryBatch
from pressloop.session.telemetry_iterator import TelemetryIterator
from pressloop.wire.schema import State

VENT_LIMIT_S: Final = 120.0
"""Longest wait for a controlled release; after that the release valve is opened fully."""

_SLICE_S: Final = 0.2
"""Waits are cut into these: on Windows Ctrl-C does not end a longer one."""

_log = logging.getLogger(__name__)


class Run:
    """A run on a press. Get one from `Press.start` or `Press.attach`.

    All methods can be called from any thread, callbacks included.

    Raises:
        LinkClosedError, BoardTimeoutError: From every method that asks the board (`status` and
            all that steer): the link was lost for good, or there was no reply.
        CommandRefusedError: From those that steer: the board said no. Its codes stand with each;
            `faulted` and `bad-state` can come from any but `abort`.
    """

    def __init__(
        self,
        session: Session,
        recorder: RunRecorder,
        *,
        ask: Asker | None,
        on_status: Callable[[PressStatus], None] | None,
    ) -> None:
        """Use `Press.start` or `Press.attach`."""
        self._session = session
        self._recorder = recorder
        self._ask = ask
        self._commands = RunCommands(session, recorder)
        self._prompts = PromptQueue(session, recorder, self._commands)
        self.monitor = RunMonitor(session, recorder, self._commands, self._prompts, on_status)
        # Kept for the first loop over the telemetry, which may come late.
        self._first_iterator: TelemetryIterator | None = None
        self._iterator_lock = threading.Lock()
        self._run_first = 0
        self._detached = False
        self._result_lock = threading.Lock()
        self._result: RunResult | None = None

    def begin(self, run_first: int, start_tick: int) -> None:
        """Follow the run from its first record on. For `Press`, in the dispatcher thread."""
        self._run_first = run_first
        self.monitor.begin(run_first, start_tick)
        iterator = self._first_iterator = TelemetryIterator(self._session)
        iterator.follow()
        self.monitor.end_with_run(iterator)
        if self._ask is not None:
            threading.Thread(
                target=self._answer_in_background,
                args=(self._ask,),
                name=f"pressloop prompts {self._session.url}",
                daemon=True,
            ).start()

    # --- looking

    @property
    def run_id(self) -> bytes:
        """What the board calls this run, 8 bytes."""
        return bytes.fromhex(self._recorder.header.run_id)

    @property
    def directory(self) -> Path:
        """Where the record is."""
        return self._recorder.directory

    @property
    def state(self) -> State:
        """What the newest telemetry says the press is doing."""
        return self.monitor.state

    @property
    def is_active(self) -> bool:
        """Whether the run has not ended yet, as far as this program follows it."""
        return not self.monitor.over.is_set()

    @property
    def has_ended(self) -> bool:
        """Whether the end of the run is in the record."""
        return self.monitor.ended

    @property
    def detached(self) -> bool:
        """Whether the run was left to itself on purpose."""
        return self._detached

    def status(self) -> PressStatus:
        """Ask the board what it is doing."""
        return self.monitor.readable(self._session.status())

    def telemetry(self) -> Iterator[TelemetryBatch]:
        """Iterate over batches of records until the run ends.

        The first loop begins with the run's first record, or that of the attaching, even if it
        comes late; what is more than 3000 batches (ten minutes of a real press) old is skipped
        then. A later loop begins now.

        An emulated board waits for a quick loop body, so what the body does in reaction lands on
        the same tick in every run.
        """
        with self._iterator_lock:
            iterator, self._first_iterator = self._first_iterator, None
        if iterator is None:
            if not self.is_active:
                return
            iterator = TelemetryIterator(self._session)
            self.monitor.end_with_run(iterator)
        with iterator:
            for batch in iterator:
                mine = batch.without(max(0, self._run_first - batch.first))
                if len(mine):
                    yield mine

    def frame(self) -> DataFrame:
        """Return what is recorded so far as a data frame; columns carry their units.

        One row per record that is kept, by default 100 a second. docs/run-record.md has the
        columns.

        Raises:
            PressloopError: `missing-extra`, when the packages for it are not installed.
        """
        return frame_of(self.directory)

    # --- steering

    def pause(self) -> None:
        """Freeze setpoint and clocks; the pressure stays regulated."""
        self._commands.pause()

    def resume(self) -> None:
        """Go on after a pause or a host loss. Refused with `guard-open` and `emergency-stop`."""
        self._commands.resume()

    def confirm(self, step: int | None = None) -> None:
        """Answer the open prompt, or the prompt at this step.

        Refused with `wrong-prompt`, `guard-open` and `emergency-stop`.
        """
        self._commands.confirm(step)
        self._prompts.release()

    def advance(self, step: int | None = None) -> None:
        """End the hold in progress, or the hold at this step, and go on; ends an open hold."""
        self._commands.advance(step)

    def abort(self, by: str = "script") -> None:
        """End the run: release at the protocol's vent rate. Harmless when it is ending anyway."""
        self._commands.abort(by)
        self._prompts.release()

    def dump(self, by: str = "script") -> None:
        """Open the release valve fully. A pellet may crack: for when a release takes too long."""
        self._commands.dump(by)
        self._prompts.release()

    def detach(self) -> None:
        """Let the run go on without this program; `Press.attach` finds it again."""
        self._detached = True
        self._session.in_order(self.monitor.detach)

    def answer_prompts(self, ask: Asker) -> None:
        """Put the board's questions to the operator in this thread, until the run has ended."""
        self._expect_no_loop()
        self._prompts.answer(ask)

    # --- the end

    def wait(self, limit_s: float | None = None) -> bool:
        """Wait until the run has ended.

        Returns:
            False when it has not ended within the limit.
        """
        self._expect_no_loop()
        deadline_s = float("inf") if limit_s is None else time.monotonic() + limit_s
        while True:
            slice_s = min(_SLICE_S, deadline_s - time.monotonic())
            if self.monitor.over.wait(max(0.0, slice_s)):
                return True
            if slice_s <= 0:
                return False

    def result(self, limit_s: float | None = None) -> RunResult:
        """Wait for the end, complete the record and return what it says.

        Raises:
            LinkClosedError: The link was lost for good; the hint says how to attach again.
            BoardTimeoutError: It has not ended within the limit.
            PressloopError: `missing-extra`, when the packages to complete the record are missing.
            Exception: What a callback raised; the run was aborted for it.
        """
        if not self.wait(limit_s):
            raise BoardTimeoutError(
                f"the run has not ended within {limit_s:g} s",
                hint="it goes on: wait longer, or call abort()",
                code="run-goes-on",
            )
        if self.monitor.lost is not None:
            raise self._attachable(self.monitor.lost)
        if self.monitor.failure is None:
            return self._finalised()
        # The record of a run that the host spoilt is worth having, but not a second error.
        with suppress(Exception):
            self._finalised()
        raise self.monitor.failure

    def abort_and_wait(self, by: str, limit_s: float = VENT_LIMIT_S) -> bool:
        """Abort and see it through; opens the release valve fully if that takes too long.

        Returns:
            Whether the press came to rest.
        """
        try:
            self.abort(by)
            if self.wait(limit_s):
                return True
        except KeyboardInterrupt:
            # Whoever is that impatient wants the pressure off.
            self.dump(by)
            self.wait(limit_s)
            raise
        _log.warning("the release took longer than %g s: opening the valve fully", limit_s)
        self.dump(by)
        return self.wait(limit_s)

    def _expect_no_loop(self) -> None:
        """Let the press go on at once: whoever waits does not loop over the telemetry."""
        iterator = self._first_iterator
        if iterator is not None:
            iterator.skip()

    def _answer_in_background(self, ask: Asker) -> None:
        try:
            self._prompts.answer(ask)
        except Exception as error:
            self.monitor.fail(error)

    def _finalised(self) -> RunResult:
        from pressloop.evaluation import finalise

        with self._result_lock:
            if self._result is None:
                self._recorder.fetch_truth()
                self._result = RunResult(self.directory, finalise(self.directory))
            return self._result

    def _attachable(self, cause: PressloopError) -> LinkClosedError:
        console = cause.console if isinstance(cause, LinkClosedError) else ()
        return LinkClosedError(
            f"the run goes on without this program: {cause.message}",
            hint=f"the record is readable as it is; go on with pressloop attach {self.directory}",
            console=console,
            record_dir=self.directory,
            code=cause.code,
        )

    def __repr__(self) -> str:
        """State and record in one line."""
        return f"<Run {self.run_id.hex()} {self._state_word()}, record in {self.directory}>"

    def _repr_html_(self) -> str:
        return html_table(
            [
                ("protocol", self._recorder.header.protocol_name),
                ("state", self._state_word()),
                ("record", str(self.directory)),
            ]
        )

    def _state_word(self) -> str:
        return wire_name(self.state) if self.is_active else "ended"
