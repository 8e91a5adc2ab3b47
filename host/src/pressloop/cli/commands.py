"""The table of commands: where each is, and its line in `pressloop --help`.

The help lines are kept here so that `pressloop --help` imports no command: the commands need numpy,
pydantic and more, which take longer to import than the help takes to read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from pressloop.extras import needs_extra


@dataclass(frozen=True)
class CommandEntry:
    """One command of `pressloop`.

    Attributes:
        name: What the user types; also the name of the function.
        module: Module of this package that the function is in.
        help: First paragraph of the function's docstring.
    """

    name: str
    module: str
    help: str

    def load(self) -> Callable[..., Any]:
        """Import the function.

        Raises:
            PressloopError: `missing-extra`, when a package that the command needs is not installed.
        """
        with needs_extra("data"):
            function: Callable[..., Any] = getattr(
                import_module(f"pressloop.cli.{self.module}"), self.name
            )
        return function


COMMANDS: Final = (
    CommandEntry(
        "run",
        "run",
        "Run a protocol. Ctrl-C aborts the press, not just the program.",
    ),
    CommandEntry(
        "validate",
        "validate",
        "Check a protocol against a press, without a board. Exits with 0 or 2.",
    ),
    CommandEntry(
        "simulate",
        "simulate",
        "Predict the pressure-time curve without a board; prompts are answered at once.",
    ),
    CommandEntry(
        "tune",
        "tune",
        "Learn dead bands, hysteresis, stiffness and leak; a steel blank must be in the die.",
    ),
    CommandEntry(
        "attach",
        "run",
        "Go on with the record of a run whose program was killed; fills the hole it left.",
    ),
    CommandEntry(
        "plot",
        "plot",
        "Plot a run, also one that was cut off. Prints the file's path.",
    ),
    CommandEntry(
        "protocols",
        "protocols",
        "List the protocols by goal, or print one: pressloop protocols cycle-life > my.yaml.",
    ),
    CommandEntry(
        "sample",
        "sample",
        "Say what lay in the die, and work out thickness and density. The journal stays as it is.",
    ),
    CommandEntry(
        "ports",
        "ports",
        "List serial ports, and which of them is a press controller.",
    ),
    CommandEntry(
        "info",
        "look",
        "Show identity, versions, state and machine profile of a board.",
    ),
    CommandEntry(
        "watch",
        "look",
        "Show what a press is doing until Ctrl-C. Moves and records nothing.",
    ),
    CommandEntry(
        "abort",
        "look",
        "End the run of a press, whoever started it: release at its vent rate.",
    ),
    CommandEntry(
        "clear",
        "look",
        "Clear the latched fault of a press, if its cause is gone.",
    ),
    CommandEntry(
        "flash",
        "flash",
        "Put the firmware's image on a Pico or Pico 2; refuses while its press runs.",
    ),
)
"""In the order of `pressloop --help`: the most used first."""
