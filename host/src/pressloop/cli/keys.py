"""Turns what is typed at the terminal during a run into commands.

A single key acts without Enter. But many people type a whole word first, and `resume` must not be
read as r, e and s, which would skip a hold. So a key acts only when no other key follows at once,
and keys that follow each other quickly are read as a word. Only `a` acts immediately: it can be the
beginning of one word alone, which means the same.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from pressloop.run.steering import SteeringCommand

TypedCommand = Literal[SteeringCommand, "help"]

WORDS: Final[tuple[TypedCommand, ...]] = (*get_args(SteeringCommand), "help")

KEYS: Final[dict[str, TypedCommand]] = {
    "p": "pause",
    "r": "resume",
    "s": "skip",
    "e": "end",
    "a": "abort",
    "?": "help",
    "h": "help",
}

KEY_HELP: Final = (
    ("p", "pause", "hold the pressure where it is; the time of the hold stops"),
    ("r", "resume", "continue after a pause"),
    ("s", "skip", "end the hold or rest in progress now and go to the next step"),
    ("e", "end", "finish an open hold"),
    ("a", "abort", "end the run: release the pressure at the vent rate"),
    ("?", "help", "show this list"),
)

MAX_WORD_GAP_S: Final = 0.4
"""Maximum time between two letters of one word; a single key acts after this time."""

_ENTER: Final = "\r\n"


class KeyParser:
    """Collects characters and returns the commands that they mean."""

    def __init__(self) -> None:
        """Start with nothing typed."""
        self._typed = ""
        self._typed_at_s = 0.0
        self._is_garbage = False
        self.rejected: str | None = None

    def put(self, character: str, now_s: float) -> list[TypedCommand]:
        """Take one character.

        Args:
            character: What was typed.
            now_s: Time at which it was typed, s on any clock.

        Returns:
            The commands that are complete now. What is no command is in `rejected`.
        """
        commands = self.expire(now_s)
        self._typed_at_s = now_s
        if character in _ENTER:
            return commands + self._finish()
        character = character.lower()
        before, self._typed = self._typed, self._typed + character
        if self._is_garbage:
            if self._typed.endswith("aa"):
                commands.append("abort")  # a key that is pressed again and again is an emergency
            return commands
        if any(word.startswith(self._typed) for word in WORDS) or (
            not before and character in KEYS
        ):
            if self._typed == "a":
                commands.append("abort")
            return commands
        if character == "a":
            self._typed = "a"
            return [*commands, "abort"]
        if len(before) == 1 and before in KEYS and character in KEYS:
            # Two keys, one right after the other.
            if before != "a":
                commands.append(KEYS[before])
            self._typed = character
            return commands
        self._is_garbage = True
        return commands

    def expire(self, now_s: float) -> list[TypedCommand]:
        """Return the command of a single key that no other key has followed."""
        if not self._typed or now_s - self._typed_at_s < MAX_WORD_GAP_S:
            return []
        return self._finish()

    def clear(self) -> None:
        """Forget what was typed."""
        self._typed, self._is_garbage = "", False

    def _finish(self) -> list[TypedCommand]:
        typed, garbage = self._typed, self._is_garbage
        self.clear()
        if not typed or (typed[0] == "a" and "abort".startswith(typed)):
            return []  # the abort was returned with its first letter
        if not garbage and typed in KEYS:
            return [KEYS[typed]]
        word = next((word for word in WORDS if word == typed), None)
        if word is not None and not garbage:
            return [word]
        self.rejected = typed
        return []
