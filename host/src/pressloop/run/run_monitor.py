"""Follows a run to its end: records telemetry, notices prompts and the end, closes the record.

It reacts to the state in the newest record; it need not see the moment at which a state changes.
So nothing is missed after a lost link or a gap, and nothing is done twice. All of it runs in the
session's dispatcher thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from pressloop.analysis.force import force_kn
from pressloop.errors import BoardTimeoutError, LinkClosedError, PressloopError, RecordError
from pressloop.record import BoardStepResult, RunEnd, RunRecorder
from pressloop.record.header import step_result
from pressloop.run.commands import AT_REST, RunCommands
from pressloop.run.fault_injection import FaultInjection
from pressloop.run.pause_reason import PauseReason
from pressloop.run.prompts import PromptQueue
from pressloop.session.interrupted_run import ask_interrupted_run
from pressloop.session.listeners import Listener
from pressloop.session.session import Session
from pressloop.session.status import PressStatus, mpa_of, opening_percent
from pressloop.session.telemetry import TelemetryBatch
from pressloop.session.telemetry_iterator import TelemetryIterator
from pressloop.wire.names import wire_name
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
"""End reason of a run whose board restarted without having lost its power, or for a reason that it
does not know."""

POWER_LOST: Final = "power-lost"
"""End reason of a run that a loss of power cut off, as the board's journal says."""

NOT_STARTED: Final = "not-started"
"""End reason of a run that the board refused to start or did not start."""

_MIN_STATUS_INTERVAL_S: Final = 0.1
"""Minimum time between two status callbacks: a person cannot read faster."""

_MAX_UNSEEN_TICKS: Final = TICK_HZ
"""Ticks without a record after which the board is asked for its state: a plan may ask for records
10 s apart."""

_log = logging.getLogger(__name__)


