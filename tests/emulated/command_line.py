"""The command line of the tool in a process of its own."""

from __future__ import annotations

import sys


def command(*words: object) -> list[str]:
    """Return the argument list of `pressloop` with these words."""
    program = [sys.executable, "-c", "from pressloop.cli import main; main()"]
    return [*program, *map(str, words)]
