"""Questions to the operator: what is asked, and how an answer reaches the board."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class OpenPrompt:
    """A question that the board waits on.

    Attributes:
        step: Index of the prompt in the plan.
        text: What the protocol asks.
        stage: Index of the prompt's stage.
        remaining_s: Time until the board vents because nobody answered.
        pressure_mpa: Reading when the question was put, MPa on the pellet.
        problem: Why the answer before was refused, such as an open guard; empty the first time.
        is_open: Call it to learn whether the board still waits for the answer.
    """

    step: int
    text: str
    stage: int
    remaining_s: float
    pressure_mpa: float
    problem: str
    is_open: Callable[[], bool]


Asker = Callable[[OpenPrompt], bool | None]
"""Asks the operator: True confirms, False aborts the run; None leaves the prompt open, for
somebody else to call `Run.confirm`."""


def confirm_all(prompt: OpenPrompt) -> bool:
    """Confirm without asking. For rehearsals: on a real press somebody should look first."""
    return True


def ask_on_terminal(prompt: OpenPrompt) -> bool:
    """Ask on the terminal: Enter confirms, `a` aborts the run."""
    if prompt.problem:
        print(f"  not accepted: {prompt.problem}")
    question = f"{prompt.text} (press at {prompt.pressure_mpa:.1f} MPa) [Enter = done, a = abort] "
    return input(question).strip().lower() not in ("a", "abort")
