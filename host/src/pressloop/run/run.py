"""The run in progress as a script or a notebook uses it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from pressloop.arguments import real_number, shown_value
from pressloop.errors import BoardTimeoutError, LinkClosedError, PressloopError, RecordError
from pressloop.extras import DataFrame
from pressloop.number_types import text_of
from pressloop.record import RunRecorder
from pressloop.run.commands import RunCommands
from pressloop.run.fault_injection import FaultInjection
from pressloop.run.pause_reason import PauseReason
from pressloop.run.prompts import WAIT_SLICE_S, Asker, PromptQueue
from pressloop.run.result import RunResult, frame_of, html_table
from pressloop.run.run_monitor import RunMonitor
from pressloop.session.session import Session
from pressloop.session.status import PressStatus
from pressloop.session.telemetry import TelemetryBatch
from pressloop.session.telemetry_iterator import TelemetryIterator
from pressloop.wire.names import wire_name
from pressloop.wire.schema import State

MAX_VENT_S: Final = 120.0
"""Maximum wait for a controlled release; after that the release valve is opened fully."""

_log = logging.getLogger(__name__)


_MAX_NAME: Final = 200


def _name(by: object) -> str:
    """Return any value as text for the record: an abort must not fail for a wrong name."""
    return text_of(by)[:_MAX_NAME] if isinstance(by, str) else shown_value(by)


class Run:
    """A run on a press. Get one from `Press.start` or `Press.attach`.

    All methods can be called from any thread, callbacks included.

    Raises:
        LinkClosedError, BoardTimeoutError: From `status` and from every method that steers: the
            link was lost for good, or there was no reply.
        CommandRefusedError: From the methods that steer: the board refused the command. Each
            lists its codes; all but `abort` can also raise `faulted` and `bad-state`.
    """

    def __init__(
        self,
        session: Session,
        recorder: RunRecorder,
        *,
        ask: Asker | None,
        on_status: Callable[[PressStatus], None] | None,
        reason: PauseReason,
        injection: FaultInjection | None = None,
    ) -> None:
        """Use `Press.start` or `Press.attach`."""
        self._session = session
        self.recorder = recorder
        self._ask = ask
        self._commands = RunCommands(session, recorder, reason)
        self._prompts = PromptQueue(session, recorder, self._commands)
        self.monitor = RunMonitor(
            session, recorder, self._commands, self._prompts, reason, on_status, injection
        )
        # For the first loop over the telemetry, which may begin late.
        self._first_iterator: TelemetryIterator | None = None
        self._iterator_lock = threading.Lock()
        self._run_first = 0
        self._detached = False
        self._result_lock = threading.Lock()
        self._result: RunResult | None = None

    def begin(self, run_first: int, start_tick: int) -> None:
        """Follow the run from its first record. For `Press`, in the dispatcher thread."""
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
        """Id of this run on the board, 8 bytes."""
        return bytes.fromhex(self.recorder.header.run_id)

    @property
    def directory(self) -> Path:
        """Folder of the record."""
        return self.recorder.directory

    @property
    def state(self) -> State:
        """State of the press in the newest telemetry."""
        return self.monitor.state

    @property
    def is_active(self) -> bool:
        """Whether this program still follows the run: it has not ended, and was not detached."""
        return not self.monitor.over.is_set()

    @property
    def has_ended(self) -> bool:
        """Whether the end of the run is in the record."""
        return self.monitor.ended

    @property
    def detached(self) -> bool:
        """Whether `detach` was called."""
        return self._detached

    def status(self) -> PressStatus:
        """Ask the board for the state of the press."""
        return self.monitor.readable(self._session.status())

    def telemetry(self) -> Iterator[TelemetryBatch]:
        """Iterate over batches of records until the run ends.

        The first loop begins with the first record of the run (after `Press.attach`: the first one
        since), even if the loop begins late; only the newest 3000 batches (ten minutes of a real
        press) are kept for it. A later loop begins with the next record.

        An emulated board waits for a quick loop body, so that its reactions fall on the same tick
        in every run.
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
        """Return the telemetry recorded so far as a data frame, whose column names have units.

        It has one row per record, by default 100 a second. docs/run-record.md lists the columns.

        Raises:
            PressloopError: `missing-extra`, if the packages for it are not installed.
        """
        return frame_of(self.directory)

    # --- steering

    # `by` says in the record who or what gave the command.

    def pause(self, by: str = "script") -> None:
        """Freeze setpoint and timers; the pressure is still controlled."""
        self._commands.pause(_name(by))

    def resume(self, by: str = "script") -> None:
        """Continue after a pause or a host loss. Refused with `guard-open`, `emergency-stop`."""
        self._commands.resume(_name(by))

    def confirm(self, step: int | None = None, by: str = "script") -> None:
        """Confirm the open prompt, or the prompt at `step`.

        Refused with `wrong-prompt`, `guard-open`, `emergency-stop`.
        """
        self._commands.confirm(step, _name(by))
        self._prompts.release()

    def advance(self, step: int | None = None, by: str = "script") -> None:
        """End the hold or rest in progress, or at `step`, also an open hold, and continue."""
        self._commands.advance(step, _name(by))

    def abort(self, by: str = "script") -> None:
        """End the run: release at the protocol's vent rate. No effect on a run that is ending."""
        self._commands.abort(_name(by))
        self._prompts.release()

    def dump(self, by: str = "script") -> None:
        """Open the release valve fully, if a release takes too long; this may crack the pellet."""
        self._commands.dump(_name(by))
        self._prompts.release()

    def detach(self) -> None:
        """Leave the run to the board; `Press.attach` follows it again."""
        self._detached = True
        self._session.in_order(self.monitor.detach)

    def answer_prompts(self, ask: Asker) -> None:
        """Ask the operator at each prompt, in this thread, until the run has ended."""
        self._skip_telemetry()
        self._prompts.answer(ask)

    # --- the end

    def wait(self, limit_s: float | None = None) -> bool:
        """Wait until the run has ended.

        Returns:
            False when it has not ended within the limit.
        """
        self._skip_telemetry()
        deadline_s = float("inf")
        if limit_s is not None:
            deadline_s = time.monotonic() + real_number(limit_s, "limit_s")
        while True:
            slice_s = min(WAIT_SLICE_S, deadline_s - time.monotonic())
            if self.monitor.over.wait(max(0.0, slice_s)):
                return True
            if slice_s <= 0:
                return False

    def result(self, limit_s: float | None = None) -> RunResult:
        """Wait for the end, complete the record and return the result.

        Raises:
            LinkClosedError: The link was lost for good; the hint says how to attach again.
            RecordError: `record-write`: the disk refused the record, and the run was aborted.
            BoardTimeoutError: The run has not ended within the limit.
            PressloopError: `missing-extra`, if the packages to complete the record are missing.
            Exception: What a callback raised; the run was aborted because of it.
        """
        if not self.wait(limit_s):
            raise BoardTimeoutError(
                f"the run has not ended within {limit_s:g} s",
                hint="it continues: wait longer, or call abort()",
                code="run-goes-on",
            )
        failure, lost = self.monitor.failure, self.monitor.lost
        unwritten = isinstance(failure, RecordError) and failure.code == "record-write"
        if lost is not None and not unwritten:
            raise self._attachable(lost)
        if failure is None:
            return self._finalised()
        # Complete the record as well as possible, but raise only the first error.
        with suppress(Exception):
            self._finalised()
        raise self._unwritten(failure) if isinstance(failure, RecordError) else failure

    def abort_and_wait(self, by: str, limit_s: float = MAX_VENT_S) -> bool:
        """Abort and wait until the press is at rest; open the valve fully if it takes too long.

        Returns:
            Whether the press is at rest.
        """
        try:
            self.abort(by)
            if self.wait(limit_s):
                return True
        except KeyboardInterrupt:
            # A second Ctrl-C means the operator wants pressure off now: open the valve fully.
            self.dump(by)
            self.wait(limit_s)
            raise
        _log.warning("the release took longer than %g s: opening the valve fully", limit_s)
        self.dump(by)
        return self.wait(limit_s)

    def abort_and_finish(self, by: str) -> None:
        """Abort the run if it is active, and complete its record if it has ended.

        Raises:
            PressloopError: `not-at-rest`, if the press could not be brought to rest.
        """
        if self.is_active and not self.abort_and_wait(by):
            raise PressloopError(
                f"the press is not at rest {2 * MAX_VENT_S:g} s after the abort",
                hint="look at the gauge; use the emergency stop, or release by hand",
                code="not-at-rest",
            )
        if self.has_ended:
            # Errors of the run are raised by `result`; here only the record matters.
            with suppress(Exception):
                self._finalised()

    def _skip_telemetry(self) -> None:
        """Do not let the press wait for a loop over the telemetry: this thread runs none."""
        iterator = self._first_iterator
        if iterator is not None:
            iterator.skip()

    def _answer_in_background(self, ask: Asker) -> None:
        try:
            self._prompts.answer(ask)
        except BaseException as error:  # SystemExit would end only this thread, not the run
            self.monitor.fail(error)

    def _finalised(self) -> RunResult:
        # Needs numpy and pyarrow, which are optional.
        from pressloop.evaluation import finalise

        with self._result_lock:
            if self._result is None:
                self.recorder.fetch_truth()
                self._result = RunResult(self.directory, finalise(self.directory))
            return self._result

    def _unwritten(self, failure: RecordError) -> RecordError:
        """Say what became of a run whose record the disk refused; other errors stay as they are."""
        if failure.code != "record-write":
            return failure
        cause = failure.__cause__
        reason = (cause.strerror if isinstance(cause, OSError) else None) or failure.message
        said = f"the record could not be written ({reason})"
        end, lost = self.monitor.end, self.monitor.lost
        hint = "free some space or check the disk"
        if end is not None and end.end_reason != "aborted":
            said += f"; the run itself ended with: {end.end_reason}"
        elif self.monitor.abort_sent:
            said += ", so the run was aborted"
        if lost is not None:
            said += "; the link to the board is lost"
            hint += "; look at the gauge before you open the press again"
        error = RecordError(said, hint=hint, code=failure.code)
        error.__cause__ = failure
        return error

    def _attachable(self, cause: PressloopError) -> LinkClosedError:
        console = cause.console if isinstance(cause, LinkClosedError) else ()
        declared = self.recorder.header.host_loss
        return LinkClosedError(
            f"the run continues without this program: {cause.message}"
            + ("" if declared is None else f"; if no host comes back, {declared}"),
            hint=f"follow the run again with: pressloop attach {self.directory}",
            console=console,
            record_dir=self.directory,
            code=cause.code,
        )

    def __repr__(self) -> str:
        """Return state and record in one line."""
        return f"<Run {self.run_id.hex()} {self._state_word()}, record in {self.directory}>"

    def _repr_html_(self) -> str:
        return html_table(
            [
                ("protocol", self.recorder.header.protocol_name),
                ("state", self._state_word()),
                ("record", str(self.directory)),
            ]
        )

    def _state_word(self) -> str:
        return wire_name(self.state) if self.is_active else "ended"
