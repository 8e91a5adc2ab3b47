"""Owns the press for the page: opens it, follows it, starts runs, carries out commands.

One thread opens the press, asks it for its status five times a second and opens it again when it
was lost. Commands come from the threads of the requests. An abort waits for none of them.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from pressloop.errors import (
    CommandRefusedError,
    NoBoardError,
    PressloopError,
    RecordError,
)
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.record.header import board_identity
from pressloop.run.run import Run
from pressloop.run.steering import (
    SteeringCommand,
    SteeringOutcome,
    steer,
    steer_safely,
    step_type,
)
from pressloop.sample import Sample
from pressloop.session.session import Session
from pressloop.session.telemetry_stream import BATCH_TICKS
from pressloop.validation import LoadedProtocol
from pressloop.web import words
from pressloop.web.abort import abort_elsewhere, abort_unfollowed, outcome_soon
from pressloop.web.board_choice import BoardChoice
from pressloop.web.feed import Feed
from pressloop.web.hub import CURVE, Hub
from pressloop.web.link_state import LinkState, OnLink
from pressloop.web.live_curve import LiveCurve
from pressloop.web.machine_view import identity_view
from pressloop.web.run_view import status_view
from pressloop.web.shown_run import ShownRun
from pressloop.web.unfinished import unfinished_record
from pressloop.wire.schema import Fault, State

STATUS_S: Final = 0.2
RETRY_S: Final = 2.0
FAST_BATCH_TICKS: Final = 5
"""Ticks per telemetry event while a page is looked at: 20 pictures a second."""

MAX_STOP_S: Final = 30.0

Ending = Literal["abort", "leave"]

_log = logging.getLogger(__name__)


class PressOwner:
    """The one user of the SDK behind a page; all methods may be called from any thread."""

    def __init__(
        self,
        choice: BoardChoice,
        hub: Hub,
        curve: LiveCurve,
        runs: Path,
        *,
        on_link: OnLink,
        status_s: float = STATUS_S,
    ) -> None:
        """Open nothing yet; `begin` does.

        Args:
            choice: Which press.
            hub: Where states and frames go.
            curve: The curve that pages get when they open.
            runs: Folder with the records.
            on_link: Called in the owner's thread.
            status_s: Time between two questions for the status, s.
        """
        self._choice = choice
        self._hub = hub
        self._curve = curve
        self._runs = runs
        self._status_s = status_s
        self._link = LinkState(hub, on_link)
        self._press: Press | None = None
        self._profile: MachineProfile | None = None
        self._run: Run | None = None
        self._shown = ShownRun(hub, curve)
        self._commands = threading.Lock()
        self._aborts = 0
        self._wants_fast = False
        self._is_fast = False
        self._closed = threading.Event()
        self._stopping = threading.Event()
        self._ending: Ending = "leave"
        self._thread = threading.Thread(target=self._own, name="pressloop page", daemon=True)

    # --- the life of the owner

    def begin(self) -> None:
        """Start the thread that opens and follows the press."""
        self._hub.publish("run", None)
        self._hub.publish("result", None)
        self._thread.start()

    def stop(self, ending: Ending) -> bool:
        """Let go of the press and end the thread.

        Args:
            ending: `abort` releases the pressure of an active run and waits until it is at rest;
                `leave` does what the protocol says of the loss of the host.

        Returns:
            Whether the thread has ended; an abort may take as long as the release.
        """
        self._ending = ending
        self._stopping.set()
        if not self._thread.is_alive():
            return True
        press = self._press
        if press is not None and not press.session.is_connected:
            press.session.close()  # the thread may wait for a link that is being opened again
        self._thread.join(None if ending == "abort" else MAX_STOP_S)
        return not self._thread.is_alive()

    # --- looking

    @property
    def press(self) -> Press:
        """The press.

        Raises:
            NoBoardError: It is not connected at the moment.
        """
        press = self._press
        if press is None:
            raise NoBoardError(
                "the press is not connected",
                hint="check cable and power of the controller; the page connects by itself",
            )
        return press

    @property
    def profile(self) -> MachineProfile | None:
        """The machine profile of the press; None while it is not connected or has none."""
        return self._profile

    @property
    def run(self) -> Run | None:
        """The run in progress or the last one of this program; None without one."""
        return self._run

    def want_fast(self, wanted: bool) -> None:
        """Ask the board for 20 frames a second, or only for 5 because no page is looked at."""
        self._wants_fast = wanted

    # --- commands

    def start_run(
        self,
        source: LoadedProtocol,
        *,
        out: Path,
        die: str | None,
        by: str,
        sample: Sample | None = None,
    ) -> Run:
        """Start a protocol and return at once.

        Raises:
            PressloopError: As `Press.start`; `run-active` if a run is in progress.
        """
        aborts = self._aborts
        with self._commands:
            press = self.press
            if self._run is not None and self._run.is_active:
                raise PressloopError(
                    f"{self._run.recorder.header.protocol_name!r} is still running",
                    hint="wait for its end, or abort it",
                    code="run-active",
                )
            run = press.start(source, out=out, die=die, sample=sample)
            self._run = run
            with suppress(RecordError):  # a record that cannot be written ends the run by itself
                run.recorder.event("note", text=f"started by {by}")
            self._shown.begin(run)
        if self._aborts != aborts:
            # It was pressed while the plan was being sent, when there was nothing to abort yet.
            run.abort(by="abort on the page during the start")
        return run

    def steer(self, command: SteeringCommand, by: str) -> SteeringOutcome:
        """Carry out a command on the run, or say why it has no effect."""
        run = self._run
        if command == "abort":
            return self.abort(by)
        if run is None or not run.is_active:
            return SteeringOutcome(False, f"nothing to {command}: no run is active", "no-effect")
        with self._commands:
            return _steer(run, command, by)

    def abort(self, by: str) -> SteeringOutcome:
        """Release the pressure, also that of a run which another program follows."""
        self._aborts += 1
        run, press = self._run, self._press
        if press is None:
            return abort_elsewhere(self._choice.port)
        if run is not None and run.is_active:
            followed = run
            return outcome_soon(lambda: _steer(followed, "abort", by))
        return outcome_soon(lambda: steer_safely(lambda: abort_unfollowed(press)))

    def confirm(self, step: int, by: str) -> None:
        """Confirm the prompt at a step of the run.

        Raises:
            CommandRefusedError: `wrong-prompt`, `guard-open`, `emergency-stop`, `bad-state`.
            PressloopError: `no-effect`: there is no run.
        """
        self._active().confirm(step, by=by)

    def dump(self, by: str) -> None:
        """Open the release valve fully.

        Raises:
            PressloopError: `no-effect`: there is no run.
        """
        self._active().dump(by=by)

    def clear_fault(self) -> Fault:
        """Clear the latched fault.

        Raises:
            CommandRefusedError: The cause of the fault is still there.
        """
        return self.press.clear_fault()

    def _active(self) -> Run:
        run = self._run
        if run is None or not run.is_active:
            raise PressloopError(
                "no run is active", hint="look at the state of the press", code="no-effect"
            )
        return run

    # --- the thread

    def _own(self) -> None:
        while not self._stopping.is_set():
            try:
                press = self._choice.open()
            except PressloopError as error:
                self._lost(error)
                self._stopping.wait(RETRY_S)
                continue
            except Exception as error:
                _log.exception("the press could not be opened")
                self._lost(words.defect(error))
                self._stopping.wait(RETRY_S)
                continue
            try:
                self._follow_press(press)
            except PressloopError as error:
                self._lost(error)
            except Exception as error:
                _log.exception("the page lost the press")
                self._lost(words.defect(error))
            self._let_go(press)

    def _follow_press(self, press: Press) -> None:
        """Follow the press until its link is lost for good, or the program ends."""
        self._closed.clear()
        self._is_fast = False
        self._curve.restart()
        self._profile = _profile(press)
        feed = Feed(self._hub, self._curve, self._closed.set)
        press.session.follow(feed)
        self._press = press
        self._hub.publish("machine", identity_view(press, self._profile))
        self._hub.publish(CURVE, self._curve.snapshot(), keep=False)
        self._say_connected(press.session)
        self._attach_unfinished(press)
        while not self._stopping.is_set() and not self._closed.is_set():
            try:
                if self._say_connected(press.session):
                    self._set_rate(press.session)
                    self._look(press)
            except PressloopError as error:
                _log.info("no status: %s", error.message)
            self._stopping.wait(self._status_s)

    def _say_connected(self, session: Session) -> bool:
        """Tell the pages whether the link is up; return whether it is."""
        if session.is_connected:
            self._link.connected()
            return True
        self._link.reconnecting()
        return False

    def _set_rate(self, session: Session) -> None:
        if self._wants_fast != self._is_fast:
            session.set_batch_ticks(FAST_BATCH_TICKS if self._wants_fast else BATCH_TICKS)
            self._is_fast = self._wants_fast

    def _look(self, press: Press) -> None:
        run = self._run
        header = None if run is None else run.recorder.header
        if run is not None and run.is_active:
            status = run.status()
        else:
            status = press.status()
            header = None if status.state is not State.FAULT else header
        self._hub.publish("status", status_view(status, header, self._profile))
        if run is not None and not run.is_active:
            self._shown.end(run, status.tick)

    def _attach_unfinished(self, press: Press) -> None:
        """Follow a run again that goes on without its program; this moves nothing."""
        record = unfinished_record(
            self._runs, board_identity(press.hello), press.status().run_id.hex()
        )
        if record is None:
            return
        try:
            run = press.attach(record)
        except PressloopError as error:
            self._shown.notice(error.message, "bad")
            return
        self._run = run
        self._shown.again(run, record)

    def _lost(self, error: PressloopError) -> None:
        self._press = None
        self._hub.publish("status", None)
        self._link.lost(error)

    def _let_go(self, press: Press) -> None:
        self._press = None
        run = self._run
        try:
            # A run whose link was lost goes on without this program, as its protocol says.
            if run is not None and run.is_active and self._leaves(run):
                run.detach()
            press.close()
        except PressloopError as error:
            _log.error("closing the press: %s", error)
        if run is not None and not self._stopping.is_set():
            self._shown.lose(run)

    def _leaves(self, run: Run) -> bool:
        if not self._stopping.is_set():
            return True
        declared = run.recorder.header.host_loss
        return self._ending == "leave" and declared is not None and declared.action != "vent"


def _steer(run: Run, command: SteeringCommand, by: str) -> SteeringOutcome:
    return steer_safely(
        lambda: steer(
            run,
            command,
            by=by,
            type_of=lambda status: step_type(run.recorder.header, status.step),
        )
    )


def _profile(press: Press) -> MachineProfile | None:
    try:
        return press.profile()
    except CommandRefusedError:
        return None
