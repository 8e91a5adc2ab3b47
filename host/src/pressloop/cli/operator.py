"""Asks the operator at the terminal: prompts, resuming a run, ending an open hold."""

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
    """Shows the status of the press and puts its prompts to the operator.

    Attributes:
        run: The run whose open holds the operator can end; set it once the run has started.
    """

    def __init__(
        self,
        console: Console,
        line: LiveLine,
        *,
        yes: bool,
        open_holds: Mapping[int, str | None] | None = None,
    ) -> None:
        """Keep the console and the options.

        Args:
            console: Where prompts and messages are printed.
            line: Live line, which is paused while a prompt is on the screen.
            yes: Confirm each prompt automatically, after printing it.
            open_holds: Plan steps that the operator ends, with what to wait for in each, if the
                protocol has a text for it.
        """
        self.run: Run | None = None
        self._console = console
        self._line = line
        self._yes = yes
        self._open_holds = open_holds or {}
        self._announced: int | None = None
        self._keyboard = Keyboard()

    def show(self, status: PressStatus) -> None:
        """Show a status, and check whether the operator has ended an open hold."""
        self._line.update(status)
        # Only an operator at a terminal can end a hold; closed or piped input must not.
        if (
            self.run is not None
            and status.state is State.RUNNING
            and status.step is not None
            and status.step in self._open_holds
            and self._keyboard.is_terminal
        ):
            self._watch_open_hold(self.run, status.step)

    def ask(self, prompt: OpenPrompt) -> bool | None:
        """Put a prompt to the operator; see `pressloop.run.prompts.Asker`."""
        with self._line.paused():
            if prompt.problem:
                self._console.print(f"[bad]not accepted:[/bad] {escape(prompt.problem)}")
            self._console.print(
                f"[note]operator[/note] [bold]{escape(prompt.text)}[/bold] "
                f"[dim](pressure {max(0.0, prompt.pressure_mpa):.1f} MPa, "
                f"answer within {duration(prompt.remaining_s)})[/dim]",
                soft_wrap=True,
            )
            if self._yes:
                self._console.print("         [dim]confirmed by --yes[/dim]")
                return True
            self._keyboard.clear()
            return self._answer("when done", prompt.is_open)

    def ask_to_resume(self, run: Run) -> bool | None:
        """Ask whether to resume a run that lost its host; None without a terminal to ask at."""
        if not self._keyboard.is_terminal:
            return None
        with self._line.paused():
            self._console.print(
                "[note]paused[/note]: the press lost its host and is holding the pressure"
            )
            self._keyboard.clear()
            return self._answer("to resume", lambda: run.is_active)

    def _answer(self, confirming: str, wanted: Callable[[], bool]) -> bool | None:
        while True:
            self._console.print(
                f"         Press [bold]Enter[/bold] {confirming}, or type 'a' to abort: ", end=""
            )
            try:
                answer = self._keyboard.read_line(wanted)
            except KeyboardInterrupt:
                self._console.print()
                raise
            except EOFError:
                self._console.print(
                    "\n[bad]aborting[/bad]: standard input is closed, so the prompt cannot be "
                    "answered; use --yes to confirm prompts automatically",
                    soft_wrap=True,
                )
                return False
            if answer is None:
                self._console.print(
                    "\n[bad]too late[/bad]: the press no longer waits for an answer"
                )
                return None
            if answer.lower() in ("a", "abort"):
                return False
            if not answer:
                return True
            # Any other text, such as "no", must not count as a confirmation.
            self._console.print(f"         {escape(answer)!r} is not an answer", soft_wrap=True)

    def _watch_open_hold(self, run: Run, step: int) -> None:
        if step != self._announced:
            self._announced = step
            self._keyboard.clear()
            waits_for = self._open_holds[step]
            if waits_for:
                self._line.say(f"[note]operator[/note] [bold]{escape(waits_for)}[/bold]")
            self._line.say(
                "[note]open hold[/note] type [bold]end[/bold] and Enter to finish it; "
                "Ctrl-C aborts the run"
            )
        answer = self._keyboard.poll()
        if answer is None:
            return
        if answer.lower() != "end":
            self._line.say("         Type [bold]end[/bold] to finish the hold")
            return
        try:
            run.advance(step)
            self._line.say("         [dim]hold finished by the operator[/dim]")
        except CommandRefusedError as refusal:
            self._line.say(f"[bad]hold not finished:[/bad] {escape(refusal.message)}")
