"""Finds the commands that pages tell readers to type, and compares them with the command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pressloop.cli.commands import COMMANDS, GROUPS

from docs_site.commands_reference import build_command, new_context

_FENCE: Final = re.compile(r"^\s*(?:```|~~~)\s*(\S*)")
_SHELLS: Final = ("", "sh", "bash", "console", "shell")
_INLINE: Final = re.compile(r"`((?:pressloop|make) [^`]+)`")
_PROGRAM: Final = re.compile(r"^(?:\$ )?((?:\.venv/bin/|build/\S+/)?pressloop|make)( .*)?$")
_CUT: Final = re.compile(r"\s(?:\||>|>>|<|&&|;|</)\s?.*$|\s</.*$")
_BY_NAME: Final = {entry.name: entry for entry in COMMANDS}


@dataclass(frozen=True)
class PageCommand:
    """One command on a page.

    Attributes:
        line: Number of its line, from 1.
        program: `pressloop` or `make`.
        text: As it is written, in one line, without prompt, comment and path of the program.
        fenced: Whether it stands in a block of its own, as something to type.
    """

    line: int
    program: str
    text: str
    fenced: bool

    @property
    def words(self) -> list[str]:
        """The words behind the program, up to a pipe or a redirection."""
        text = _CUT.sub("", self.text)
        words = shlex.split(text, comments=True)[1:]
        return [word for word in words if word not in ("...", "\\")]


def commands_on(text: str) -> Iterator[PageCommand]:
    """Yield the commands of a page, in blocks and within sentences."""
    language: str | None = None
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        fence = _FENCE.match(line)
        if fence:
            language = fence[1] if language is None else None
        elif language is None:
            for found in _INLINE.findall(line):
                yield PageCommand(number, found.split()[0], found, fenced=False)
        elif language in _SHELLS:
            while line.rstrip().endswith("\\"):
                line = line.rstrip()[:-1] + next(lines)[1]
            found_line = _PROGRAM.match(line.strip())
            if found_line:
                program = found_line[1].rpartition("/")[2]
                yield PageCommand(number, program, f"{program}{found_line[2] or ''}", fenced=True)


def problem_of(command: PageCommand, targets: frozenset[str]) -> str | None:
    """Return what is wrong with a command; None when it could be typed so.

    Args:
        command: The command.
        targets: All targets of the Makefile.
    """
    try:
        words = command.words
    except ValueError as error:
        return f"the shell would not read it: {error}"
    if command.program == "make":
        named = [word for word in words if "=" not in word and not word.startswith("-")]
        unknown = [word for word in named if re.fullmatch(r"[a-z-]+", word) and word not in targets]
        return f"there is no target {unknown[0]}" if unknown else None
    if not words or words[0].startswith("-"):
        return None  # pressloop --help
    name = " ".join(words[:2]) if words[0] in GROUPS else words[0]
    if name in GROUPS:
        return None
    entry = _BY_NAME.get(name)
    if entry is None:
        return f"there is no command {name}"
    built = build_command(entry)
    parser: Any = built.make_parser(new_context(built, name))
    try:
        parser.parse_args(words[len(name.split()) :])
    except Exception as error:  # the class depends on the version of Typer
        if not hasattr(error, "format_message"):
            raise
        return str(error.format_message())
    return None
