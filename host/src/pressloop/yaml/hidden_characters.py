"""Find characters that a reader cannot see, but that change what a text says."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

WIDE_SPACES: Final = tuple("\u00a0\u1680\u202f\u205f\u3000") + tuple(
    chr(code) for code in range(0x2000, 0x200B)
)
"""Spaces that do not indent; YAML takes them for text."""

_LONE_SELECTOR: Final = re.compile("(?<=[!-~])[\ufe00-\ufe0f](?!\u20e3)")
"""A mark that chooses the form of a symbol, behind a letter or digit, where it shows nothing."""

_NO_INK: Final = frozenset("\x85\u034f\u115f\u1160\u2800\u3164\uffa0")
"""Letters, marks and symbols that show nothing, whatever their general category."""


def hidden_characters(text: str) -> list[str]:
    """Return the characters of a text that cannot be seen."""
    return [c for c in text if _is_invisible(c)] + _LONE_SELECTOR.findall(text)


def without_hidden(text: str) -> str:
    """Return a text without the characters that cannot be seen."""
    return "".join(c for c in _LONE_SELECTOR.sub("", text) if not _is_invisible(c))


def code_and_name(character: str) -> str:
    """Return a character for a message: "U+200B (zero width space)"."""
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'no name').lower()})"


def _is_invisible(character: str) -> bool:
    """Return whether a character takes no width, or breaks the line for some readers only."""
    return unicodedata.category(character) in ("Cf", "Zl", "Zp") or character in _NO_INK
