"""A tree of nodes to mappings, lists, text, numbers, booleans; what is ambiguous is a finding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pressloop.findings import Finding, KeyPath, Severity, path_text
from pressloop.yaml.parse import UnreadableError, compose
from pressloop.yaml.source_map import Mark, SourceMap

MAX_NODES: Final = 20_000
"""Counted after aliases are followed: a few lines of nested aliases can stand for billions."""

_TAG: Final = "tag:yaml.org,2002:"
_PLAIN_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_PLAIN_FLOAT: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{0,18})?([eE][-+]?[0-9]{1,3})?")


_OLD_BOOLEANS: Final = frozenset(("y", "n", "yes", "no", "on", "off"))


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


class _TooLargeError(Exception):
    """More nodes than a protocol can have."""


class _Reader:
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
                f"the document has more than {MAX_NODES} values, counted with its aliases",
                "write repeated stages as a repeat block",
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
                "an alias stands for what contains it",
                "write the stages out, or use a repeat block",
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

    def _sequence(self, node: SequenceNode, path: KeyPath) -> list[object]:
        self._check_tag(node, path, "seq")
        items = []
        for index, item in enumerate(node.value):
            self.marks.record((*path, index), key=None, value=_mark(item))
            items.append(self._convert(item, (*path, index)))
        return items

    def _scalar(self, node: Node, path: KeyPath) -> object:
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

    def _check_tag(self, node: Node, path: KeyPath, expected: str) -> None:
        if str(node.tag) != _TAG + expected:
            self._add(
                "error",
                "unsupported-tag",
                path,
                f"the tag '{node.tag}' is not supported",
                "remove the word that begins with an exclamation mark",
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
            f"the anchor '&{name}' stands here again: '*{name}' means this one from here on",
            "give each anchor its own name",
        )

    def _add(self, severity: Severity, code: str, path: KeyPath, message: str, hint: str) -> None:
        self.findings.append(self.marks.finding(severity, code, path, message, hint))


def _characters(node: Node) -> str:
    """Return the text of a scalar without halves of characters.

    JSON, which is YAML too, escapes a character beyond 16 bits as two halves, and the reader takes
    them one by one. A half alone stands for nothing and becomes U+FFFD.
    """
    text = str(node.value)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _mark(node: Node) -> Mark:
    mark = node.start_mark
    return Mark(mark.line + 1, mark.column + 1)
