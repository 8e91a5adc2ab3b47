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
        name: What the user types: a command, or the name of a group and a command in it. With an
            underscore for the space it is also the name of the function.
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
                import_module(f"pressloop.cli.{self.module}"), self.name.replace(" ", "_")
            )
        return function


COMMANDS: Final = (
    CommandEntry(
        "run",
        "run",
        "Run a protocol. Ctrl-C aborts the run and releases the pressure.",
    ),
    CommandEntry(
        "validate",
        "validate",
        "Check a protocol against a press, without a board.",
    ),
    CommandEntry(
        "simulate",
        "simulate",
        "Predict the pressure-time curve on the emulated press.",
    ),
    CommandEntry(
        "tune",
        "tune",
        "Learn dead bands, hysteresis, stiffness and leak; a steel blank must be in the die.",
    ),
    CommandEntry(
        "calibrate",
        "calibrate",
        "Calibrate the press against a reference for force, after the procedure of ISO 7500-1.",
    ),
    CommandEntry(
        "attach",
        "attach",
        "Reconnect to a run after a crash and recover missing data.",
    ),
    CommandEntry(
        "plot",
        "plot",
        "Plot a run, also one in progress or interrupted. Prints the path of the plot.",
    ),
    CommandEntry(
        "runs",
        "runs",
        "Find recorded runs by sample, protocol, verdict, date, operator or lot.",
    ),
    CommandEntry(
        "show",
        "show",
        "Show the verdict of a stored run, as after the run. Exits with 1 if it did not complete.",
    ),
    CommandEntry(
        "report",
        "report",
        "Write the report of a run: one page of HTML for screen and print, or PDF.",
    ),
    CommandEntry(
        "compare",
        "compare",
        "Compare runs: spread per stage, Cpk, and which run is odd, in which stage and why.",
    ),
    CommandEntry(
        "export",
        "export",
        "Export a run as CSV, Excel, MCAP or archive for a lab notebook (.eln).",
    ),
    CommandEntry(
        "join",
        "join",
        "Add the pressure on the cell to a cycler's table (Battery Data Format).",
    ),
    CommandEntry(
        "verify",
        "verify",
        "Check that the files of a run are unchanged and that its result follows from its journal.",
    ),
    CommandEntry(
        "sign",
        "sign",
        "Sign the record of a run with an OpenSSH key: a later change by a person is then found.",
    ),
    CommandEntry(
        "protocols",
        "protocols",
        "List ready-made protocols by goal and by pellet, or print one.",
    ),
    CommandEntry(
        "sample",
        "sample",
        "Add the sample's data to a record; compute thickness and density.",
    ),
    CommandEntry(
        "mqtt",
        "mqtt",
        "Publish runs to an MQTT broker: every entry of the journal, the state, and the result.",
    ),
    CommandEntry(
        "ingest",
        "ingest",
        "Store finished runs in a PostgreSQL database, each exactly once.",
    ),
    CommandEntry(
        "ports",
        "ports",
        "List the serial ports and mark the press controllers.",
    ),
    CommandEntry(
        "info",
        "look",
        "Show identity, versions, state and machine profile of a board.",
    ),
    CommandEntry(
        "serve",
        "serve",
        "Show and steer a press in a browser, from this computer or a tablet beside the press.",
    ),
    CommandEntry(
        "watch",
        "watch",
        "Show live what a press is doing. Never disturbs a run, moves and records nothing.",
    ),
    CommandEntry(
        "pause",
        "steer",
        "Pause the run on a press: hold the pressure where it is, from any terminal.",
    ),
    CommandEntry(
        "resume",
        "steer",
        "Resume a paused run, from any terminal.",
    ),
    CommandEntry(
        "skip",
        "steer",
        "End the hold or rest in progress now and go to the next step, from any terminal.",
    ),
    CommandEntry(
        "end",
        "steer",
        "Finish an open hold, from any terminal.",
    ),
    CommandEntry(
        "abort",
        "steer",
        "Abort the run on a press and release at its vent rate, from any terminal.",
    ),
    CommandEntry(
        "clear",
        "look",
        "Clear the latched fault of a press, if its cause is gone.",
    ),
    CommandEntry(
        "doctor",
        "doctor",
        "Check computer and board, and name the command that mends what is wrong.",
    ),
    CommandEntry(
        "machine new",
        "machine_new",
        "Make a press file: asks for what a data sheet says, and explains each answer.",
    ),
    CommandEntry(
        "machine check",
        "machine_check",
        "Check a press file as the board would, and show what the press can do with each die.",
    ),
    CommandEntry(
        "machine write",
        "machine_write",
        "Store the machine profile of a press file on a board; the press must be at rest.",
    ),
    CommandEntry(
        "machine show",
        "machine_show",
        "Show the machine profile of a board, or write it as a press file.",
    ),
    CommandEntry(
        "commission",
        "commission",
        "Walk from a wired box to a tuned press; each step says what happens and what to see.",
    ),
    CommandEntry(
        "flash",
        "flash",
        "Flash the firmware onto a Pico. Refuses while the press is running.",
    ),
)
"""In the order of `pressloop --help`: the most used first."""

GROUPS: Final = {
    "machine": "Describe a press in a file: make and check the file, store it on a board, read it.",
}
"""Help line of each group of commands."""
