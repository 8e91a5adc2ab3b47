"""Parse YAML text into a tree of nodes, or into the one finding that says why it cannot be."""

from __future__ import annotations

import re
import warnings
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning
from ruamel.yaml.nodes import Node
from ruamel.yaml.reader import ReaderError

from pressloop.findings import Finding
from pressloop.yaml.source_map import Mark

MAX_BYTES: Final = 128 * 1024
"""A protocol of 200 stages has about 30 KiB; a larger file is another file, or an attack."""

_TAB_AFTER_TEXT: Final = re.compile(r"(?<=[^ \t\n])[ \t]*\t[ \t]*")
"""Tabs that do not indent. YAML allows them there, the parser does not."""

_LONE_TABS: Final = re.compile(r"^[ \t]*\t[ \t]*(?=#|\r?$)", re.MULTILINE)
"""Tabs in a line that is empty or has only a comment."""

_WIDE_INDENT: Final = re.compile(r" *[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_NUMBER_SIGN: Final = re.compile(r"[^\s] +#[^\s#]")

_OLD_DIRECTIVE: Final = re.compile(r"^%YAML\s+(?!1\.2\b)(\S+)", re.MULTILINE)


class UnreadableError(Exception):
    """The text as a whole cannot be read; `finding` says why."""

    def __init__(self, code: str, message: str, hint: str, mark: Mark | None = None) -> None:
        super().__init__(message)
        line, column = (mark.line, mark.column) if mark else (1, 1)
        self.finding = Finding("error", code, ".", message, hint, line, column)


def compose(text: str) -> Node:
    """Return the tree of nodes of a text.

    Raises:
        UnreadableError: The text is not YAML, is empty, or is too large.
    """
    # A text from a script can contain surrogates, which cannot be encoded; a file cannot.
    size = len(text.encode(errors="replace"))
    if size > MAX_BYTES:
        raise UnreadableError(
            "too-large",
            f"the document has {size} bytes, more than {MAX_BYTES}",
            "check that this is the right file; write repeated stages as a repeat block",
        )
    old = _OLD_DIRECTIVE.search(text)
    if old is not None:
        raise UnreadableError(
            "yaml-version",
            f"the document declares itself as YAML {old[1]}, but YAML 1.2 is needed",
            "remove the %YAML line",
            Mark(text.count("\n", 0, old.start()) + 1, 1),
        )
    try:
        with warnings.catch_warnings():
            # `values` reports it as a finding with its line instead of a text on stderr.
            warnings.simplefilter("ignore", ReusedAnchorWarning)
            root: Node | None = YAML(typ="safe", pure=True).compose(_without_tabs(text))
    except MarkedYAMLError as error:
        problem = str(error.problem or error.context or "not YAML")
        mark = error.problem_mark or error.context_mark
        where = Mark(mark.line + 1, mark.column + 1) if mark else None
        lines = _lines_around(text, where)
        raise UnreadableError(
            "malformed-yaml", f"not YAML: {problem}", _yaml_hint(problem, lines), where
        ) from error
    except ReaderError as error:
        position = error.position if isinstance(error.position, int) else 0
        before = re.sub(r"\r\n?", "\n", text[:position])
        raise UnreadableError(
            "malformed-yaml",
            f"the document has a control character, U+{ord(text[position]):04X}",
            "remove it; it cannot be seen in most editors, so type the line anew",
            Mark(before.count("\n") + 1, len(before) - before.rfind("\n")),
        ) from error
    except RecursionError as error:
        raise UnreadableError(
            "too-large", "the document is nested too deeply", "write it with less nesting"
        ) from error
    except Exception as error:
        # For some malformed escapes and numbers the scanner raises plain ValueErrors and others;
        # for the user they are the same mistake.
        raise UnreadableError(
            "malformed-yaml", f"not YAML: {error}", "check the quotes and backslashes"
        ) from error
    if root is None:
        raise UnreadableError(
            "empty-file",
            "the document is empty",
            "copy one of the files in examples to start from",
        )
    return root


def _without_tabs(text: str) -> str:
    """Return the text with a space for each tab that does not indent; positions stay the same."""
    for tabs in (_LONE_TABS, _TAB_AFTER_TEXT):
        text = tabs.sub(lambda found: " " * len(found[0]), text)
    return text


def _lines_around(text: str, mark: Mark | None) -> list[str]:
    """Return the line at a position and the one above; the cause is in one of them."""
    number = mark.line if mark else 1
    return re.split(r"\r\n?|\n", text)[max(0, number - 2) : number]


def _yaml_hint(problem: str, lines: list[str]) -> str:
    if any(line.startswith("```") for line in lines):
        return "remove the lines of backticks around the protocol"
    if any(_WIDE_INDENT.match(line) for line in lines):
        return "indent with plain spaces: there are others, such as no-break spaces"
    if "'\\t'" in problem or "tab" in problem:
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in problem:
        return "quote text that contains a colon followed by a space, and check the indentation"
    if any(_NUMBER_SIGN.search(line) for line in lines):
        return "quote text that has a number sign after a space: the rest of it is a comment"
    if "sequence entries are not allowed" in problem:
        return "quote text that begins with a dash"
    if "'%'" in problem:
        return "quote text that begins with a percent sign; a percentage begins with its number"
    if "document" in problem:
        return "a file holds one document; the second begins at a line with three dashes"
    if "undefined alias" in problem:
        return "quote text that begins with an asterisk"
    if "'@'" in problem or "'`'" in problem:
        return "quote text that begins with a special character"
    return "check this line and the one above: indentation, quotes, brackets and colons"
