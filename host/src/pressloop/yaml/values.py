"""Convert a tree of YAML nodes to plain data; ambiguous values become findings."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pressloop.findings import Finding, KeyPath, Severity, path_text
from pressloop.number_types import WrittenFloat
from pressloop.yaml.cut_text import cut_number, joined_at_commas, lost_text, number_form_hint
from pressloop.yaml.hidden_characters import (
    WIDE_SPACES,
    code_and_name,
    hidden_characters,
    without_hidden,
)
from pressloop.yaml.parse import UnreadableError, compose
from pressloop.yaml.source_map import Mark, SourceMap

MAX_NODES: Final = 20_000
"""Limit after aliases are expanded: a few lines of nested aliases can expand to billions."""

_TAG: Final = "tag:yaml.org,2002:"
_PLAIN_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_PLAIN_FLOAT: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{0,18})?([eE][-+]?[0-9]{1,3})?")

_NOT_FINITE: Final = re.compile(r"[-+]?\.(nan|inf)", re.IGNORECASE)

_OLD_BOOLEANS: Final = frozenset(("y", "n", "yes", "no", "on", "off"))
"""Text in YAML 1.2, but true or false in YAML 1.1."""


@dataclass
class YamlSource:
    """The content of a text. `data` is None if it cannot be read at all."""

    data: object
    marks: SourceMap
    findings: list[Finding]


def read_yaml(text: str) -> YamlSource:
    """Read any text as YAML; never raises."""
    reader = _Reader()
    data = reader.read(text)
    return YamlSource(data, reader.marks, reader.findings)


class _TooLargeError(Exception):
    """The document has more than `MAX_NODES` nodes."""


class _Reader:
    """Converts one document and collects its findings."""

    def __init__(self) -> None:
        self.marks = SourceMap()
        self.findings: list[Finding] = []
        self._nodes = 0
        self._open: list[Node] = []
        self._anchors: dict[str, Node] = {}

    def read(self, text: str) -> object:
        try:
            return self._convert(compose(text), ())
        except UnreadableError as error:
            self.findings.append(error.finding)
        except (_TooLargeError, RecursionError):
            self._add(
                "error",
                "too-large",
                (),
                f"the document has more than {MAX_NODES} values after its aliases are expanded",
                "check that this is the right file; write repeated stages as a repeat block",
            )
        return None

    def _convert(self, node: Node, path: KeyPath) -> object:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _TooLargeError
        if any(node is parent for parent in self._open):
            self._add(
                "error",
                "recursive-alias",
                path,
                "an alias refers to the part that contains it",
                "remove the alias; write the part out, or use a repeat block",
            )
            return ""
        if not path:
            self.marks.record(path, key=None, value=_mark(node))
        self._check_anchor(node, path)
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return self._sequence(node, path)
            return self._scalar(node, path)
        finally:
            self._open.pop()

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, object]:
        self._check_tag(node, path, "map")
        mapping: dict[str, object] = {}
        # What merge keys stand for, so that nothing is reported as missing.
        merged: dict[str, object] = {}
        for key_node, value_node in joined_at_commas(node):
            if not isinstance(key_node, ScalarNode):
                self._add(
                    "error",
                    "wrong-type",
                    path,
                    "a key is a list or a group of keys, not a word",
                    "check braces, dashes and question marks at this place",
                )
                continue
            key = _characters(key_node)
            inner = (*path, key)
            if key_node.tag == f"{_TAG}merge":
                self.marks.record(inner, key=_mark(key_node), value=_mark(value_node))
                self._add(
                    "error",
                    "merge-key",
                    inner,
                    "merge keys (<<) are not supported",
                    "write the keys out",
                )
                inherited = self._convert(value_node, inner)
                if isinstance(inherited, dict):
                    merged.update(inherited)
                continue
            key = self._visible(key_node, inner, key)
            if key[:1] in WIDE_SPACES:
                self._add_at(
                    key_node,
                    "invisible-character",
                    inner,
                    f"the line is indented with {code_and_name(key[0])}, which YAML takes for text",
                    "indent with plain spaces",
                )
                key = key.strip()
            inner = (*path, key)
            if key in mapping:
                first = self.marks.key(inner)
                self._add_at(
                    key_node,
                    "duplicate-key",
                    inner,
                    f"'{key}' is given a second time"
                    + (f"; the first is in line {first.line}" if first else ""),
                    "remove one of the two",
                )
                continue
            self.marks.record(inner, key=_mark(key_node), value=_mark(value_node))
            mapping[key] = self._convert(value_node, inner)
        return merged | mapping

    def _sequence(self, node: SequenceNode, path: KeyPath) -> list[object]:
        self._check_tag(node, path, "seq")
        cut = cut_number(node)
        if cut is not None:
            self._add_at(
                cut,
                "ambiguous-value",
                path,
                f"the comma after '{cut.value}' may be a decimal comma; YAML takes it as the end "
                "of a value",
                "write decimals with a point; if these are two values, put a space after the comma",
            )
        items = []
        for index, item in enumerate(node.value):
            self.marks.record((*path, index), key=None, value=_mark(item))
            items.append(self._convert(item, (*path, index)))
        return items

    def _scalar(self, node: Node, path: KeyPath) -> object:
        text = self._visible(node, path, _characters(node))
        self._check_cut(node, path, text)
        kind = str(node.tag).removeprefix(_TAG)
        if kind == "null":
            self.findings.append(
                self.marks.finding(
                    "error",
                    "empty-value",
                    path,
                    "the value is missing",
                    "write one, or remove the key; what belongs to a key is indented deeper",
                    at_key=True,
                )
            )
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int" and _PLAIN_INTEGER.fullmatch(text):
            return int(text)
        if kind == "float" and _PLAIN_FLOAT.fullmatch(text):
            number = WrittenFloat(text)
            if math.isfinite(number):
                return number
        if kind in ("int", "float"):
            too_large = kind == "float" and _PLAIN_FLOAT.fullmatch(text)
            if too_large or _NOT_FINITE.fullmatch(text):
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
                    f"YAML readers interpret the number '{text}' differently",
                    number_form_hint(text),
                )
            return text
        if kind not in ("str", "timestamp"):
            self._check_tag(node, path, "str")
        elif text.lower() in _OLD_BOOLEANS and getattr(node, "style", None) is None:
            self._add(
                "warning",
                "ambiguous-value",
                path,
                f"'{text}' is read as text, but older YAML readers take it for true or false",
                f'quote it as "{text}", or write true or false',
            )
        return text

    def _check_cut(self, node: Node, path: KeyPath, text: str) -> None:
        """Warn of an unquoted text that YAML ends at a space and a number sign."""
        lost = lost_text(node)
        if lost is not None:
            self._add(
                "warning",
                "text-cut",
                path,
                f"YAML takes '{lost}' for a comment, so the text is only '{text}'",
                "put the whole text in quotes if that belongs to it; put a space behind the number "
                "sign if it is a comment",
            )

    def _visible(self, node: Node, path: KeyPath, text: str) -> str:
        """Return a text without invisible characters; the first one becomes a finding."""
        hidden = hidden_characters(text)
        if not hidden:
            return text
        mark = node.start_mark
        source = str(mark.buffer or "")
        index = source.find(hidden[0], mark.index, node.end_mark.index)
        line, column = mark.line + 1, mark.column + 1
        if index >= 0:
            line = source.count("\n", 0, index) + 1
            column = index - source.rfind("\n", 0, index)
        self.findings.append(
            Finding(
                "error",
                "invisible-character",
                path_text(path),
                f"there is an invisible character, {code_and_name(hidden[0])}",
                "remove it; if it cannot be seen, type the text anew",
                line,
                column,
            )
        )
        return without_hidden(text)

    def _check_tag(self, node: Node, path: KeyPath, expected: str) -> None:
        if str(node.tag) != _TAG + expected:
            self._add(
                "error",
                "unsupported-tag",
                path,
                f"the tag '{node.tag}' is not supported",
                "remove the word that begins with an exclamation mark (!)",
            )

    def _check_anchor(self, node: Node, path: KeyPath) -> None:
        name = getattr(node, "anchor", None)
        if name is None or self._anchors.setdefault(name, node) is node:
            return
        self._anchors[name] = node
        self._add(
            "warning",
            "duplicate-anchor",
            path,
            f"the anchor '&{name}' is given again: '*{name}' refers to this one from here on",
            "give each anchor its own name",
        )

    def _add_at(self, node: Node, code: str, path: KeyPath, message: str, hint: str) -> None:
        """Report an error at the position of a node, which may be a key."""
        mark = _mark(node)
        text = path_text(path)
        self.findings.append(Finding("error", code, text, message, hint, mark.line, mark.column))

    def _add(self, severity: Severity, code: str, path: KeyPath, message: str, hint: str) -> None:
        self.findings.append(self.marks.finding(severity, code, path, message, hint))


def _characters(node: Node) -> str:
    """Return the text of a scalar with surrogate pairs joined.

    JSON, which is YAML too, escapes a character beyond 16 bits as two surrogates, and the parser
    returns them one by one. A single surrogate is no character and becomes U+FFFD.
    """
    text = str(node.value)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _mark(node: Node) -> Mark:
    mark = node.start_mark
    return Mark(mark.line + 1, mark.column + 1)
