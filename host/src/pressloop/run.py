"""A run in progress: recorded, followed to its end, steered.

Everything that reacts to telemetry does so from what the newest record says, not from having seen
a change: after a lost link or a hole nothing is missed, and nothing is done twice.
"""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pressloop.errors import (
    BoardTimeoutError,
    CommandRefusedError,
    LinkClosedError,
    PressloopError,
    RunFailedError,
)
from pressloop.feed import TelemetryFeed
from pressloop.heartbeat import Hold
from pressloop.prompts import Asker, OpenPrompt
from pressloop.record import RunEnd, RunRecorder, RunSummary
from pressloop.record.from_wire import step_result
from pressloop.record.layout import wire_name
from pressloop.session import Listener, Session
from pressloop.status import PressStatus
from pressloop.telemetry import TelemetryBatch
from pressloop.wire.schema import (
    TICK_HZ,
    AbortRequest,
    AdvanceRequest,
    ConfirmRequest,
    EndReason,
    Fault,
    FlagBits,
    PauseRequest,
    ResumeRequest,
    State,
    StatusReply,
    StepResultRequest,
)

if TYPE_CHECKING:
    import pandas as pd

    from pressloop.record import BoardStepResult

BOARD_RESET: Final = "board-reset"
"""End reason of a run whose board restarted: the board itself cannot tell how it ended."""

NOT_STARTED: Final = "not-started"
"""End reason of a record whose start the board refused."""

VENT_LIMIT_S: Final = 120.0
"""Longest wait for a controlled release; after that the release valve is opened fully."""

_STATUS_INTERVAL_S: Final = 0.1
"""Least time between two status callbacks: what a person can read."""

_UNSEEN_TICKS: Final = TICK_HZ
"""Device time without a record after which the state is asked for. Records can be 10 s apart."""

_GUARD_RETRY_S: Final = 0.5
_AT_REST: Final = (State.IDLE, State.FAULT)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """A run that has ended and the record of it."""

    directory: Path
    summary: RunSummary

    @property
    def end_reason(self) -> str:
        """`completed` only when the board said so and nothing in the record contradicts."""
        return self.summary.end_reason

    @property
    def completed(self) -> bool:
        """Whether every step was done."""
        return self.end_reason == "completed"

    def frame(self) -> pd.DataFrame:
        """Return the telemetry as a data frame; columns carry their units."""
        from pressloop.record import RunRecord

        return RunRecord.open(self.directory).frame()

    def check(self) -> RunResult:
        """Return this result if the run completed.

        Raises:
            RunFailedError: It ended for another reason.
        """
        if not self.completed:
            fault = f" ({self.summary.fault})" if self.summary.fault else ""
            raise RunFailedError(
                f"the run ended: {self.end_reason}{fault}",
                hint=f"its record in {self.directory} says what led to it",
                end_reason=self.end_reason,
                record_dir=self.directory,
            )
        return self

    def _repr_html_(self) -> str:
        rows = [("end", self.end_reason), ("record", str(self.directory))]
        if self.summary.simulated:
            rows.append(("simulated", "yes, no real press"))
        for stage in self.summary.stages:
            peak = "-" if stage.peak_mpa is None else f"peak {stage.peak_mpa:.1f} MPa"
            rows.append((f"{stage.name} ({stage.target_mpa:g} MPa)", f"{stage.outcome}, {peak}"))
        return html_table(rows)


