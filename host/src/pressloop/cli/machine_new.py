"""`pressloop machine new`: make a press file, by questions or from a press that is built in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pressloop.cli import options
from pressloop.cli.machine_check import print_summary
from pressloop.cli.machine_questions import QUESTIONS, Question, file_text, value_of
from pressloop.cli.output import err, errors_as_exit_codes, writing
from pressloop.emulator import description
from pressloop.emulator.description import PressDescription, presets
from pressloop.errors import BadInputError
from pressloop.machine.summary import summarise

_NEW = "press of this lab"


def machine_new(
    file: Annotated[Path, options.PRESS_FILE],
    preset: Annotated[
        str | None,
        typer.Option(
            help=f"Take all values of a press that is built in, and ask nothing: "
            f"{', '.join(presets.PRESSES)}.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a press file: asks for what a data sheet says, and explains each answer.

    Enter takes the value in brackets. Answers may come from a pipe, one a line.
    """
    with errors_as_exit_codes():
        _refuse_existing(file)
        base = _base(preset)
        answers = _answers_of(base) if preset is not None else _ask_all(base)
        text = file_text(answers)
        profile = description.loads(text, source=str(file)).machine_profile()
        with writing(file), file.open("x", encoding="utf-8") as new:
            new.write(text)
        print_summary(profile, summarise(profile))
        err.print(f"[good]written[/good] {escape(str(file))}", soft_wrap=True)
        err.print(
            f"next: pressloop machine write {escape(str(file))} --port PORT, or rehearse: "
            f"pressloop run PROTOCOL --port emulated --press {escape(str(file))}",
            soft_wrap=True,
        )


def _refuse_existing(file: Path) -> None:
    if file.exists():
        raise BadInputError(
            f"{file} exists already",
            hint="choose another name; to change this file, edit it and run "
            f"pressloop machine check {file}",
            code="file-exists",
        )


def _base(preset: str | None) -> PressDescription:
    if preset is not None and preset not in presets.PRESSES:
        raise BadInputError(
            presets.unknown(preset, presets.PRESSES),
            hint=f"choose one of {', '.join(presets.PRESSES)}",
            code="unknown-preset",
        )
    return PressDescription(preset=preset or "reference")


def _answers_of(base: PressDescription) -> dict[str, Any]:
    answers = {question.key: value_of(base, question.key) for question in QUESTIONS}
    # A preset does not know your dies' ratings: 0 is written where one is to be filled in.
    answers["die_loads_kn"] = [0 for _ in answers["dies_mm"]]
    return answers | {"transducer.converter": "ads1115"}


def _ask_all(base: PressDescription) -> dict[str, Any]:
    """Put all questions; an answer that cannot be is asked again on a terminal."""
    err.print(
        "Enter takes the value in brackets. What sets every pressure has none and must be typed.",
        soft_wrap=True,
    )
    answers: dict[str, Any] = {}
    for number, question in enumerate(QUESTIONS, 1):
        usual = _usual(question, base, answers)
        err.print(f"\n[bold]{number}/{len(QUESTIONS)} {escape(question.text)}[/bold]")
        err.print(f"  [dim]{escape(question.why)}[/dim]", soft_wrap=True)
        answers[question.key] = _answer(question, usual, answers)
        if question.worth is not None:
            err.print(f"  [dim]{escape(question.worth(answers))}[/dim]", soft_wrap=True)
    return answers


def _usual(question: Question, base: PressDescription, answers: dict[str, Any]) -> Any:
    """Return the default of a question; None where it must be answered."""
    if question.key == "name":
        return _NEW
    if question.must_be_typed:
        return None
    return question.usual(answers) if question.usual else value_of(base, question.key)


def _answer(question: Question, usual: Any, answers: dict[str, Any]) -> Any:
    while True:
        err.print("  : " if usual is None else f"  [{_shown(usual)}] ", end="", markup=False)
        line = sys.stdin.readline()
        if not line:
            raise BadInputError(
                f"the answers end before question {question.key}: nothing was written",
                hint="give one line for each question, an empty one for the value in brackets; or "
                "take a press that is built in, with --preset",
                code="no-answer",
            )
        value = question.read(line.strip()) if line.strip() else usual
        refused = _unanswered(question) if value is None else _refusal(question, value, answers)
        if refused is None:
            return value
        if not sys.stdin.isatty():
            raise refused
        err.print(f"  [bad]not possible:[/bad] {escape(refused.message)}", soft_wrap=True)
        err.print(f"    [note]hint[/note] {escape(refused.hint)}", soft_wrap=True)


def _unanswered(question: Question) -> BadInputError:
    return BadInputError(
        f"{question.key}: it sets every pressure and has no default",
        hint="look it up and type it; to rehearse without a press of your own, use a preset",
        code="no-answer",
    )


def _refusal(question: Question, value: Any, answers: dict[str, Any]) -> BadInputError | None:
    """Return why a press file cannot have this value beside the earlier answers; None if it can."""
    given = {**answers, question.key: value}
    text = file_text(given)
    try:
        description.loads(text, source=question.key)
    except BadInputError as refused:
        mine = [each for each in refused.findings if each.path.partition("[")[0] == question.key]
        if mine:
            return BadInputError(
                f"{question.key}: {mine[0].message}", hint=mine[0].hint, code=mine[0].code
            )
    return None


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
