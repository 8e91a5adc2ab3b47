"""The terminal of a commissioning: prints steps and results, puts questions to the person."""

from __future__ import annotations

import textwrap
from typing import Final

from rich.console import Console
from rich.markup import escape

from pressloop.cli.keyboard import Keyboard
from pressloop.cli.live import LiveLine
from pressloop.commissioning.operator import Action, ChoiceQuestion, NumberQuestion
from pressloop.commissioning.report import measured_text
from pressloop.commissioning.step import CommissioningStep, StepResult
from pressloop.commissioning.steps import BY_NAME, STEPS
from pressloop.errors import BadInputError
from pressloop.session.status import PressStatus

_INDENT: Final = 11
_LABELS: Final = {"pass": "good", "fail": "bad", "skipped": "note"}


class CommissioningTerminal:
    """Prints what the walk says, and reads the answers of the person."""

    at_once = False

    def __init__(self, console: Console, *, simulated: bool) -> None:
        """Print to a console; read from standard input."""
        self._console = console
        self._simulated = simulated
        self._keyboard = Keyboard()
        self._line: LiveLine | None = None

    # --- what the walk prints

    def step(self, step: CommissioningStep) -> None:
        """Print what a step is going to do and what to see."""
        number = list(BY_NAME).index(step.name) + 1
        self._console.print(
            f"\n[bold]{number}/{len(STEPS)} {escape(step.name)}[/bold]: {escape(step.title)}",
            soft_wrap=True,
        )
        self._labelled("happens", step.will, "dim")
        self._labelled("see", step.see, "dim")

    def result(self, result: StepResult) -> None:
        """Print how a step ended."""
        self.end_line()
        said = result.reason or measured_text(result)
        self._labelled(result.outcome, said, _LABELS[result.outcome], plain=True)
        if result.remedy:
            self._labelled("to do", result.remedy, "note", plain=True)

    def status(self, status: PressStatus) -> None:
        """Show the status of a run on a line that is updated in place."""
        if self._line is None:
            self._line = LiveLine(self._console, simulated=self._simulated)
            self._line.__enter__()
        self._line.update(status)

    def end_line(self) -> None:
        """Erase that line."""
        if self._line is not None:
            self._line.__exit__(None, None, None)
            self._line = None

    # --- what the walk asks: `CommissioningOperator`

    def show(self, text: str) -> None:
        """Print a line."""
        self._labelled("", text, "dim")

    def act(self, action: Action) -> None:
        """Print what the person does now."""
        self._labelled("now", action.text, "note", plain=True)

    def ask(self, question: ChoiceQuestion) -> str:
        """Ask until one of the answers is typed.

        Raises:
            BadInputError: `no-answer`: standard input has ended.
        """
        self._labelled("?", question.text, "note", plain=True)
        keys = _short_keys([answer for answer, _ in question.choices])
        shown = ", ".join(
            f"[bold]{key}[/bold] {escape(meaning)}"
            for key, (_, meaning) in zip(keys, question.choices, strict=True)
        )
        answers = {key: answer for key, (answer, _) in zip(keys, question.choices, strict=True)}
        answers |= {answer: answer for answer, _ in question.choices}
        while True:
            self._console.print(f"{' ' * _INDENT}{shown}: ", end="", soft_wrap=True)
            typed = self._read().lower()
            if typed in answers:
                return answers[typed]
            self._not_an_answer(typed)

    def ask_number(self, question: NumberQuestion) -> float:
        """Ask until a number is typed.

        Raises:
            BadInputError: `no-answer`: standard input has ended.
        """
        self._labelled("?", question.text, "note", plain=True)
        while True:
            self._console.print(f"{' ' * _INDENT}{question.unit}: ", end="")
            typed = self._read()
            try:
                return float(typed)
            except ValueError:
                self._not_an_answer(typed)

    def _not_an_answer(self, typed: str) -> None:
        self._console.print(f"{' ' * _INDENT}{escape(typed)!r} is not an answer", soft_wrap=True)

    def _read(self) -> str:
        self.end_line()
        with self._keyboard.asking():
            self._keyboard.clear()
            try:
                line = self._keyboard.read_line(lambda: True)
            except EOFError:
                line = None
            except KeyboardInterrupt:
                self._console.print()
                raise
        if line is None:
            self._console.print()
            raise BadInputError(
                "the answers have ended before the walk: what was made so far is kept",
                hint="run the command again at a terminal; it goes on where it stopped",
                code="no-answer",
            )
        return line.strip()

    def _labelled(self, label: str, text: str, style: str, *, plain: bool = False) -> None:
        """Print a text beside its label; on a terminal its lines are broken to fit beside it."""
        if not text:
            self._console.print(f"  [{style}]{label}[/{style}]")
            return
        lines = [text]
        if self._console.is_terminal:
            lines = textwrap.wrap(text, max(20, self._console.width - _INDENT - 1))
        for number, line in enumerate(lines):
            head = f"  {label if number == 0 else '':<{_INDENT - 2}}"
            body = escape(line) if plain else f"[{style}]{escape(line)}[/{style}]"
            self._console.print(f"[{style}]{head}[/{style}]{body}", soft_wrap=True)


def _short_keys(answers: list[str]) -> list[str]:
    """Return the shortest beginning of each answer that no other one has."""
    keys = []
    for answer in answers:
        length = 1
        while any(other != answer and other.startswith(answer[:length]) for other in answers):
            length += 1
        keys.append(answer[:length])
    return keys
