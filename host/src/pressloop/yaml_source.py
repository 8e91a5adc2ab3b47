"""YAML text to plain data, remembering where each piece stood.

Reads YAML 1.2 down to mappings, lists, text, integers, floats and booleans, without constructing
anything else, and stops at sizes that no protocol has. What other YAML readers would take for
something else (`010`, a duplicate key, an empty value) is a finding, not a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from pressloop.findings import Finding, Path, Severity, path_text

MAX_BYTES: Final = 128 * 1024
"""A protocol of 200 stages has some 30 KiB; beyond this it is another file, or an attack."""

MAX_NODES: Final = 20_000
"""Counted after aliases are followed: a few lines of nested aliases can stand for billions."""

_TAG: Final = "tag:yaml.org,2002:"
_PLAIN_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_PLAIN_FLOAT: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{0,18})?([eE][-+]?[0-9]{1,3})?")
_OLD_DIRECTIVE: Final = re.compile(r"^%YAML\s+(?!1\.2\b)(\S+)", re.MULTILINE)
_OLD_BOOLEANS: Final = frozenset(("y", "n", "yes", "no", "on", "off"))


@dataclass(frozen=True)
class Mark:
    """A place in the text, both numbers from 1."""

    line: int
    column: int


@dataclass
class SourceMap:
    """Where keys and values of the document stand in the text."""

    _keys: dict[Path, Mark] = field(default_factory=dict)
    _values: dict[Path, Mark] = field(default_factory=dict)

    def record(self, path: Path, *, key: Mark | None, value: Mark) -> None:
        """Remember where a key and its value stand; list items have no key."""
        if key is not None:
            self._keys[path] = key
        self._values[path] = value

    def value(self, path: Path) -> Mark | None:
        """Return where a value stands, or what is nearest around it."""
        while path not in self._values and path:
            path = path[:-1]
        return self._values.get(path)

    def key(self, path: Path) -> Mark | None:
        """Return where a key stands, or what is nearest around it."""
        return self._keys.get(path) or self.value(path)

    def finding(
        self,
        severity: Severity,
        code: str,
        path: Path,
        message: str,
        hint: str,
        *,
        at_key: bool = False,
    ) -> Finding:
        """Return a finding that knows its line."""
        mark = self.key(path) if at_key else self.value(path)
        line, column = (mark.line, mark.column) if mark else (None, None)
        return Finding(severity, code, path_text(path), message, hint, line, column)


@dataclass
class YamlSource:
    """What a text holds. `data` is None when it cannot be read at all."""

    data: object
    marks: SourceMap
    findings: list[Finding]


def read_yaml(text: str) -> YamlSource:
    """Read YAML; never raises, whatever the text."""
    reader = _Reader()
    data = reader.read(text)
    return YamlSource(data, reader.marks, reader.findings)


class _UnreadableError(Exception):
    """The text as a whole cannot be read; carries the finding that says why."""

    def __init__(self, code: str, message: str, hint: str, mark: Mark | None = None) -> None:
        super().__init__(message)
        line, column = (mark.line, mark.column) if mark else (1, 1)
        self.finding = Finding("error", code, ".", message, hint, line, column)


class _TooLargeError(Exception):
    """More nodes than a protocol can have."""


class _Reader:
    def __init__(self) -> None:
        self.marks = SourceMap()
        self.findings: list[Finding] = []
        self._nodes = 0
        self._open: list[Node] = []

    def read(self, text: str) -> object:
        try:
            return self._convert(_compose(text), ())
        except _UnreadableError as error:
            self.findings.append(error.finding)
        except (_TooLargeError, RecursionError):
            self._add(
                "error",
                "too-large",
                (),
                f"the document has more than {MAX_NODES} values, counted with its aliases",
                "write repeated stages as a repeat block",
            )
        return None

    def _convert(self, node: Node, path: Path) -> object:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _TooLargeError
        if any(node is parent for parent in self._open):
            self._add(
                "error",
                "recursive-alias",
                path,
                "an alias stands for what contains it",
                "write the stages out, or use a repeat block",
            )
            return ""
        if not path:
            self.marks.record(path, key=None, value=_mark(node))
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return self._sequence(node, path)
            return self._scalar(node, path)
        finally:
            self._open.pop()

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, object]:
        self._check_tag(node, path, "map")
        mapping: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._add(
                    "error",
                    "wrong-type",
                    path,
                    "a key is not a word",
                    "check the braces and dashes around it",
                )
                continue
            key = _characters(key_node)
            inner = (*path, key)
            if key in mapping:
                first = self.marks.key(inner)
                mark = _mark(key_node)
                self.findings.append(
                    Finding(
                        "error",
                        "duplicate-key",
                        path_text(inner),
                        f"'{key}' stands here a second time"
                        + (f"; the first is in line {first.line}" if first else ""),
                        "remove one of the two",
                        mark.line,
                        mark.column,
                    )
                )
                continue
            self.marks.record(inner, key=_mark(key_node), value=_mark(value_node))
            mapping[key] = self._convert(value_node, inner)
        return mapping

    def _sequence(self, node: SequenceNode, path: Path) -> list[object]:
        self._check_tag(node, path, "seq")
        items = []
        for index, item in enumerate(node.value):
            self.marks.record((*path, index), key=None, value=_mark(item))
            items.append(self._convert(item, (*path, index)))
        return items

    def _scalar(self, node: Node, path: Path) -> object:
        text = _characters(node)
        kind = str(node.tag).removeprefix(_TAG)
        if kind == "null":
            self.findings.append(
                self.marks.finding(
                    "error",
                    "empty-value",
                    path,
                    "there is no value here",
                    "write one, or remove the key; is what follows indented deeper than the key?",
                    at_key=True,
                )
            )
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int" and _PLAIN_INTEGER.fullmatch(text):
            return int(text)
        if kind == "float" and _PLAIN_FLOAT.fullmatch(text):
            return float(text)
        if kind in ("int", "float"):
            if re.fullmatch(r"[-+]?\.(nan|inf)", text, re.IGNORECASE):
                self._add(
                    "error",
                    "out-of-range",
                    path,
                    f"'{text}' is not a finite number",
                    "write a finite number",
                )
            else:
                self._add(
                    "error",
                    "ambiguous-value",
                    path,
                    f"YAML readers do not agree on the number '{text}'",
                    "write plain decimal digits, without leading zeros, or quote it as text",
                )
            return text
        if kind not in ("str", "timestamp"):
            self._check_tag(node, path, "str")
        elif text.lower() in _OLD_BOOLEANS and getattr(node, "style", None) is None:
            self._add(
                "warning",
                "ambiguous-value",
                path,
                f"'{text}' is text here, but true or false to older YAML readers",
                f'quote it as "{text}", or write true or false',
            )
        return text

    def _check_tag(self, node: Node, path: Path, expected: str) -> None:
        if str(node.tag) != _TAG + expected:
            self._add(
                "error",
                "unsupported-tag",
                path,
                f"the tag '{node.tag}' is not supported",
                "remove the word that begins with an exclamation mark",
            )

    def _add(self, severity: Severity, code: str, path: Path, message: str, hint: str) -> None:
        self.findings.append(self.marks.finding(severity, code, path, message, hint))


def _characters(node: Node) -> str:
    """Return the text of a scalar without halves of characters.

    JSON, which is YAML too, escapes a character beyond 16 bits as two halves, and the reader takes
    them one by one. A half alone stands for nothing and becomes U+FFFD.
    """
    text = str(node.value)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _compose(text: str) -> Node:
    """Return the tree of nodes of a text.

    Raises:
        _UnreadableError: there is none, or it would be absurdly large.
    """
    # Surrogates cannot come from a file, but from a script they can.
    size = len(text.encode(errors="replace"))
    if size > MAX_BYTES:
        raise _UnreadableError(
            "too-large",
            f"the document has {size} bytes, more than {MAX_BYTES}",
            "is this the right file? Write repeated stages as a repeat block",
        )
    old = _OLD_DIRECTIVE.search(text)
    if old is not None:
        raise _UnreadableError(
            "yaml-version",
            f"the document asks to be read as YAML {old[1]}",
            "remove the %YAML line: protocols are YAML 1.2",
            Mark(text.count("\n", 0, old.start()) + 1, 1),
        )
    try:
        root: Node | None = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        problem = str(error.problem or error.context or "not YAML")
        mark = error.problem_mark or error.context_mark
        where = Mark(mark.line + 1, mark.column + 1) if mark else None
        raise _UnreadableError(
            "malformed-yaml", f"not YAML: {problem}", _yaml_hint(problem), where
        ) from error
    except ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        raise _UnreadableError(
            "malformed-yaml",
            "the document has a character that YAML does not allow",
            "remove control characters; save the file as plain UTF-8 text",
            Mark(before.count("\n") + 1, len(before) - before.rfind("\n")),
        ) from error
    except RecursionError as error:
        raise _UnreadableError(
            "too-large", "the document is nested too deeply", "write it with less nesting"
        ) from error
    except Exception as error:
        # For some malformed escapes and numbers the scanner lets bare ValueErrors and the like
        # pass; to the user they are all the same mistake.
        raise _UnreadableError(
            "malformed-yaml", f"not YAML: {error}", "look for stray quotes and backslashes"
        ) from error
    if root is None:
        raise _UnreadableError(
            "empty-file",
            "the document is empty",
            "start from one of the examples, like examples/sodium_three_step.yaml",
        )
    return root


def _mark(node: Node) -> Mark:
    mark = node.start_mark
    return Mark(mark.line + 1, mark.column + 1)


def _yaml_hint(problem: str) -> str:
    if "'\\t'" in problem or "tab" in problem:
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in problem:
        return "quote text that contains a colon followed by a space, and check the indentation"
    if "'%'" in problem:
        return "write the number before the percent sign, like '0.5 %'"
    if "document" in problem:
        return "one file holds one protocol: remove the line with three dashes"
    if "undefined alias" in problem:
        return "quote text that begins with an asterisk"
    if "'@'" in problem or "'`'" in problem:
        return "quote text that begins with a special character"
    return "check this line and the one above: indentation, quotes, brackets and colons"
