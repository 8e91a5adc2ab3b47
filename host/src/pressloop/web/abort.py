"""Aborts what runs on the board for a person at the page, and says soon what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from pressloop.press import Press
from pressloop.run.active_runs import active_runs
from pressloop.run.remote_run import RemoteRun
from pressloop.run.steering import SteeringOutcome, steer_safely
from pressloop.wire.schema import State

MAX_ABORT_S: Final = 1.5
"""How long a page waits for the answer to an abort before it says to use another way."""


def outcome_soon(act: Callable[[], SteeringOutcome]) -> SteeringOutcome:
    """Return what became of an abort, or after a while that the board has not answered yet.

    The abort is still sent when a lost link is back: the person who pressed it wanted it.
    """
    outcomes: list[SteeringOutcome] = []
    thread = threading.Thread(
        target=lambda: outcomes.append(act()), name="pressloop abort", daemon=True
    )
    thread.start()
    thread.join(MAX_ABORT_S)
    if outcomes:
        return outcomes[0]
    return SteeringOutcome(
        False,
        "the board does not answer: the abort is sent as soon as it does. Use the hard-wired "
        "emergency stop now",
        "no-answer",
    )


def abort_unfollowed(press: Press) -> SteeringOutcome:
    """Abort what runs on the board although no program follows it."""
    state = press.status().state
    if state in (State.IDLE, State.FAULT):
        return SteeringOutcome(False, "nothing to abort: no run is active", "no-effect")
    press.abort()
    return SteeringOutcome(True, "aborting: the press is releasing the pressure at its vent rate")


def abort_elsewhere(port: str | None) -> SteeringOutcome:
    """Abort through the program that owns the board, if it is one of this user.

    Args:
        port: Where the board is; None stands for the first one that a program follows a run on.
    """
    for run in active_runs():
        if port is None or run.is_on(port):
            return steer_safely(lambda run=run: RemoteRun(run).steer("abort"))  # type: ignore[misc]
    return SteeringOutcome(
        False,
        "the press is not connected, so no abort could be sent: look at the gauge and use the "
        "hard-wired emergency stop",
        "no-board",
    )
