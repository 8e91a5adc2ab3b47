"""Recognise values that YAML cuts or reads otherwise than their author: `#3`, `74,5`, `010`.

A comment cuts a text, a comma cuts a number in braces or brackets, and YAML readers differ on octal
and other forms of numbers. None of it is an error of YAML, so all of it would go unnoticed.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_TAG: Final = "tag:yaml.org,2002:"

_CUT_TEXT: Final = re.compile(r"[ \t]+(#[^\s#!][^\n]*)")
"""A comment without a space at its begin, such as " #3, then": more likely part of the text."""

_CUT_LINE: Final = re.compile(r"[ \t]*\r?\n( *)(#[^\s#!][^\n]*)")
"""The same at the begin of the next line."""

_INDENT: Final = re.compile(r" *(?:- +)*")
"""What stands before the key of a line."""

_MAX_DIGITS: Final = 18


def lost_text(node: Node) -> str | None:
    """Return what YAML takes for a comment although it probably belongs to a text, or None."""
    if getattr(node, "style", None) is not None:
        return None
    start, end = node.start_mark, node.end_mark
    source = str(start.buffer or "")
    cut = _CUT_TEXT.match(source, end.index)
    if cut is not None:
        return cut[1].rstrip()
    next_line = _CUT_LINE.match(source, end.index)
    before = _INDENT.match(source, start.index - start.column)
    # Only a line that is indented deeper than the key would go on with its text.
    if next_line is None or before is None or len(next_line[1]) <= len(before[0]):
        return None
    return next_line[2].rstrip()


def number_form_hint(text: str) -> str:
    """Return what to write for a number that YAML readers interpret differently."""
    digits = text.lstrip("+-")
    if digits.startswith("."):
        return "write a digit before the point"
    if text.startswith("+"):
        return "leave the plus sign out"
    if "_" in text:
        return "leave the separator out"
    if len(digits) > _MAX_DIGITS:
        return "shorten the number: it has more digits than a measured value"
    return "write plain decimal digits without leading zeros, or quote it as text"


def cut_number(node: SequenceNode) -> ScalarNode | None:
    """Return the first number in brackets whose comma is followed by a digit without a space."""
    for first, second in pairwise(node.value):
        if (
            node.flow_style
            and isinstance(first, ScalarNode)
            and isinstance(second, ScalarNode)
            and first.style is None
            and second.style is None
            and first.value.isdigit()
            and second.value[:1].isdigit()
            and second.start_mark.index == first.end_mark.index + 1
        ):
            return first
    return None


def joined_at_commas(node: MappingNode) -> list[tuple[Node, Node]]:
    """Return keys and values; a number that braces cut at a comma is joined again.

    In `{target: 74,5 MPa}` YAML reads the key `5 MPa` without a value. No key begins with a digit.
    """
    pairs: list[tuple[Node, Node]] = []
    for key, value in node.value:
        cut = (
            bool(pairs)
            and node.flow_style
            and isinstance(key, ScalarNode)
            and key.style is None
            and key.value[:1].isdigit()
            and value.tag == f"{_TAG}null"
            and isinstance(pairs[-1][1], ScalarNode)
            and pairs[-1][1].style is None
            and pairs[-1][1].value[-1:].isdigit()
        )
        if not cut:
            pairs.append((key, value))
            continue
        first_key, first = pairs[-1]
        start, end = first.start_mark, key.end_mark
        text = str(start.buffer)[start.index : end.index]
        pairs[-1] = (first_key, ScalarNode(f"{_TAG}str", text, start, end))
    return pairs
