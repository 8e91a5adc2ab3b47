"""Sends commands to a run; each one that the board carried out goes into the record."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from pressloop.arguments import whole_number
from pressloop.errors import CommandRefusedError
from pressloop.record import RunRecorder
from pressloop.run.pause_reason import PauseReason
from pressloop.session.session import Session
from pressloop.wire.schema import (
    AbortRequest,
    AdvanceRequest,
    ConfirmRequest,
    DumpRequest,
    PauseRequest,
    ResumeRequest,
    State,
)

AT_REST: Final = (State.IDLE, State.FAULT)
"""States without an active run; in a fault the release valve is open."""


class RunCommands:
    """Steers one run, from any thread. Each command names for the record who or what gave it."""

    def __init__(self, session: Session, recorder: RunRecorder, reason: PauseReason) -> None:
        """Steer the run of this record; `reason` learns who paused it."""
        self._reason = reason
        self._session = session
        self._recorder = recorder
        self._run_id = bytes.fromhex(recorder.header.run_id)

    def pause(self, by: str) -> None:
        """Freeze setpoint and timers; the pressure is still controlled."""
        before, self._reason.by = self._reason.by, by  # the board may pause before it replies
        try:
            self._session.request(PauseRequest())
        except CommandRefusedError:
            self._reason.by = before
            raise
        self._recorder.event("pause", by=by)

    def resume(self, by: str) -> None:
        """Continue after a pause or a host loss."""
        self._session.request(ResumeRequest())
        self._reason.by = ""
        self._recorder.event("resume", by=by)

    def confirm(self, step: int | None, by: str) -> None:
        """Confirm the prompt at `step`, or the one that is open."""
        step = self._step(step)
        self._session.request(ConfirmRequest(step))
        self._recorder.event("prompt-answered", step=step, answer="confirmed", by=by)

    def advance(self, step: int | None, by: str) -> None:
        """End the hold at `step`, or the one in progress."""
        step = self._step(step)
        self._session.request(AdvanceRequest(step))
        self._recorder.event("advance", step=step, by=by)

    def abort(self, by: str) -> None:
        """End the run with a controlled release; does nothing if it has ended or is ending.

        A board that seems at rest may be about to start the run: it knows best whether to refuse.
        """
        status = self._session.status()
        if status.run_id != self._run_id or status.state is State.VENTING:
            return
        with suppress(CommandRefusedError):  # it has ended
            self._session.request(AbortRequest())
            self._recorder.event("abort", tick=status.tick, by=by)

    def dump(self, by: str) -> None:
        """End the run with the release valve fully open."""
        self.abort(by)
        if self._session.status().state is State.VENTING:
            with suppress(CommandRefusedError):
                self._session.request(DumpRequest())
                self._recorder.event("abort", by=by, release="fully open")

    def _step(self, step: int | None) -> int:
        if step is None:
            return self._session.status().step
        return whole_number(step, "step", low=0)