class Run(Listener):
    """A run on a press. Get one from `Press.start` or `Press.attach`.

    All methods can be called from any thread, callbacks included.
    """

    def __init__(
        self,
        session: Session,
        recorder: RunRecorder,
        *,
        ask: Asker | None,
        on_status: Callable[[PressStatus], None] | None,
        truth: Path | None,
    ) -> None:
        """Use `Press.start` or `Press.attach`."""
        self._session = session
        self._recorder = recorder
        self._ask = ask
        self._on_status = on_status
        self._truth = truth
        self.run_id = bytes.fromhex(recorder.header.run_id)
        self._run_first = 0
        self._start_tick = 0
        self._newest_tick = -1
        self._state = State.RUNNING
        self._host_lost = False
        self._status_at_s = 0.0
        self._prompts: queue.SimpleQueue[OpenPrompt | None] = queue.SimpleQueue()
        self._open_prompt: int | None = None
        self._prompt_hold: Hold | None = None
        self._abort_due = False
        self._first_at_rest: int | None = None
        self._ending: StatusReply | None = None
        self._feeds: list[TelemetryFeed] = []
        self._over = threading.Event()
        self._ended = False
        self._detached = False
        self._failure: BaseException | None = None
        self._lost: PressloopError | None = None
        self._result_lock = threading.Lock()
        self._result: RunResult | None = None

    # --- looking

    @property
    def directory(self) -> Path:
        """Where the record is."""
        return self._recorder.directory

    @property
    def state(self) -> State:
        """What the newest telemetry says the press is doing."""
        return self._state

    @property
    def is_active(self) -> bool:
        """Whether the run has not ended yet, as far as this program follows it."""
        return not self._over.is_set()

    @property
    def has_ended(self) -> bool:
        """Whether the end of the run is in the record."""
        return self._ended

    @property
    def detached(self) -> bool:
        """Whether the run was left to itself on purpose."""
        return self._detached

    def status(self) -> PressStatus:
        """Ask the board what it is doing."""
        return self._readable(self._session.status())

    def telemetry(self) -> Iterator[TelemetryBatch]:
        """Iterate over batches of records from now on until the run ends.

        An emulated board waits for a quick loop body, so what the body does in reaction lands on
        the same tick in every run.
        """
        with TelemetryFeed(self._session) as feed:
            self._feeds.append(feed)
            if self._over.is_set():
                feed.end()
            yield from feed

    def frame(self) -> pd.DataFrame:
        """Return what is recorded so far as a data frame; columns carry their units."""
        from pressloop.record import RunRecord

        return RunRecord.open(self.directory).frame()

    # --- steering

    def pause(self) -> None:
        """Freeze setpoint and clocks; the pressure stays regulated."""
        self._session.request(PauseRequest())
        self._recorder.event("pause")

    def resume(self) -> None:
        """Go on after a pause or a host loss."""
        self._session.request(ResumeRequest())
        self._recorder.event("resume")

    def confirm(self, step: int | None = None) -> None:
        """Answer the open prompt, or the prompt at this step."""
        step = self._session.status().step if step is None else step
        self._session.request(ConfirmRequest(step))
        self._recorder.event("prompt-answered", step=step, answer="confirmed")
        self._release_prompt()

    def advance(self, step: int | None = None) -> None:
        """End the hold in progress, or the hold at this step, and go on; ends an open hold."""
        step = self._session.status().step if step is None else step
        self._session.request(AdvanceRequest(step))
        self._recorder.event("advance", step=step)

    def abort(self, by: str = "script") -> None:
        """End the run: release at the protocol's vent rate. Harmless when it is ending anyway."""
        status = self._session.status()
        if status.run_id != self.run_id or status.state in (*_AT_REST, State.VENTING):
            return
        with suppress(CommandRefusedError):  # it ended between the two requests
            self._session.request(AbortRequest())
            self._recorder.event("abort", tick=status.tick, by=by)
        self._release_prompt()

    def dump(self, by: str = "script") -> None:
        """Open the release valve fully. A pellet may crack: for when a release takes too long."""
        self.abort(by)
        with suppress(CommandRefusedError):
            self._session.request(AbortRequest())
            self._recorder.event("abort", by=by, release="fully open")

    def detach(self) -> None:
        """Let the run go on without this program; `Press.attach` finds it again."""
        self._detached = True
        self._session.in_order(self._let_go)

    # --- the end

    def wait(self, limit_s: float | None = None) -> bool:
        """Wait until the run has ended.

        Returns:
            False when it has not ended within the limit.
        """
        if self._over.wait(0):
            return True
        give_up_s = None if limit_s is None else time.monotonic() + limit_s
        # In slices, for Ctrl-C does not reach a thread that waits for ever on Windows.
        while not self._over.wait(0.2 if give_up_s is None else min(0.2, limit_s or 0.0)):
            if give_up_s is not None and time.monotonic() >= give_up_s:
                return False
        return True

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
        if self._lost is not None:
            raise self._attachable(self._lost)
        result = self._finalised()
        if self._failure is not None:
            raise self._failure
        return result

    def abort_and_wait(self, by: str, limit_s: float = VENT_LIMIT_S) -> bool:
        """Abort and see it through; opens the release valve fully if that takes too long.

        Returns:
            Whether the press came to rest.
        """
        try:
            self.abort(by)
            if self.wait(limit_s):
                return True
            _log.warning("the release took longer than %g s: opening the valve fully", limit_s)
            self.dump(by)
            return self.wait(limit_s)
        except KeyboardInterrupt:
            # Whoever is that impatient wants the pressure off.
            self.dump(by)
            self.wait(limit_s)
            raise

    def answer_prompts(self, ask: Asker) -> None:
        """Put the board's questions to the operator in this thread, until the run has ended."""
        while True:
            try:
                asked = self._prompts.get(timeout=0.2)
            except queue.Empty:
                continue
            if asked is None:
                return
            self._answer(asked, ask)

    # --- told by the session, in its dispatcher thread

    def begin(self, run_first: int, start_tick: int) -> None:
        """Follow the run from its first record on."""
        self._run_first = run_first
        self._start_tick = start_tick
        self._session.listen(self)
        if self._ask is not None:
            threading.Thread(
                target=self._answer_in_background,
                args=(self._ask,),
                name=f"pressloop prompts {self._session.url}",
                daemon=True,
            ).start()

    def look(self) -> None:
        """React to what the board is doing now, without waiting for telemetry."""
        self._react_to_status()

    def on_telemetry(self, batch: TelemetryBatch) -> None:
        """Record first, then react."""
        skip = max(0, self._run_first - batch.first)
        if skip < len(batch):
            mine = batch.without(skip)
            self._recorder.telemetry(mine.first, mine.data, mine.source)
            self._note_rest(mine)
            newest = mine.newest
            assert newest is not None
            if newest.tick > self._newest_tick:
                self._newest_tick = newest.tick
                self._state = newest.state
                self._note_host_loss(bool(newest.flags & FlagBits.HOST_LOST), newest.tick)
                self._react(newest.state, newest.step)
        elif batch.tick - max(self._newest_tick, self._start_tick) >= _UNSEEN_TICKS:
            self._newest_tick = batch.tick
            self._react_to_status()
        self._report_status()

    def on_settled(self) -> None:
        """Close the books once the end is known and nothing is missing any more."""
        if self._abort_due:
            self._abort_due = False
            self._abort_after_failure()
        if self._ending is not None:
            self._finish(self._ending)

    def on_lost_records(self, lost: range) -> None:
        """Note a gap that nobody can fill."""
        if lost.stop > self._run_first:
            first = max(lost.start, self._run_first)
            self._recorder.event("note", text="telemetry lost", first=first, last=lost.stop - 1)

    def on_relink(self, restarted: bool) -> None:
        """Record that the link was away; a board that restarted has no run any more."""
        if not restarted:
            self._recorder.event("note", text="the link was lost and is back")
            return
        hello = self._session.hello
        fault = hello.last_fault
        self._close_record(
            RunEnd(
                end_reason=BOARD_RESET,
                fault=None if fault is Fault.NONE else wire_name(fault),
                last_seq=self._newest_held(),
                note=f"the controller restarted ({wire_name(hello.reset_cause)}) during the run",
            )
        )

    def on_closed(self, error: PressloopError | None) -> None:
        """Leave the record open-ended: the run may well go on."""
        if self._over.is_set():
            return
        self._lost = error or LinkClosedError(
            "the press was closed while the run went on", hint="", code="link-closed"
        )
        self._let_go()

    def on_error(self, error: Exception) -> None:
        """Abort the press when a callback or the recorder failed."""
        self._fail(error)

    # --- reactions

    def _react(self, state: State, step: int) -> None:
        if self._ending is not None:
            return
        if state is State.PROMPTING:
            if self._open_prompt != step:
                self._open(step)
        else:
            self._open_prompt = None
            self._release_prompt()
        if state in _AT_REST:
            self._react_to_status()

    def _react_to_status(self) -> None:
        """Find out about what telemetry does not say, or does not say for sure."""
        status = self._session.status()
        self._state = status.state
        if status.tick <= self._start_tick + 1:
            return  # the board has not got round to starting
        if status.state in _AT_REST:
            self._ending = status
            if self._first_at_rest is None:
                self._session.expect(status.next)
        elif status.state is State.PROMPTING:
            self._react(status.state, status.step)

    def _note_rest(self, batch: TelemetryBatch) -> None:
        """Remember the run's last record: the first one at rest."""
        newest = batch.newest
        if newest is None or newest.state not in _AT_REST:
            return
        for number, record in enumerate(batch, batch.first):
            if record.state in _AT_REST and record.tick > self._start_tick + 1:
                if self._first_at_rest is None or number < self._first_at_rest:
                    self._first_at_rest = number
                return

    def _note_host_loss(self, lost: bool, tick: int) -> None:
        if lost and not self._host_lost:
            self._recorder.event("host-lost", tick=tick)
        self._host_lost = lost

    def _report_status(self) -> None:
        if self._on_status is None or self._over.is_set():
            return
        now_s = time.monotonic()
        if now_s - self._status_at_s >= _STATUS_INTERVAL_S:
            self._status_at_s = now_s
            self._on_status(self.status())

    def _readable(self, status: StatusReply) -> PressStatus:
        stage = self._recorder.header.stage_of_step(status.step)
        return PressStatus.from_wire(
            status,
            stage_name=None if stage is None else stage.name,
            elapsed_s=max(0, status.tick - self._start_tick) / TICK_HZ,
        )

    # --- prompts

    def _open(self, step: int) -> None:
        """Have the operator asked; until there is an answer, hold the acknowledged clock."""
        status = self._session.status()
        if status.state is not State.PROMPTING or status.step != step:
            return
        self._recorder.event("prompt", tick=status.tick, step=step, text=status.prompt)
        self._release_prompt()
        self._prompt_hold = self._session.hold()
        self._open_prompt = step
        self._prompts.put(self._prompt(status))

    def _release_prompt(self) -> None:
        hold, self._prompt_hold = self._prompt_hold, None
        if hold is not None:
            self._session.release(hold)

    def _prompt(self, status: StatusReply) -> OpenPrompt:
        return OpenPrompt(
            step=status.step,
            text=status.prompt,
            stage=status.stage,
            remaining_s=status.remaining_ms / 1000,
            pressure_mpa=status.pressure_kpa / 1000,
            problem="",
            is_open=lambda: self._open_prompt == status.step and self.is_active,
        )

    def _answer(self, prompt: OpenPrompt, ask: Asker) -> None:
        """Ask until the answer is accepted or the question is no longer open."""
        while prompt.is_open():
            answer = ask(prompt)
            if answer is False:
                self._recorder.event("prompt-answered", step=prompt.step, answer="abort")
                self.abort("operator")
            if answer is not True:
                return
            refusal = self._try_to_confirm(prompt)
            if refusal is None or self._over.wait(_GUARD_RETRY_S):
                return
            prompt = replace(prompt, problem=refusal.message)

    def _try_to_confirm(self, prompt: OpenPrompt) -> CommandRefusedError | None:
        """Confirm, unless the question is no longer open; return what has to be put right."""
        try:
            self.confirm(prompt.step)
        except CommandRefusedError as refusal:
            if refusal.code in ("guard-open", "emergency-stop"):
                return refusal
            if refusal.code not in ("bad-state", "wrong-prompt"):
                raise
            self._recorder.event("note", text="answered too late", step=prompt.step)
        return None

    def _answer_in_background(self, ask: Asker) -> None:
        try:
            self.answer_prompts(ask)
        except Exception as error:
            self._fail(error)

    # --- failures

    def _fail(self, error: BaseException) -> None:
        """Remember the first failure of the host's side and abort the press for it."""
        _log.error("aborting the run: %r", error)
        if self._failure is None:
            self._failure = error
        self._abort_after_failure()

    def _abort_after_failure(self) -> None:
        """Abort; on a link that is down, when it is back."""
        try:
            self.abort("failure of the host's software")
        except (LinkClosedError, BoardTimeoutError):
            self._abort_due = True

    # --- closing

    def _finish(self, status: StatusReply) -> None:
        results = self._step_results()
        fault = status.state is State.FAULT
        end_reason = EndReason.FAULT if fault else status.end_reason
        last = self._first_at_rest
        self._close_record(
            RunEnd(
                end_reason=NOT_STARTED if end_reason is EndReason.NONE else wire_name(end_reason),
                fault=wire_name(status.fault) if fault else None,
                last_seq=status.next - 1 if last is None else last,
                step_results=results,
                note="" if self._failure is None else f"aborted because of {self._failure!r}",
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
            self._failure = self._failure or error
        self._ended = True
        self._leave()

    def _let_go(self) -> None:
        """Leave the record open-ended."""
        if not self._over.is_set():
            self._recorder.close()
            self._leave()

    def _leave(self) -> None:
        self._session.unlisten(self)
        self._over.set()
        self._prompts.put(None)
        for feed in self._feeds:
            feed.end()

    def _newest_held(self) -> int | None:
        held = self._recorder.held
        return held[-1][1] if held else None

    def _finalised(self) -> RunResult:
        from pressloop.record import finalise

        # Apart from the other, so that missing packages are named before this import fails.
        from pressloop.record.finaliser import TRUTH_NAME

        with self._result_lock:
            if self._result is None:
                if self._truth is not None and self._truth.exists():
                    shutil.copyfile(self._truth, self.directory / TRUTH_NAME)
                self._result = RunResult(self.directory, finalise(self.directory))
            return self._result

    def _attachable(self, cause: PressloopError) -> LinkClosedError:
        console = cause.console if isinstance(cause, LinkClosedError | BoardTimeoutError) else ()
        return LinkClosedError(
            f"the run goes on without this program: {cause.message}",
            hint=f"the record is readable as it is; go on with pressloop attach {self.directory}",
            console=console,
            record_dir=self.directory,
            code=cause.code,
        )

    def __repr__(self) -> str:
        """State and record in one line."""
        state = wire_name(self._state) if self.is_active else "ended"
        return f"<Run {self.run_id.hex()} {state}, record in {self.directory}>"

    def _repr_html_(self) -> str:
        state = wire_name(self._state) if self.is_active else "ended"
        header = self._recorder.header
        rows = [
            ("protocol", header.protocol_name),
            ("state", state),
            ("record", str(self.directory)),
        ]
        return html_table(rows)


def html_table(rows: list[tuple[str, str]]) -> str:
    """Return a small table for notebooks."""
    cells = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows)
    return f"<table>{cells}</table>"
