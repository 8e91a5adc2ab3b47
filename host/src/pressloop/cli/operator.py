"""The operator at the terminal: questions and answers."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from pressloop.cli.live import LiveLine, duration
from pressloop.prompts import Asker, OpenPrompt


def asker(console: Console, line: LiveLine, *, yes: bool) -> Asker:
    """Return what asks the operator; with `yes`, what shows the question and confirms it."""

    def ask(prompt: OpenPrompt) -> bool:
        line.pause()
        try:
            if prompt.problem:
                console.print(f"[bad]not yet:[/bad] {escape(prompt.problem)}")
            console.print(
                f"[note]operator[/note] [bold]{escape(prompt.text)}[/bold] "
                f"[dim](press at {max(0.0, prompt.pressure_mpa):.1f} MPa, "
                f"{duration(prompt.remaining_s)} to answer)[/dim]"
            )
            if yes:
                console.print("         [dim]confirmed by --yes[/dim]")
                return True
            answer = console.input("         Enter when done, [bold]a[/bold] to abort: ")
            return answer.strip().lower() not in ("a", "abort")
        finally:
            line.resume()

    return ask
