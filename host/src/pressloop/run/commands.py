"""Commands to a run; each one that the board carried out is written into the record."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from pressloop.errors import CommandRefusedError
from pressloop.record import RunRecorder
from pressloop.session.session import Session
from pressloop.wire.schema import (
    AbortRequest,
    AdvanceRequest,
    ConfirmRequest,
    PauseRequest,
    ResumeRequest,
    State,
)

AT_REST: Final = (State.IDLE, State.FAULT)
"""States without a run; in a fault the release valve is open."""


class RunCommands:
    """Steers one run. From any thread."""

    def __init__(self, session: Session, recorder: RunRecorder) -> None:
        """Steer the run that is being recorded."""
        self._session = session
        self._recorder = recorder
        self._run_id = bytes.fromhex(recorder.header.run_id)

    def pause(self) -> None:
        """Freeze setpoint and clocks; the pressure stays regulated."""
        self._session.request(PauseRequest())
        self._recorder.event("pause")

    def resume(self) -> None:
        """Go on after a pause or a host loss."""
        self._session.request(ResumeRequest())
        self._recorder.event("resume")

    def confirm(self, step: int | None = None) -> None:
        """Answer the prompt at a step, or the one that is open."""
        step = self._step(step)
        self._session.request(ConfirmRequest(step))
        self._recorder.event("prompt-answered", step=step, answer="confirmed")

    def advance(self, step: int | None = None) -> None:
        """End the hold at a step, or the one in progress."""
        step = self._step(step)
        self._session.request(AdvanceRequest(step))
        self._recorder.event("advance", step=step)

    def abort(self, by: str) -> None:
        """End the run by a controlled release. Does nothing when it has ended or is ending.

        A second abort would open the release valve fully, so this looks before it asks.
        """
        status = self._session.status()
        if status.run_id != self._run_id or status.state in (*AT_REST, State.VENTING):
            return
        with suppress(CommandRefusedError):  # it ended between the two requests
            self._session.request(AbortRequest())
            self._recorder.event("abort", tick=status.tick, by=by)

    def dump(self, by: str) -> None:
        """End the run by opening the release valve fully."""
        self.abort(by)
        if self._session.status().state is State.VENTING:
            with suppress(CommandRefusedError):
                self._session.request(AbortRequest())
                self._recorder.event("abort", by=by, release="fully open")

    def _step(self, step: int | None) -> int:
        return self._session.status().step if step is None else step
