"""Carries out the operator's commands on a run, or says why a command makes no sense now.

The keys in the terminal and the commands of other programs both come here, so that they do the
same and say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

from pressloop.errors import CommandRefusedError, PressloopError
from pressloop.record import RunHeader
from pressloop.session.status import PressStatus
from pressloop.wire.schema import TICK_HZ, State

SteeringCommand = Literal["pause", "resume", "skip", "end", "abort"]

STEERING_COMMANDS: Final[tuple[SteeringCommand, ...]] = get_args(SteeringCommand)

StepType = Literal["move", "hold", "open hold", "prompt", "rest"]


class Steerable(Protocol):
    """A run, or a board without a program that follows its run."""

    def status(self) -> PressStatus:
        """Ask the board for the state of the press."""

    def pause(self, by: str) -> None:
        """Freeze setpoint and timers."""

    def resume(self, by: str) -> None:
        """Continue after a pause."""

    def advance(self, step: int | None, by: str) -> None:
        """End the hold or rest at a step."""

    def abort(self, by: str) -> None:
        """End the run with a controlled release."""


@dataclass(frozen=True)
class SteeringOutcome:
    """What became of a command.

    Attributes:
        done: Whether the board carried it out, or did already what was asked for.
        message: What was done, or why it was not; one sentence without a full stop.
        code: Stable name of the reason why it was not done; empty if it was.
    """

    done: bool
    message: str
    code: str = ""


def step_type(header: RunHeader, step: int | None) -> StepType | None:
    """Return what a plan step is to the operator; None for the board's "no step"."""
    planned = next((planned for planned in header.steps if planned.index == step), None)
    if planned is None:
        return None
    if planned.kind == "prompt":
        return "prompt"
    if planned.kind == "rest":
        return "rest"
    if planned.kind != "hold":
        return "move"
    return "open hold" if planned.open else "hold"


def steer(
    press: Steerable,
    command: SteeringCommand,
    *,
    by: str,
    type_of: Callable[[PressStatus], StepType | None],
    is_wanted: Callable[[], bool] = lambda: True,
) -> SteeringOutcome:
    """Carry out a command if it makes sense in the present state of the press.

    Args:
        press: The run.
        command: What to do. `skip` ends the hold or rest in progress, `end` only an open hold.
        by: Who wants it, for the record.
        type_of: Returns what the step in progress is; None if unknown.
        is_wanted: Asked again right before anything but an abort is sent: the status may have
            taken long, because the link was lost meanwhile.

    Raises:
        LinkClosedError, BoardTimeoutError: There was no reply; it is unknown what happened.
    """
    status = press.status()
    if command == "abort" and status.state is State.VENTING:
        return SteeringOutcome(True, "the pressure is already being released; nothing was changed")
    step = type_of(status)
    reason = obstacle(command, status, step)
    if reason:
        return SteeringOutcome(False, f"nothing to {command}: {reason}", "no-effect")
    if command != "abort" and not is_wanted():
        return SteeringOutcome(False, "the command came too late", "too-late")
    try:
        if command == "pause":
            press.pause(by)
        elif command == "resume":
            press.resume(by)
        elif command == "abort":
            press.abort(by)
        else:
            press.advance(status.step, by)
    except CommandRefusedError as refusal:
        return SteeringOutcome(False, f"{command} refused: {_why(refusal)}", refusal.code)
    return SteeringOutcome(True, _done(command, status, step))


def steer_safely(act: Callable[[], SteeringOutcome]) -> SteeringOutcome:
    """Turn an error of the link into an outcome."""
    try:
        return act()
    except PressloopError as error:
        return SteeringOutcome(False, f"no reply from the board: {error.message}", error.code)


def obstacle(command: SteeringCommand, status: PressStatus, step: StepType | None) -> str | None:
    """Return why a command has no effect in this state; None if it has one."""
    state = status.state
    if state is State.IDLE:
        if command == "abort" and is_about_to_start(status):
            return None
        return "no run is active"
    if state is State.FAULT:
        return (
            "the run has ended with a fault; the release valve is open; "
            "pressloop clear clears the fault once its cause is gone"
        )
    if state is State.VENTING:
        return "the run is ending; the press is releasing the pressure"
    if command == "abort":
        return None
    if command == "resume":
        return None if state is State.PAUSED else "the run is not paused"
    if state is State.PROMPTING:
        return "the press waits for the answer to a prompt"
    if command == "pause":
        return "the run is already paused" if state is State.PAUSED else None
    if state is State.PAUSED:
        return "the run is paused; resume it first"
    if step == "move":
        return (
            f"the pressure is moving to {status.target_mpa:g} MPa, and only a hold or a rest "
            "can be ended"
        )
    if command == "end" and (step == "hold" or (step is None and status.remaining_s > 0)):
        return "this hold ends by itself; skip ends it now"
    if command == "end" and step == "rest":
        return "this rest ends by itself; skip ends it now"
    return None


def is_about_to_start(status: PressStatus) -> bool:
    """Return whether the board has accepted a run that begins with its next tick."""
    elapsed_s = status.elapsed_s
    return status.state is State.IDLE and elapsed_s is not None and elapsed_s <= 1 / TICK_HZ


def _why(refusal: CommandRefusedError) -> str:
    if refusal.code == "bad-state":
        return "only a hold or a rest can be ended, or the press has just changed its state"
    return refusal.message.rpartition(": ")[2]


def _done(command: SteeringCommand, status: PressStatus, step: StepType | None) -> str:
    where = "" if status.stage_name is None else f" of {status.stage_name}"
    if command == "pause" and step == "rest":
        return "paused in the rest; the press stays without pressure"
    if command == "pause":
        return f"paused at {status.setpoint_mpa:.1f} MPa; the pressure is still controlled"
    if command == "resume":
        return "resumed"
    if command == "skip" and step == "rest":
        return f"ended the rest{where} early; the run continues with the next step"
    if command == "skip":
        return f"skipped the rest of the hold{where}; the run continues with the next step"
    if command == "end":
        return f"ended the open hold{where}; the run continues with the next step"
    return "aborting: the press is releasing the pressure at its vent rate"
