"""Prompts that the SDK asks on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pressloop.run.prompts import OpenPrompt
from pressloop.run.terminal import ask_on_terminal


def ask(monkeypatch: pytest.MonkeyPatch, *typed: str) -> bool:
    answers: Iterator[str] = iter(typed)
    monkeypatch.setattr("builtins.input", lambda _question: next(answers))
    answer = ask_on_terminal(
        OpenPrompt(
            step=3,
            text="turn the die",
            stage=1,
            remaining_s=60,
            pressure_mpa=0.1,
            is_open=lambda: True,
        )
    )
    assert not list(answers), "an answer was not read"
    return answer


def test_enter_confirms_and_a_aborts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(monkeypatch, "") is True
    assert ask(monkeypatch, "a") is False
    assert ask(monkeypatch, " Abort ") is False


def test_a_word_that_is_no_answer_confirms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(monkeypatch, "no", "wait", "a") is False
    assert ask(monkeypatch, "n", "") is True
