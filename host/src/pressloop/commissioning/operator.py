"""What the walk asks of the person at the press, and how a program can stand in for that person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

Contact = Literal[
    "button",
    "guard",
    "emergency-stop",
    "vessel-pressure",
    "first-transducer",
    "auxiliary",
    "load-cell",
]

AGAIN: Final = "again"
"""Answer that repeats what was to be seen."""
YES: Final = "yes"
NO: Final = "no"
NONE: Final = "none"
"""Answer that there is no such part."""


@dataclass(frozen=True)
class Action:
    """Something that the person does now, while the walk watches the board.

    Attributes:
        contact: What is operated.
        operated: True: press the button, the stop or the load cell, open the guard, pull the plug;
            False: undo it.
        text: What the person reads.
    """

    contact: Contact
    operated: bool
    text: str


@dataclass(frozen=True)
class ChoiceQuestion:
    """A question with a few answers.

    Attributes:
        key: Stable name for programs, such as `coil`.
        text: What the person reads.
        choices: Answers as they are typed, each with what it means.
    """

    key: str
    text: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class NumberQuestion:
    """A question for a number.

    Attributes:
        key: Stable name for programs, such as `relief-bar`.
        text: What the person reads.
        unit: Unit of the answer.
    """

    key: str
    text: str
    unit: str


class CommissioningOperator(Protocol):
    """The person at the press, at a terminal, on a page, or a script beside an emulated press.

    Attributes:
        at_once: Whether `act` returns when the action is done: a script, not a person.
    """

    at_once: bool

    def show(self, text: str) -> None:
        """Show a line: what goes on, or what was measured."""

    def act(self, action: Action) -> None:
        """Tell the person to do something now; return at once, or when it is done."""

    def ask(self, question: ChoiceQuestion) -> str:
        """Return the answer: the first part of one of the choices."""

    def ask_number(self, question: NumberQuestion) -> float:
        """Return the number that the person reads off."""


def yes_no(key: str, text: str, yes: str, no: str) -> ChoiceQuestion:
    """Return a question that is answered by yes or no; `yes` and `no` say what each means."""
    return ChoiceQuestion(key, text, ((YES, yes), (NO, no)))
