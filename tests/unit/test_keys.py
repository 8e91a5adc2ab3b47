"""Single keys act at once, letters that follow each other quickly are a word."""

from __future__ import annotations

import pytest
from pressloop.cli.keys import KEYS, MAX_WORD_GAP_S, WORDS, KeyParser, TypedCommand

SLOWLY_S = 2 * MAX_WORD_GAP_S
QUICKLY_S = MAX_WORD_GAP_S / 4


def typed(text: str, gap_s: float) -> tuple[list[TypedCommand], str | None]:
    """Type a text and wait; return the commands, and what was rejected."""
    parser, now_s, commands = KeyParser(), 0.0, []
    for character in text:
        commands += parser.put(character, now_s)
        now_s += gap_s
    commands += parser.expire(now_s + SLOWLY_S)
    return commands, parser.rejected


@pytest.mark.parametrize("key", KEYS)
def test_a_single_key_acts_without_enter(key: str) -> None:
    assert typed(key, 0) == ([KEYS[key]], None)
    assert typed(key.upper(), 0) == ([KEYS[key]], None)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_word_that_is_typed_or_pasted_is_one_command(word: str, end: str) -> None:
    for gap_s in (0, QUICKLY_S):
        assert typed(word + end, gap_s) == ([word], None)


def test_keys_one_after_the_other() -> None:
    assert typed("prs", SLOWLY_S)[0] == ["pause", "resume", "skip"]
    assert typed("pr", QUICKLY_S)[0] == ["pause", "resume"]


def test_an_abort_never_waits() -> None:
    assert KeyParser().put("a", 0.0) == ["abort"]
    for before in "rse":
        assert "abort" in typed(before + "a", QUICKLY_S)[0]
    assert "abort" in typed("paa", QUICKLY_S)[0]
    assert "abort" in typed("xaaa", QUICKLY_S)[0]
    assert typed("abort\n", QUICKLY_S) == (["abort"], None)


@pytest.mark.parametrize("text", ["status", "stop", "resumee", "x", "pauze", "1", "\x1b[A", "skp"])
def test_other_text_does_nothing_and_is_named(text: str) -> None:
    commands, rejected = typed(text, QUICKLY_S)
    assert commands == []
    assert rejected == text.lower()


def test_enter_alone_does_nothing() -> None:
    assert typed("\n\n", QUICKLY_S) == ([], None)
