"""The operator at the terminal: prompts, resuming a run, keys and words that steer it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from rich.console import Console
from rich.markup import escape

from pressloop.cli.die import confirmed_die_um
from pressloop.cli.keyboard import Keyboard
from pressloop.cli.keys import KEY_HELP, WORDS, KeyParser, TypedCommand
from pressloop.cli.live import LiveLine
from pressloop.cli.waiting import BY_KEY, BY_WORD, Controls, WaitingNotices, outcome_markup
from pressloop.run.prompts import OpenPrompt
from pressloop.run.run import Run
from pressloop.run.steering import is_about_to_start, steer, steer_safely, step_type
from pressloop.session.status import PressStatus
from pressloop.units import running_time_text

_MAX_JOIN_S: Final = 1.0
"""Maximum wait for the thread that takes the keys."""

_log = logging.getLogger(__name__)


class Operator:
    """Shows the status of the press, puts its prompts to the operator and obeys the keys.

    Attributes:
        run: The run that the operator steers; None before it has started.
    """

    def __init__(
        self,
        console: Console,
        line: LiveLine,
        *,
        yes: bool,
        open_holds: Mapping[int, str | None] | None = None,
        port: str | None = None,
    ) -> None:
        """Keep the console and the options.

        Args:
            console: Where prompts and messages are printed.
            line: Live line, which is paused while a prompt is on the screen.
            yes: Confirm each prompt automatically, after printing it.
            open_holds: Plan steps that the operator ends, with what to wait for in each, if the
                protocol has a text for it.
            port: Address of the board for commands in another terminal; None where they find it.
        """
        self.run: Run | None = None
        self._console = console
        self._line = line
        self._yes = yes
        self._keyboard = Keyboard()
        self._notices = WaitingNotices(
            line.say,
            Controls(self._keyboard.is_terminal, self._keyboard.is_pipe, port),
            open_holds or {},
        )

    @property
    def is_at_hand(self) -> bool:
        """Whether commands can be typed into standard input: it is a terminal or a pipe."""
        return self._keyboard.is_terminal or self._keyboard.is_pipe

    def show(self, status: PressStatus) -> None:
        """Show a status; where the run waits for the operator, say what ends the wait."""
        if is_about_to_start(status):
            return
        self._line.update(status)
        if self.run is not None:
            self._notices.see(status)

    @contextmanager
    def steering(self, run: Run) -> Iterator[None]:
        """Let the operator steer a run in the block, by keys or by words in a pipe."""
        self.run = run
        over = threading.Event()
        typist: threading.Thread | None = None
        if self._keyboard.is_terminal or self._keyboard.is_pipe:
            typist = threading.Thread(
                target=self._obey, args=(run, over), name="pressloop keys", daemon=True
            )
        with self._keyboard.keys():
            if typist is not None:
                typist.start()
            if self._keyboard.is_terminal:
                self._line.hint, self._line.usual_hint = self._notices.hint, "? for keys"
            try:
                yield
            finally:
                self._line.hint, self._line.usual_hint = lambda _status: "", ""
                over.set()
                if typist is not None:
                    typist.join(_MAX_JOIN_S)

    def ask(self, prompt: OpenPrompt) -> bool | None:
        """Put a prompt to the operator; see `pressloop.run.prompts.Asker`."""
        with self._line.paused():
            if prompt.problem:
                self._console.print(f"[bad]not accepted:[/bad] {escape(prompt.problem)}")
            self._console.print(
                f"[note]operator[/note] [bold]{escape(prompt.text)}[/bold] "
                f"[dim](pressure {max(0.0, prompt.pressure_mpa):.1f} MPa, "
                f"answer within {running_time_text(prompt.remaining_s)})[/dim]",
                soft_wrap=True,
            )
            if self._yes:
                self._console.print("         [dim]confirmed by --yes[/dim]")
                return True
            with self._keyboard.asking():
                self._keyboard.clear()
                return self._answer("when done", prompt.is_open)

    def confirm_die(self, die: str | None, *, simulated: bool) -> int | None:
        """Return the die that the operator confirms, um; see `confirmed_die_um`."""
        with self._line.paused():
            return confirmed_die_um(
                self._console, self._keyboard, die, simulated=simulated, yes=self._yes
            )

    def ask_to_resume(self, run: Run) -> bool | None:
        """Ask whether to resume a run that lost its host; None without a terminal to ask at."""
        if not self._keyboard.is_terminal:
            return None
        by = run.status().paused_by
        why = f"by {escape(by)}" if by else "the board lost the program that ran it"
        with self._line.paused():
            self._console.print(f"[note]paused[/note]: {why}; the pressure is held", soft_wrap=True)
            with self._keyboard.asking():
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

    # --- the thread that takes keys and words

    def _obey(self, run: Run, over: threading.Event) -> None:
        """Carry out what is typed; an error here ends the keys, not the run."""
        keys = KeyParser()
        try:
            while run.is_active and not over.is_set():
                if self._keyboard.is_terminal:
                    self._take_keys(run, keys)
                else:
                    self._take_word(run)
        except Exception as error:
            _log.exception("the keys have stopped working")
            with suppress(Exception):
                self._line.say(f"[bad]the keys have stopped working:[/bad] {escape(repr(error))}")

    def _take_keys(self, run: Run, keys: KeyParser) -> None:
        typed = self._keyboard.poll_keys()
        self._line.refresh()
        now_s = time.monotonic()
        commands = keys.expire(now_s)
        for character in typed:
            commands += keys.put(character, now_s)
        for command in commands:
            self._carry_out(run, command, BY_KEY)
        if keys.rejected is not None:
            rejected, keys.rejected = keys.rejected, None
            what = "this key" if rejected.startswith("\x1b") else escape(repr(rejected))
            self._line.say(f"         {what} is no command; [bold]?[/bold] lists the keys")

    def _take_word(self, run: Run) -> None:
        word = self._keyboard.poll_word(lambda line: line.lower() in WORDS)
        command = next((name for name in WORDS if name == (word or "").lower()), None)
        if command is not None:
            self._carry_out(run, command, BY_WORD)

    def _carry_out(self, run: Run, command: TypedCommand, by: str) -> None:
        if command == "help":
            for key, name, meaning in KEY_HELP:
                self._line.say(f"         [bold]{key}[/bold] {name:<7} [dim]{meaning}[/dim]")
            return
        outcome = steer_safely(
            lambda: steer(
                run,
                command,
                by=by,
                type_of=lambda status: step_type(run.recorder.header, status.step),
            )
        )
        if not run.is_active and not outcome.done:
            return  # the verdict says more
        self._line.say(outcome_markup(outcome))
