"""Follows a run to its end: records, notices prompts and the end, closes the record.

Everything that reacts to telemetry does so from what the newest record says, not from having seen
a change: after a lost link or a hole nothing is missed, and nothing is done twice. All of it runs
in the session's dispatcher thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from pressloop.errors import BoardTimeoutError, LinkClosedError, PressloopError
from pressloop.record import BoardStepResult, RunEnd, RunRecorder
from pressloop.record.columns import wire_name
from pressloop.record.header import step_result
from pressloop.run.commands import AT_REST, RunCommands
from pressloop.run.prompts import PromptQueue
from pressloop.session.listeners import Listener
from pressloop.session.session import Session
from pressloop.session.status import PressStatus
from pressloop.session.telemetry import TelemetryBatch
from pressloop.session.telemetry_iterator import TelemetryIterator
from pressloop.wire.schema import (
    TICK_HZ,
    EndReason,
    Fault,
    FlagBits,
    State,
    StatusReply,
    StepResultRequest,
)

BOARD_RESET: Final = "board-reset"
"""End reason of a run whose board restarted: the board itself cannot tell how it ended."""

NOT_STARTED: Final = "not-started"
"""End reason of a record whose start the board refused or did not carry out."""

_STATUS_INTERVAL_S: Final = 0.1
"""Least time between two status callbacks: what a person can read."""

_UNSEEN_TICKS: Final = TICK_HZ
"""Device time without a record after which the state is asked for. Records can be 10 s apart."""

_log = logging.getLogger(__name__)


class RunMonitor(Listener):
    """The run as the dispatcher thread sees it.

    Attributes:
        state: What the newest telemetry says the press is doing.
        over: Set when nothing more is recorded, whatever the reason.
        ended: Whether the end of the run is in the record.
        failure: What a callback or the recorder raised first; the run was aborted for it.
        lost: Why the session ended before the run did.
    """

    def __init__(
        self,
        session: Session,
        recorder: RunRecorder,
        commands: RunCommands,
        prompts: PromptQueue,
        on_status: Callable[[PressStatus], None] | None,
    ) -> None:
        """Know of a run that has not begun."""
        self._session = session
        self._recorder = recorder
        self._commands = commands
        self._prompts = prompts
        self._on_status = on_status
        self.state = State.RUNNING
        self.over = threading.Event()
        self.ended = False
        self.failure: BaseException | None = None
        self.lost: PressloopError | None = None
        self._iterators: list[TelemetryIterator] = []
        self._run_first = 0
        self._start_tick = 0
        self._newest_tick = -1
        self._host_lost = False
        self._status_at_s = 0.0
        self._abort_due = False
        self._first_at_rest: int | None = None
        self._ending: StatusReply | None = None

    def begin(self, run_first: int, start_tick: int) -> None:
        """Follow the run from its first record on."""
        self._run_first = run_first
        self._start_tick = start_tick
        self._session.listen(self)

    def poll_status(self) -> None:
        """React to what the board is doing, without waiting for telemetry."""
        status = self._session.status()
        self.state = status.state
        if status.tick <= self._start_tick + 1:
            return  # the board has not got round to starting
        if status.state in AT_REST:
            self._ending = status
            if self._first_at_rest is None:
                self._session.expect(status.next)
        elif status.state is State.PROMPTING and self._prompts.open_step != status.step:
            self._prompts.put(status)

    def readable(self, status: StatusReply) -> PressStatus:
        """Return a status with what is known of the run."""
        stage = self._recorder.header.stage_of_step(status.step)
        return PressStatus.from_wire(
            status,
            stage_name=None if stage is None else stage.name,
            elapsed_s=max(0, status.tick - self._start_tick) / TICK_HZ,
        )

    def end_with_run(self, iterator: TelemetryIterator) -> None:
        """End a iterator when the run is over."""
        self._iterators.append(iterator)
        if self.over.is_set():
            iterator.end()

    def fail(self, error: BaseException) -> None:
        """Abort the press for the first failure of the host's side."""
        if self.failure is None:
            _log.error("aborting the run: %r", error)
            self.failure = error
            self._abort_for_failure()

    def detach(self) -> None:
        """Leave the record open-ended: the run goes on without this program."""
        if not self.over.is_set():
            self._recorder.close()
            self._leave()

    # --- told by the session

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        """Record first, then react."""
        mine = batch.without(max(0, self._run_first - batch.first))
        newest = mine.newest
        if newest is not None:
            self._record(mine)
            self._note_rest(mine)
            if newest.tick > self._newest_tick:
                self._newest_tick = newest.tick
                self.state = newest.state
                self._note_host_loss(bool(newest.flags & FlagBits.HOST_LOST), newest.tick)
                self._react(newest.state, newest.step)
        elif batch.tick - max(self._newest_tick, self._start_tick) >= _UNSEEN_TICKS:
            self._newest_tick = batch.tick
            self.poll_status()
        self._report_status()

    def on_settled(self) -> None:
        """Close the books once the end is known and nothing is missing any more."""
        if self._abort_due:
            self._abort_due = False
            self._abort_for_failure()
        if self._ending is not None:
            self._finish(self._ending)

    def on_lost_records(self, lost: range) -> None:
        """Note a gap that nobody can fill."""
        if lost.stop > self._run_first:
            first = max(lost.start, self._run_first)
            self._recorder.event("note", text="telemetry lost", first=first, last=lost.stop - 1)

    def on_reconnect(self, restarted: bool) -> None:
        """Note that the link was away; a board that restarted has no run any more."""
        if not restarted:
            self._recorder.event("note", text="the link was lost and is back")
            return
        hello = self._session.hello
        held = self._recorder.held
        self._close_record(
            RunEnd(
                end_reason=BOARD_RESET,
                fault=None if hello.last_fault is Fault.NONE else wire_name(hello.last_fault),
                last_seq=held[-1][1] if held else None,
                note=f"the controller restarted ({wire_name(hello.reset_cause)}) during the run",
            )
        )

    def on_closed(self, error: PressloopError | None) -> None:
        """Leave the record open-ended: the run may well go on."""
        if not self.over.is_set():
            self.lost = error or LinkClosedError(
                "the press was closed during the run", hint="open the press again"
            )
            self.detach()

    def on_error(self, error: Exception) -> None:
        """Abort the press when a callback or the recorder failed."""
        self.fail(error)

    # --- reactions

    def _react(self, state: State, step: int) -> None:
        if self._ending is not None:
            return
        if self._prompts.open_step is not None and self._prompts.open_step != step:
            self._prompts.withdraw()
        asks = state is State.PROMPTING and self._prompts.open_step != step
        if asks or state in AT_REST:
            self.poll_status()

    def _record(self, batch: TelemetryBatch) -> None:
        """Record a batch; a disk that refuses ends the run, not the following of it."""
        try:
            self._recorder.telemetry(batch.first, batch.data, batch.source)
        except Exception as error:
            self.fail(error)

    def _note_rest(self, batch: TelemetryBatch) -> None:
        """Remember the run's last record: the first one at rest."""
        newest = batch.newest
        if newest is None or newest.state not in AT_REST:
            return
        for number, record in enumerate(batch, batch.first):
            if record.state in AT_REST and record.tick > self._start_tick + 1:
                if self._first_at_rest is None or number < self._first_at_rest:
                    self._first_at_rest = number
                return

    def _note_host_loss(self, lost: bool, tick: int) -> None:
        if lost and not self._host_lost:
            self._recorder.event("host-lost", tick=tick)
        self._host_lost = lost

    def _report_status(self) -> None:
        if self._on_status is None or self.over.is_set():
            return
        now_s = time.monotonic()
        if now_s - self._status_at_s >= _STATUS_INTERVAL_S:
            self._status_at_s = now_s
            self._on_status(self.readable(self._session.status()))

    def _abort_for_failure(self) -> None:
        """Abort; on a link that is down, when it is back."""
        try:
            self._commands.abort("failure of the host's software")
        except (LinkClosedError, BoardTimeoutError):
            self._abort_due = True
        except Exception:
            _log.exception("the abort could not be recorded")
        self._prompts.release()

    # --- the end

    def _finish(self, status: StatusReply) -> None:
        """Record how the run ended by the board's account."""
        fault = status.state is State.FAULT
        end_reason = EndReason.FAULT if fault else status.end_reason
        last = self._first_at_rest
        self._close_record(
            RunEnd(
                end_reason=NOT_STARTED if end_reason is EndReason.NONE else wire_name(end_reason),
                fault=wire_name(status.fault) if fault else None,
                last_seq=status.next - 1 if last is None else last,
                step_results=self._step_results(),
                note="" if self.failure is None else f"aborted because of {self.failure!r}",
            )
        )

    def _step_results(self) -> tuple[BoardStepResult, ...]:
        return tuple(
            step_result(step.index, self._session.request(StepResultRequest(step.index)))
            for step in self._recorder.header.steps
        )

    def _close_record(self, end: RunEnd) -> None:
        """Write the end; a disk that refuses must not keep anybody waiting."""
        try:
            if end.fault is not None:
                self._recorder.event("fault", fault=end.fault)
            self._recorder.close(end)
        except Exception as error:
            self.failure = self.failure or error
        self.ended = True
        self._leave()

    def _leave(self) -> None:
        self._session.unlisten(self)
        self.over.set()
        self._prompts.close()
        for iterator in self._iterators:
            iterator.end()
