"""List the protocols that come with the package, each with its reasons as comments."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Final

from pressloop.errors import BadInputError
from pressloop.yaml.close_names import closest_name


@dataclass(frozen=True)
class Goal:
    """A protocol that is made for one goal or for one kind of pellet.

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


READY: Final = (
    Goal("sulfide", "sulfide cell in a 10 mm die: 375 MPa, final 125 MPa"),
    Goal("isostatic-200", "isostatic body: 200 MPa in a vessel, released slowest at the end"),
    Goal("kbr-13mm", "infrared: KBr pellet of 13 mm at 8 t (78.5 kN, 591 MPa)"),
    Goal("kbr-7mm", "infrared: KBr pellet of 7 mm at 2 t (19.6 kN, 510 MPa)"),
    Goal("xrf-32mm", "X-ray fluorescence: powder pellet of 32 mm at 20 t (196 kN, 244 MPa)"),
    Goal("xrf-40mm", "X-ray fluorescence: powder pellet of 40 mm at 20 t (196 kN, 156 MPa)"),
)
"""Protocols for one kind of pellet, whatever the goal."""


def find_goal(name: str) -> Goal:
    """Return the protocol for a goal, or for a kind of pellet.

    Raises:
        BadInputError: `unknown-goal`, if there is none of this name.
    """
    for goal in GOALS + READY:
        if goal.name == name:
            return goal
    names = [goal.name for goal in GOALS + READY]
    close = closest_name(name, names)
    raise BadInputError(
        f"there is no protocol {name!r}",
        hint=(f"did you mean {close!r}? " if close else "") + f"protocols: {', '.join(names)}",
        code="unknown-goal",
    )
