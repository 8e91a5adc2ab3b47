"""What a steering command does in a state of the press, and what it says."""

from __future__ import annotations

import pytest
from pressloop.run.steering import SteeringCommand, SteeringOutcome, steer
from pressloop.session.status import PressStatus
from pressloop.wire.schema import EndReason, Fault, InputBits, State


def status_in(state: State) -> PressStatus:
    """Return the status of a press in a hold at 100 MPa, in this state."""
    return PressStatus(
        state=state,
        tick=100,
        pressure_mpa=100.0,
        setpoint_mpa=100.0,
        target_mpa=100.0,
        step=1,
        stage=0,
        stage_name="bond",
        elapsed_s=1.0,
        dwell_s=0.5,
        remaining_s=2.0,
        prompt="",
        approaching=False,
        end_reason=EndReason.NONE,
        fault=Fault.NONE,
        inputs=InputBits(0),
        host_lost=False,
        run_id=bytes(8),
    )


class PressInState:
    """Stays in one state and remembers which commands were sent."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.sent: list[str] = []

    def status(self) -> PressStatus:
        return status_in(self._state)

    def pause(self) -> None:
        self.sent.append("pause")

    def resume(self) -> None:
        self.sent.append("resume")

    def advance(self, step: int | None = None) -> None:
        self.sent.append("advance")

    def abort(self, by: str) -> None:
        self.sent.append("abort")


def try_command(command: SteeringCommand, state: State) -> tuple[SteeringOutcome, list[str]]:
    """Give a command in a state; return its outcome and what was sent to the board."""
    press = PressInState(state)
    outcome = steer(press, command, by="operator", type_of=lambda _status: None)
    return outcome, press.sent


def test_an_abort_while_the_press_releases_is_done_already() -> None:
    outcome, sent = try_command("abort", State.VENTING)
    assert outcome.done and outcome.code == ""
    assert "already being released" in outcome.message
    assert sent == []  # a second abort would open the release valve fully


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.PROMPTING])
def test_an_abort_in_a_run_is_sent_once(state: State) -> None:
    outcome, sent = try_command("abort", state)
    assert outcome.done and sent == ["abort"]


def test_a_latched_fault_names_the_command_that_clears_it() -> None:
    outcome, sent = try_command("abort", State.FAULT)
    assert not outcome.done and sent == []
    assert "pressloop clear" in outcome.message
