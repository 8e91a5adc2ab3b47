"""`pressloop pause`, `resume`, `skip`, `end` and `abort`: steer a run from any terminal."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.output import ExitCode, err, errors_as_exit_codes
from pressloop.cli.owner import find_run, open_free_board
from pressloop.cli.waiting import outcome_markup
from pressloop.connect import is_path
from pressloop.errors import PortBusyError, PressloopError
from pressloop.press import Press
from pressloop.run.active_runs import ActiveRun
from pressloop.run.remote_run import OwnerGoneError, OwnerSilentError, RemoteRun
from pressloop.run.steering import SteeringCommand, SteeringOutcome, steer
from pressloop.session.abort_notice import send_abort
from pressloop.session.session import Session
from pressloop.session.status import PressStatus
from pressloop.transport.transport import SOCKET_SCHEME, SerialTransport
from pressloop.wire.schema import AdvanceRequest, PauseRequest, ResumeRequest


def pause(port: Annotated[str | None, options.PORT] = None) -> None:
    """Pause the run on a press: hold the pressure where it is, from any terminal.

    The time of the hold stops, the pressure is still controlled.
    """
    _steer("pause", port)


def resume(port: Annotated[str | None, options.PORT] = None) -> None:
    """Resume a paused run, from any terminal."""
    _steer("resume", port)


def skip(port: Annotated[str | None, options.PORT] = None) -> None:
    """End the hold or rest in progress now and go to the next step, from any terminal."""
    _steer("skip", port)


def end(port: Annotated[str | None, options.PORT] = None) -> None:
    """Finish an open hold, from any terminal."""
    _steer("end", port)


def abort(port: Annotated[str | None, options.PORT] = None) -> None:
    """Abort the run on a press and release at its vent rate, from any terminal.

    This works no matter which program started the run. If that program does not answer, the abort
    goes to the board itself.
    """
    _steer("abort", port)


class _FreeBoard:
    """A board that no program follows, as something that can be steered."""

    def __init__(self, session: Session, press: Press) -> None:
        self._session = session
        self._press = press

    def status(self) -> PressStatus:
        return self._press.status()

    def pause(self, by: str) -> None:
        self._session.request(PauseRequest())

    def resume(self, by: str) -> None:
        self._session.request(ResumeRequest())

    def advance(self, step: int | None, by: str) -> None:
        if step is not None:
            self._session.request(AdvanceRequest(step))

    def abort(self, by: str) -> None:
        self._press.abort()


def _steer(command: SteeringCommand, port: str | None) -> None:
    with errors_as_exit_codes():
        run = find_run(port)
        try:
            if run is None:
                outcome = _steer_free_board(command, port)
            else:
                outcome = RemoteRun(run).steer(command)
        except OwnerGoneError as error:
            err.print(f"[note]note[/note] {escape(error.message)}", soft_wrap=True)
            outcome = _steer_free_board(command, port or _address(run))
        except PortBusyError as error:
            # A program of another user, or one that is no Pressloop.
            if command != "abort" or port is None or not is_path(port):
                raise
            err.print(f"[note]note[/note] {escape(error.message)}", soft_wrap=True)
            outcome = _abort_beside_owner(port)
        except OwnerSilentError as error:
            if command != "abort" or run is None:
                raise
            outcome = _abort_without_owner(run, error)
    err.print(outcome_markup(outcome), soft_wrap=True)
    raise typer.Exit(ExitCode.COMPLETED if outcome.done else ExitCode.NOT_COMPLETED)


def _steer_free_board(
    command: SteeringCommand, port: str | None, *, take_over: bool = False
) -> SteeringOutcome:
    with open_free_board(port, take_over=take_over) as machine:
        return steer(
            _FreeBoard(machine.session, machine),
            command,
            by="operator",
            type_of=lambda _status: None,
        )


def _abort_without_owner(run: ActiveRun, silent: OwnerSilentError) -> SteeringOutcome:
    """Abort on the board itself, because the program that owns it does not answer."""
    err.print(f"[note]note[/note] {escape(silent.message)}", soft_wrap=True)
    address = _address(run)
    try:
        if address is not None and is_path(address):
            return _abort_beside_owner(address)
        err.print("[note]note[/note] opening the board itself", soft_wrap=True)
        return _steer_free_board("abort", address, take_over=True)
    except PressloopError as error:
        raise PressloopError(
            f"the run was not aborted: {error.message}",
            hint="use the hard-wired emergency stop; or end the program that owns the board "
            f"(process {run.pid}) and type pressloop abort again",
            code="not-aborted",
        ) from error


def _abort_beside_owner(path: str) -> SteeringOutcome:
    """Send the abort that needs no session to a serial port that another program has open."""
    transport = SerialTransport(path, shared=True)
    try:
        confirmed = send_abort(transport)
    finally:
        transport.close()
    if confirmed:
        return SteeringOutcome(True, "sent to the board beside that program; it is releasing")
    return SteeringOutcome(
        True,
        "sent to the board beside that program, but nothing shows whether it arrived: "
        "look at the gauge, and use the hard-wired emergency stop if the pressure does not fall",
    )


def _address(run: ActiveRun | None) -> str | None:
    """Return where the board of a run is; None lets the one board on USB be found."""
    if run is None:
        return None
    known = run.url.startswith(SOCKET_SCHEME) or is_path(run.url)
    return run.url if known else run.port
