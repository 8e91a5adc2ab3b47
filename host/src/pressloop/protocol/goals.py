"""Protocols by goal: what a lab may want most, each ready to run and with its reasons inside."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import resources
from typing import Final

from pressloop.errors import BadInputError


@dataclass(frozen=True)
class Goal:
    """A protocol that serves one aim.

    Attributes:
        name: As the command line takes it.
        aim: What it buys, and by what, in a line.
    """

    name: str
    aim: str

    @property
    def text(self) -> str:
        """The protocol file, comments included."""
        file = resources.files("pressloop.protocol") / "library" / f"{self.name}.yaml"
        return file.read_text(encoding="utf-8")


GOALS: Final = (
    Goal("cycle-life", "contact that lasts: bonding at 600 MPa, long dwell, slow release"),
    Goal("efficiency", "even density: progressive passes, slow ramps, long dwell"),
    Goal("reproducibility", "the same for every cell: strict durations, tight band, no waiting"),
)


def find_goal(name: str) -> Goal:
    """Return the protocol for a goal.

    Raises:
        BadInputError: `unknown-goal`.
    """
    for goal in GOALS:
        if goal.name == name:
            return goal
    names = [goal.name for goal in GOALS]
    close = difflib.get_close_matches(name, names, n=1)
    raise BadInputError(
        f"there is no protocol for the goal {name!r}",
        hint=(f"did you mean {close[0]!r}? " if close else "") + f"goals: {', '.join(names)}",
        code="unknown-goal",
    )
