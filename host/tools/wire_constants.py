"""Put the numbers of the wire's schema into the firmware's sources before they are compiled.

On stock MicroPython the modules are in the chip's memory. The names of the schema's 400 constants
took 16 KiB of it, a fifth of what the modules leave. Lines stay where they are, so that a traceback
names the line of the source.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

SCHEMA: Final = "pressloop_fw.wire.schema"
_ALIAS: Final = "schema"


def constants_of(schema: str) -> dict[str, int]:
    """Return the constants `NAME = const(NUMBER)` of the schema's source, by name."""
    return {
        node.targets[0].id: ast.literal_eval(node.value.args[0])
        for node in ast.parse(schema).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
    }


def imported_names(sources: Iterable[str]) -> set[str]:
    """Return the names that some of the sources import from the schema one by one."""
    return {
        alias.name
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module == SCHEMA
        for alias in node.names
    }


def in_user(source: str, constants: dict[str, int]) -> str:
    """Return the source of a module with the number for each `schema.NAME` of a constant."""
    return _replaced(source, lambda tokens, at: _attribute(tokens, at, constants))


def in_schema(source: str, constants: dict[str, int], kept: set[str]) -> str:
    """Return the schema's source with numbers in its tables, and only the constants in `kept`."""
    lines = source.splitlines(keepends=True)
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in constants and name not in kept:
                lines[node.lineno - 1] = "\n"
    return _replaced(
        "".join(lines),
        lambda tokens, at: _name(tokens, at, constants),
    )


def inlined(files: Iterable[Path], schema: Path) -> dict[Path, str]:
    """Return the sources of a package's modules with the numbers in place, by file."""
    sources = {path: path.read_text(encoding="utf-8") for path in files}
    constants = constants_of(sources[schema])
    kept = imported_names(sources.values())
    return {
        path: in_schema(source, constants, kept) if path == schema else in_user(source, constants)
        for path, source in sources.items()
    }


_Found = tuple[int, int]
"""The number that replaces, and how many tokens it replaces."""
_Finder = Callable[[list[tokenize.TokenInfo], int], _Found | None]


def _replaced(source: str, found_at: _Finder) -> str:
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    lines = source.splitlines(keepends=True)
    # From the end, so that the columns before a replacement stay true.
    for at in reversed(range(len(tokens))):
        found = found_at(tokens, at)
        if found is not None:
            number, count = found
            (row, begin), (_, end) = tokens[at].start, tokens[at + count - 1].end
            line = lines[row - 1]
            text = str(number) if number >= 0 else f"({number})"
            lines[row - 1] = line[:begin] + text + line[end:]
    return "".join(lines)


def _attribute(
    tokens: list[tokenize.TokenInfo], at: int, constants: dict[str, int]
) -> _Found | None:
    names = [token.string for token in tokens[at : at + 3]]
    if names[:2] == [_ALIAS, "."] and names[2] in constants:
        return constants[names[2]], 3
    return None


def _name(tokens: list[tokenize.TokenInfo], at: int, constants: dict[str, int]) -> _Found | None:
    token = tokens[at]
    if token.type == tokenize.NAME and token.string in constants and token.start[1] > 0:
        return constants[token.string], 1
    return None
