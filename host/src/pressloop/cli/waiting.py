"""Says what a run waits for, and what a person must press or type.

A run that waits without a word looks like one that hangs, and a person who does not know why it
waits cannot decide whether to go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from rich.markup import escape

from pressloop.run.steering import SteeringOutcome
from pressloop.session.status import PressStatus
from pressloop.units import duration_text
from pressloop.wire.schema import State

BY_KEY: Final = "operator (key)"
BY_WORD: Final = "operator (standard input)"
"""Who gave a command, in the record."""

_ABORT: Final = ("abort", "to abort the run")

_MAX_UNKNOWN_S: Final = 2.0
"""Time after which a pause is named although its reason is not known."""


@dataclass(frozen=True)
class Controls:
    """How a person at this program can steer the run.

    Attributes:
        keys: Whether single keys work in this terminal.
        words: Whether words can be typed into standard input.
        port: Address of the board for commands in another terminal; None where they find it.
        program: What to call the program that follows the run.
    """

    keys: bool = False
    words: bool = False
    port: str | None = None
    program: str = "this program"

    def ways(self, *ways: tuple[str, str]) -> str:
        """Return as markup how to give commands for their purposes, such as "to resume"."""
        if self.keys:
            said = [f"[bold]{command[0]}[/bold] {purpose}" for command, purpose in ways]
            return f"press {', or '.join(said)}"
        if self.words:
            said = [f"[bold]{command}[/bold] {purpose}" for command, purpose in ways]
            return f"type {', or '.join(said)} (in another terminal: pressloop {ways[0][0]})"
        port = "" if self.port is None else f" --port {escape(self.port)}"
        said = [f"[bold]pressloop {command}{port}[/bold] {purpose}" for command, purpose in ways]
        return f"in another terminal, type {', or '.join(said)}"


class WaitingNotices:
    """Says once for each state that waits for a person what ends it."""

    def __init__(
        self,
        say: Callable[[str], None],
        controls: Controls,
        open_holds: Mapping[int, str | None],
        *,
        prompts: bool = False,
    ) -> None:
        """Know of no state yet.

        Args:
            say: Prints a line of markup.
            controls: How the run can be steered from here.
            open_holds: Plan steps that the operator ends, with what to wait for in each, if the
                protocol has a text for it.
            prompts: Whether to name prompts, too; a program that asks them itself does not.
        """
        self._say = say
        self._controls = controls
        self._open_holds = open_holds
        self._prompts = prompts
        self._said: tuple[object, ...] = ()
        self._unknown_since_s: float | None = None

    def see(self, status: PressStatus) -> None:
        """Look at a status, and say what a person must do if that is new."""
        key = self._key(status)
        if key is None or key == self._said:
            return
        self._said = key
        if status.state is State.PAUSED:
            self._say_paused(status)
        elif status.state is State.PROMPTING:
            self._say(
                f"[note]operator[/note] [bold]{escape(status.prompt)}[/bold] "
                "[dim](the press waits for the answer in the terminal of the run)[/dim]"
            )
        elif key:
            self._say_open_hold(self._open_holds[status.step or 0])

    def hint(self, status: PressStatus) -> str:
        """Return in two words which key ends the wait; empty where nothing waits."""
        if not self._controls.keys:
            return ""
        if status.state is State.PAUSED:
            return "r resumes"
        return "e ends it" if self._is_open_hold(status) else ""

    def _key(self, status: PressStatus) -> tuple[object, ...] | None:
        """Return what identifies the wait: () if there is none, None if not enough is known."""
        if status.state is State.PAUSED:
            known = bool(status.paused_by) or status.silent_s is not None
            now_s = time.monotonic()
            if self._unknown_since_s is None:
                self._unknown_since_s = now_s
            if not known and now_s - self._unknown_since_s < _MAX_UNKNOWN_S:
                return None
            return ("paused", known)
        self._unknown_since_s = None
        if status.state is State.PROMPTING:
            return ("prompt", status.step) if self._prompts else ()
        if self._is_open_hold(status):
            return ("open hold", status.step)
        return ()

    def _is_open_hold(self, status: PressStatus) -> bool:
        return status.state is State.RUNNING and status.step in self._open_holds

    def _say_paused(self, status: PressStatus) -> None:
        program = self._controls.program
        if status.silent_s is not None:
            why = f"the board heard nothing from {program} for {duration_text(status.silent_s, 0)}"
        elif status.paused_by:
            why = f"by {escape(status.paused_by)}"
        else:
            why = f"{program} did not ask for it"
        if status.paused_by not in (BY_KEY, BY_WORD):  # the outcome of the command was said
            self._say(f"[note]paused[/note]: {why}; the pressure is held")
        self._say(f"         {self._controls.ways(('resume', 'to resume'), _ABORT)}")

    def _say_open_hold(self, waits_for: str | None) -> None:
        if waits_for:
            self._say(f"[note]operator[/note] [bold]{escape(waits_for)}[/bold]")
        ways = self._controls.ways(("end", "to finish it"), _ABORT)
        self._say(f"[note]open hold[/note]: {ways}")


def outcome_markup(outcome: SteeringOutcome) -> str:
    """Return what became of a command, as a line of markup; its first word has the colour."""
    first, space, rest = escape(outcome.message).partition(" ")
    style = "note" if outcome.done else "bad"
    return f"[{style}]{first}[/{style}]{space}{rest}"
