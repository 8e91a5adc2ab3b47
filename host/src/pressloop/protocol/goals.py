"""List the protocols by goal that come with the package, each with its reasons as comments."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Final

from pressloop.errors import BadInputError
from pressloop.yaml.close_names import closest_name


@dataclass(frozen=True)
class Goal:
    """A protocol that is made for one goal.

    Attributes:
        name: Name on the command line, and of the file in `library`.
        aim: The goal and the means, in one line.
    """

    name: str
    aim: str

    @property
    def text(self) -> str:
        """Text of the protocol file, with its comments."""
        file = resources.files("pressloop.protocol") / "library" / f"{self.name}.yaml"
        return file.read_text(encoding="utf-8")


GOALS: Final = (
    Goal("cycle-life", "lasting contact: bonding at 600 MPa, long dwell, slow release"),
    Goal("efficiency", "even density: progressive passes, slow ramps, long dwell"),
    Goal(
        "reproducibility",
        "equal treatment of all cells: fixed durations, tight band, short prompts",
    ),
)


def find_goal(name: str) -> Goal:
    """Return the protocol for a goal.

    Raises:
        BadInputError: `unknown-goal`, if there is none of this name.
    """
    for goal in GOALS:
        if goal.name == name:
            return goal
    names = [goal.name for goal in GOALS]
    close = closest_name(name, names)
    raise BadInputError(
        f"there is no protocol for the goal {name!r}",
        hint=(f"did you mean {close!r}? " if close else "") + f"goals: {', '.join(names)}",
        code="unknown-goal",
    )
