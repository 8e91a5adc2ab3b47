"""Writes a page for each command, from the command line itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, Final

import typer
from pressloop.cli.commands import COMMANDS, GROUPS, CommandEntry

_PLAIN: Final = str.maketrans("", "", "{}")
_KINDS: Final = {"str": "TEXT", "int": "NUMBER", "float": "NUMBER", "path": "PATH"}

HEAD: Final = """\
# Commands

Every command has `--help`. Data go to standard output, status and errors to standard error. Exit
codes are the same everywhere: 0 done, 1 not completed or refused, 2 bad input, 3 no board.

| command | what it does |
|---|---|
"""


def build_command(entry: CommandEntry) -> Any:
    """Return a command with its arguments and options, as the command line has it.

    It is one of Click, which newer versions of Typer bring themselves.
    """
    single = typer.Typer(add_completion=False)
    single.command(entry.name.rpartition(" ")[2])(entry.load())
    return typer.main.get_command(single)


def command_pages() -> Iterator[tuple[str, str]]:
    """Yield path and text of each page."""
    rows = []
    for entry in COMMANDS:
        name = f"commands/{entry.name.replace(' ', '-')}.md"
        rows.append(f"| [`pressloop {entry.name}`]({name}) | {entry.help} |\n")
        yield f"reference/{name}", _page(entry)
    groups = "".join(f"\n`pressloop {name} --help`: {text}\n" for name, text in GROUPS.items())
    yield "reference/commands.md", HEAD + "".join(rows) + groups


def new_context(command: Any, name: str) -> Any:
    """Return a context of Click's for a command."""
    return command.context_class(command, info_name=f"pressloop {name}")


def _page(entry: CommandEntry) -> str:
    command = build_command(entry)
    context = new_context(command, entry.name)
    usage = (
        " ".join(command.collect_usage_pieces(context)).translate(_PLAIN).replace("......", "...")
    )
    text = inspect.cleandoc(entry.load().__doc__ or "")
    parts = [
        f"# pressloop {entry.name}\n",
        f"{text}\n",
        f"```\npressloop {entry.name} {usage}\n```\n",
    ]
    for kind in ("argument", "option"):
        rows = [
            f"| `{_name(parameter, record[0])}` | {_cell(record[1])} |\n"
            for parameter in command.params
            if parameter.param_type_name == kind
            and (record := parameter.get_help_record(context)) is not None
        ]
        if rows:
            parts.append(f"| {kind} | meaning |\n|---|---|\n" + "".join(rows))
    return "\n".join(parts)


def _name(parameter: Any, shown: str) -> str:
    """Return the names of a parameter; behind those of an option stands what it takes."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    return re.sub(r"<(\w+)[^>]*>", lambda kind: _KINDS.get(kind[1], kind[1].upper()), shown)


def _cell(text: str | None) -> str:
    """Return a text for a cell of a table."""
    return (text or "").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
