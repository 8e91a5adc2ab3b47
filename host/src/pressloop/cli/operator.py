"""The operator at the terminal: questions, answers, and the end of an open hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.console import Console
from rich.markup import escape

from pressloop.cli.keyboard import Keyboard
from pressloop.cli.live import LiveLine, duration
from pressloop.errors import CommandRefusedError
from pressloop.run.prompts import OpenPrompt
from pressloop.run.run import Run
from pressloop.session.status import PressStatus
from pressloop.wire.schema import State


class Operator:
    """Shows what the press does and asks what it asks.

    Attributes:
        run: The run whose open holds the operator may end; set it as soon as there is one.
    """

    def __init__(
        self,
        console: Console,
        line: LiveLine,
        *,
        yes: bool,
        open_holds: Mapping[int, str | None] | None = None,
    ) -> None:
        """With `yes`, prompts are shown and confirmed.

        `open_holds` are steps of the plan, and what the operator waits for in each, if it is said.
        """
        self.run: Run | None = None
        self._console = console
        self._line = line
        self._yes = yes
        self._open_holds = open_holds or {}
        self._announced: int | None = None
        self._keyboard = Keyboard()

    def show(self, status: PressStatus) -> None:
        """Show a status, and look whether the operator ends an open hold."""
        self._line.update(status)
        # Only somebody who sits there can end a hold: a closed input must never.
        if (
            self.run is not None
            and status.state is State.RUNNING
            and status.step is not None
            and status.step in self._open_holds
            and self._keyboard.is_terminal
        ):
            self._watch_open_hold(self.run, status.step)

    def ask(self, prompt: OpenPrompt) -> bool | None:
        """Put a prompt; see `pressloop.run.prompts.Asker`."""
        with self._line.paused():
            if prompt.problem:
                self._console.print(f"[bad]not yet:[/bad] {escape(prompt.problem)}")
            self._console.print(
                f"[note]operator[/note] [bold]{escape(prompt.text)}[/bold] "
                f"[dim](press at {max(0.0, prompt.pressure_mpa):.1f} MPa, "
                f"{duration(prompt.remaining_s)} to answer)[/dim]",
                soft_wrap=True,
            )
            if self._yes:
                self._console.print("         [dim]confirmed by --yes[/dim]")
                return True
            self._keyboard.forget()
            return self._answer("when done", prompt.is_open)

    def ask_to_resume(self, run: Run) -> bool | None:
        """Ask whether a run that lost its host goes on; None when there is nobody to ask."""
        if not self._keyboard.is_terminal:
            return None
        with self._line.paused():
            self._console.print(
                "[note]paused[/note]: the press lost its host and holds its pressure"
            )
            self._keyboard.forget()
            return self._answer("to resume", lambda: run.is_active)

    def _answer(self, confirming: str, wanted: Callable[[], bool]) -> bool | None:
        while True:
            self._console.print(f"         Enter {confirming}, [bold]a[/bold] to abort: ", end="")
            try:
                answer = self._keyboard.line(wanted)
            except KeyboardInterrupt:
                self._console.print()
                raise
            except EOFError:
                self._console.print(
                    "\n[bad]aborting[/bad]: nobody can answer, the input is closed; "
                    "--yes answers prompts",
                    soft_wrap=True,
                )
                return False
            if answer is None:
                self._console.print("\n[bad]too late[/bad]: the press no longer waits")
                return None
            if answer.lower() in ("a", "abort"):
                return False
            if not answer:
                return True
            # Whoever types "no" must not be taken at Enter.
            self._console.print(f"         {escape(answer)!r} is no answer", soft_wrap=True)

    def _watch_open_hold(self, run: Run, step: int) -> None:
        if step != self._announced:
            self._announced = step
            self._keyboard.forget()
            waits_for = self._open_holds[step]
            if waits_for:
                self._line.say(f"[note]operator[/note] [bold]{escape(waits_for)}[/bold]")
            self._line.say(
                "[note]open hold[/note] type [bold]end[/bold] and Enter to end it; Ctrl-C aborts"
            )
        answer = self._keyboard.poll()
        if answer is None:
            return
        if answer.lower() != "end":
            self._line.say("         only [bold]end[/bold] ends the hold")
            return
        try:
            run.advance(step)
            self._line.say("         [dim]ended by the operator[/dim]")
        except CommandRefusedError as refusal:
            self._line.say(f"[bad]not ended:[/bad] {escape(refusal.message)}")
