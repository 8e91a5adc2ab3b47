"""What a steering command does in a state of the press, and what it says."""

from __future__ import annotations

import pytest
from pressloop.run.steering import SteeringCommand, SteeringOutcome, steer
from pressloop.session.status import PressStatus
from pressloop.wire.schema import State

from tests.unit.statuses import a_status


class PressInState:
    """Stays in one state and remembers which commands were sent."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.sent: list[str] = []

    def status(self) -> PressStatus:
        return a_status(state=self._state)

    def pause(self, by: str) -> None:
        self.sent.append("pause")

    def resume(self, by: str) -> None:
        self.sent.append("resume")

    def advance(self, step: int | None, by: str) -> None:
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


def test_an_abort_before_the_first_tick_of_a_run_is_sent() -> None:
    press = PressInState(State.IDLE)
    starting = a_status(state=State.IDLE, elapsed_s=0.01)
    press.status = lambda: starting  # type: ignore[method-assign]
    assert steer(press, "abort", by="operator", type_of=lambda _status: None).done
    assert press.sent == ["abort"]
    assert not try_command("abort", State.IDLE)[0].done


def test_a_latched_fault_names_the_command_that_clears_it() -> None:
    outcome, sent = try_command("abort", State.FAULT)
    assert not outcome.done and sent == []
    assert "pressloop clear" in outcome.message