class RunMonitor(Listener):
    """Follows one run in the dispatcher thread.

    Attributes:
        state: State of the press in the newest telemetry.
        reason: Why the run is paused, if it is.
        over: Set when nothing more is recorded, for any reason.
        ended: Whether the end of the run is in the record.
        failure: First exception of a callback or the recorder, because of which the run was
            aborted; None without one.
        abort_sent: Whether the abort because of `failure` reached the board.
        end: How the run ended; None if that is not known.
        lost: Why the link was lost while the run was going on; None if it was not lost.
    """

    def __init__(
        self,
        session: Session,
        recorder: RunRecorder,
        commands: RunCommands,
        prompts: PromptQueue,
        reason: PauseReason,
        on_status: Callable[[PressStatus], None] | None,
        injection: FaultInjection | None = None,
    ) -> None:
        """Prepare to follow a run that has not begun.

        `injection` has the faults of an emulated press in this run; None without any.
        """
        self._injection = injection
        self._session = session
        self._recorder = recorder
        self._commands = commands
        self._prompts = prompts
        self._on_status = on_status
        self.reason = reason
        self.state = State.RUNNING
        self.over = threading.Event()
        self.ended = False
        self.failure: BaseException | None = None
        self.abort_sent = False
        self.end: RunEnd | None = None
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
        """Follow the run from its first record."""
        self._run_first = run_first
        self._start_tick = start_tick
        self._session.listen(self)

    def poll_status(self) -> None:
        """Ask the board for its state and react to it, without waiting for telemetry."""
        status = self._session.status()
        self.state = status.state
        if status.tick <= self._start_tick + 1:
            return  # the board has not started the run yet
        if status.state in AT_REST:
            self._ending = status
            if self._first_at_rest is None:
                self._session.expect(status.next)
        elif status.state is State.PROMPTING and self._prompts.open_step != status.step:
            self._prompts.put(status)

    def readable(self, status: StatusReply) -> PressStatus:
        """Convert a status and add what is known here: stage, time, force, reason of a pause."""
        header = self._recorder.header
        stage = header.stage_of_step(status.step)
        paused = status.state is State.PAUSED
        return PressStatus.from_wire(
            status,
            stage_name=None if stage is None else stage.name,
            elapsed_s=max(0, status.tick - self._start_tick) / TICK_HZ,
            force_kn=force_kn(status.pressure_kpa / 1000, header.die_mm),
            paused_by=self.reason.by if paused else "",
            silent_s=self.reason.silent_s if paused else None,
        )

    def end_with_run(self, iterator: TelemetryIterator) -> None:
        """End an iterator when the run is over."""
        self._iterators.append(iterator)
        if self.over.is_set():
            iterator.end()

    def fail(self, error: BaseException) -> None:
        """Abort the run because of an exception on the host; only the first one counts."""
        if self.failure is None:
            said = error.message if isinstance(error, PressloopError) else repr(error)
            _log.error("aborting the run: %s", said)
            self.failure = error
            self._abort_for_failure()

    def detach(self) -> None:
        """Close the record without an end: the run continues without this program."""
        if not self.over.is_set():
            try:
                self._recorder.close()
            finally:  # a disk error must not leave other threads waiting
                self._leave()

    # --- calls of the session

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        """Record a batch, then react to it."""
        mine = batch.without(max(0, self._run_first - batch.first))
        newest = mine.newest
        if newest is not None:
            self._record(mine)
            if self._injection is not None:
                self._injection.act((newest.tick - self._start_tick) / TICK_HZ)
            self._note_at_rest(mine)
            self.reason.look(mine)
            if newest.tick > self._newest_tick:
                self._newest_tick = newest.tick
                if self.state is State.PAUSED and newest.state is not State.PAUSED:
                    self.reason.end(newest.tick)
                self.state = newest.state
                self._note_host_loss(bool(newest.flags & FlagBits.HOST_LOST), newest.tick)
                self._react(newest.state, newest.step)
        elif batch.tick - max(self._newest_tick, self._start_tick) >= _MAX_UNSEEN_TICKS:
            self._newest_tick = batch.tick
            self.poll_status()
        self._report_status()

    def on_settled(self) -> None:
        """Close the record when the end is known and no record is missing."""
        self.reason.settle()
        if self._abort_due:
            self._abort_due = False
            self._abort_for_failure()
        if self._ending is not None:
            self._finish(self._ending)

    def on_lost_records(self, lost: range) -> None:
        """Record which telemetry is lost for good."""
        if lost.stop > self._run_first:
            first = max(lost.start, self._run_first)
            self._recorder.event("note", text="telemetry lost", first=first, last=lost.stop - 1)

    def on_reconnect(self, restarted: bool) -> None:
        """Record that the link was lost; end the record if the board restarted."""
        if not restarted:
            self._recorder.event("note", text="the link was lost and is back")
            return
        hello = self._session.hello
        held = self._recorder.held
        cut = ask_interrupted_run(self._session)
        if cut is not None and cut.run_id.hex() != self._recorder.header.run_id:
            cut = None
        note = f"the controller restarted ({wire_name(hello.reset_cause)}) during the run"
        if cut is not None:
            note += f"; its journal says: {cut.description}"
        self._close_record(
            RunEnd(
                end_reason=POWER_LOST if cut is not None and cut.power_lost else BOARD_RESET,
                fault=None if hello.last_fault is Fault.NONE else wire_name(hello.last_fault),
                last_seq=held[-1][1] if held else None,
                note=note,
            )
        )

    def on_closed(self, error: PressloopError | None) -> None:
        """Close the record without an end: the run may continue on the board."""
        if not self.over.is_set():
            self.lost = error or LinkClosedError(
                "the press was closed during the run", hint="open the press again"
            )
            try:
                self.detach()
            except Exception as error:
                self.failure = self.failure or error

    def on_error(self, error: BaseException) -> None:
        """Abort the run when a callback or the recorder raised an exception."""
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
        """Record a batch; a disk error aborts the run, which is then still followed."""
        try:
            self._recorder.telemetry(batch.first, batch.data, batch.source)
        except Exception as error:
            self.fail(error)

    def _note_at_rest(self, batch: TelemetryBatch) -> None:
        """Remember the last record of the run: the first one at rest."""
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
        if now_s - self._status_at_s >= _MIN_STATUS_INTERVAL_S:
            self._status_at_s = now_s
            status = self.readable(self._session.status())
            try:
                self._on_status(status)
            except BaseException as error:
                if not _is_output_error(error):
                    raise
                _log.warning("the status is not shown any more: %r", error)
                self._on_status = None

    def _abort_for_failure(self) -> None:
        """Abort the run; if the link is lost, abort when it is back."""
        try:
            self._commands.abort("failure of the host's software")
            self.abort_sent = True
        except (LinkClosedError, BoardTimeoutError):
            self._abort_due = True
        except RecordError as error:  # it was sent before
            self.abort_sent = True
            _log.info("the abort could not be recorded: %s", error.message)
        except Exception:
            _log.exception("the abort failed")
        self._prompts.release()

    # --- the end

    def _finish(self, status: StatusReply) -> None:
        """Record how the run ended, as the board reports it."""
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
                largest_difference_mpa=mpa_of(status.largest_difference_kpa),
                zero_correction_mpa=mpa_of(status.zero_correction_kpa),
                release_dead_band_percent=opening_percent(status.release_dead_band),
                pump_dead_band_percent=opening_percent(status.pump_dead_band),
            )
        )

    def _step_results(self) -> tuple[BoardStepResult, ...]:
        return tuple(
            step_result(step.index, self._session.request(StepResultRequest(step.index)))
            for step in self._recorder.header.steps
        )

    def _close_record(self, end: RunEnd) -> None:
        """Write the end of the record; a disk error must not leave other threads waiting."""
        if self._injection is not None:
            end = end.model_copy(update={"injected": self._injection.injected()})
        self.end = end
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


def _is_output_error(error: BaseException) -> bool:
    """Whether a callback could only not write its output, which is no reason to end a run.

    Rich raises SystemExit when the reader of a pipe has gone.
    """
    return isinstance(error, OSError) or (
        isinstance(error, SystemExit) and isinstance(error.__context__, OSError)
    )
