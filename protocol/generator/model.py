"""Reads `pressloop.cddl` into plain objects.

cddlparser checks the grammar and gives the types. Names, units and meanings are in the comments, by
the conventions at the head of the CDDL; this module reads those line by line.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Literal

import cddlparser
from cddlparser import ast

INT32_MIN = -(2**31)
UINT32_MAX = 2**32 - 1

Kind = Literal["int", "bool", "bytes", "text", "ints"]

_RULE = re.compile(r"^([a-z][a-z0-9-]*)\s*=")
_FIELD_COMMENT = re.compile(r"^([a-z][a-z0-9-]*)(?:\s+\[([^\]]+)\])?(?:\s+-\s+(.+))?$")


class SchemaError(Exception):
    """The CDDL breaks a convention; the message says which rule and what is missing."""


@dataclass(frozen=True)
class Type:
    """A value on the wire. For strings and arrays `low..high` is the length."""

    kind: Kind
    low: int
    high: int
    enum: str | None = None
    element_low: int = 0
    element_high: int = 0


@dataclass(frozen=True)
class Field:
    """One key of a message, or one column of a packed record; then `key` is its position."""

    key: int
    name: str
    unit: str
    doc: str
    type: Type
    required: bool


@dataclass(frozen=True)
class Message:
    """A map on the wire. `base` names the message whose fields it shares, if any."""

    name: str
    doc: str
    errors: tuple[str, ...]
    fields: tuple[Field, ...]
    base: str | None = None


@dataclass(frozen=True)
class Member:
    """One value of an enumeration."""

    name: str
    value: int
    doc: str


@dataclass(frozen=True)
class Enum:
    """A closed set of integers; `flags` when they are bits."""

    name: str
    doc: str
    members: tuple[Member, ...]

    @property
    def flags(self) -> bool:
        return self.name.endswith("-bits")


@dataclass(frozen=True)
class Constant:
    """A named integer."""

    name: str
    doc: str
    value: int


@dataclass(frozen=True)
class Schema:
    """All that the emitters need."""

    digest: bytes
    constants: tuple[Constant, ...]
    enums: dict[str, Enum]
    messages: dict[str, Message]
    record: Message

    @property
    def commands(self) -> tuple[Member, ...]:
        return self.enums["command"].members


@dataclass(frozen=True)
class _Comments:
    """The comments of one rule: the block above it and the one behind each entry."""

    doc: list[str]
    entries: list[str]


def _read_comments(text: str) -> dict[str, _Comments]:
    comments: dict[str, _Comments] = {}
    block: list[str] = []
    rule: _Comments | None = None
    for line in text.splitlines():
        code, _, comment = line.partition(";")
        code, comment = code.strip(), comment.strip()
        if match := _RULE.match(line):
            rule = comments[match[1]] = _Comments(block, [])
            block = []
        elif code and rule is not None and code not in ("}", ")", "]"):
            rule.entries.append(comment)
            block = []
        elif line.startswith(";"):
            block.append(comment)
        else:
            block = []
    return comments


def _integer(node: object, where: str) -> int:
    if isinstance(node, ast.Value) and node.type == "number":
        return int(node.value, 0)
    raise SchemaError(f"{where}: expected an integer, found `{node}`")


def _only(type_: ast.Type, where: str) -> ast.CDDLNode:
    if len(type_.types) != 1:
        raise SchemaError(f"{where}: a choice of types is not in the subset; use one type")
    return type_.types[0]


def _group_entries(group: ast.Group) -> list[ast.GroupEntry]:
    return [entry for choice in group.groupChoices for entry in choice.groupEntries]


def _split_doc(lines: list[str]) -> tuple[str, tuple[str, ...]]:
    """Separate a rule's prose from its `Errors:` lines."""
    prose: list[str] = []
    errors = ""
    in_errors = False
    for line in lines:
        if line.startswith("Errors:"):
            errors, in_errors = line.removeprefix("Errors:"), True
        elif in_errors:
            errors += " " + line
        else:
            prose.append(line)
    names = tuple(part.strip() for part in errors.split(",") if part.strip())
    return " ".join(part for part in prose if part), names


class _Reader:
    def __init__(self, text: str) -> None:
        self._comments = _read_comments(text)
        self._rules: dict[str, ast.CDDLNode] = {}
        for rule in cddlparser.parse(text).rules:
            if not isinstance(rule.type, ast.Type):
                raise SchemaError(f"{rule.name.name}: only types can be rules, not groups")
            self._rules[rule.name.name] = _only(rule.type, rule.name.name)
        self._digest = hashlib.sha256(text.encode()).digest()

    def schema(self) -> Schema:
        constants: list[Constant] = []
        enums: dict[str, Enum] = {}
        messages: dict[str, Message] = {}
        record: Message | None = None
        for name, node in self._rules.items():
            doc, _ = _split_doc(self._comments[name].doc)
            if isinstance(node, ast.Value):
                constants.append(Constant(name, doc, _integer(node, name)))
            elif isinstance(node, ast.ChoiceFrom):
                enums[name] = self._enum(name, doc, node)
        for name, node in self._rules.items():
            if isinstance(node, ast.Map):
                messages[name] = self._message(name, self._map_fields(name, node), None, enums)
            elif isinstance(node, ast.Array):
                record = self._message(name, self._array_fields(name, node), None, enums)
        for name, node in self._rules.items():
            if isinstance(node, ast.Typename) and node.name in messages:
                fields = messages[node.name].fields
                messages[name] = self._message(name, fields, node.name, enums)
        if record is None:
            raise SchemaError("no packed record: expected one array rule, `telemetry-record`")
        schema = Schema(self._digest, tuple(constants), enums, messages, record)
        self._check_commands(schema)
        return schema

    def _enum(self, name: str, doc: str, node: ast.ChoiceFrom) -> Enum:
        if not isinstance(node.target, ast.Group):
            raise SchemaError(f"{name}: expected `&( member: value, ... )`")
        members: list[Member] = []
        comments = self._entry_comments(name, _group_entries(node.target))
        for entry, comment in zip(_group_entries(node.target), comments, strict=True):
            if entry.key is None or not isinstance(entry.key.type, ast.Typename):
                raise SchemaError(f"{name}: every member is `name: value`")
            value = _integer(_only(entry.type, name), f"{name}.{entry.key.type.name}")
            members.append(Member(entry.key.type.name, value, comment))
        if len({member.value for member in members}) != len(members):
            raise SchemaError(f"{name}: two members have the same value")
        return Enum(name, doc, tuple(members))

    def _entry_comments(self, name: str, entries: list[ast.GroupEntry]) -> list[str]:
        comments = self._comments[name].entries
        if len(comments) != len(entries):
            raise SchemaError(
                f"{name}: {len(entries)} entries on {len(comments)} lines; write one entry per line"
            )
        return comments

    def _message(
        self, name: str, fields: tuple[Field, ...], base: str | None, enums: dict[str, Enum]
    ) -> Message:
        doc, errors = _split_doc(self._comments[name].doc)
        if name.endswith(("-request", "-notice", "-event")) and not doc:
            raise SchemaError(f"{name}: no text above the rule says what it does")
        if name.endswith("-request") and not errors:
            raise SchemaError(f"{name}: no `Errors:` line above the rule")
        known = {member.name for member in enums["error-code"].members}
        for error in errors:
            if error not in known:
                raise SchemaError(f"{name}: `Errors:` names `{error}`, which is no error-code")
        names = [field.name for field in fields]
        for field_name in names:
            if names.count(field_name) > 1:
                raise SchemaError(f"{name}: two entries are named `{field_name}`")
        return Message(name, doc, errors, fields, base)

    def _map_fields(self, name: str, node: ast.Map) -> tuple[Field, ...]:
        entries = _group_entries(node)
        fields: list[Field] = []
        for entry, comment in zip(entries, self._entry_comments(name, entries), strict=True):
            if entry.key is None:
                raise SchemaError(f"{name}: every entry is `key => type`")
            key = _integer(entry.key.type, name)
            if fields and key <= fields[-1].key:
                raise SchemaError(f"{name}: key {key} does not ascend; keys stand in wire order")
            if not 0 < key < 256:
                raise SchemaError(f"{name}: key {key} does not fit two bytes; use 1..255")
            optional = entry.occurrence is not None
            if fields and not optional and not fields[-1].required:
                raise SchemaError(f"{name}: key {key} is required but follows an optional one")
            fields.append(self._field(name, key, comment, entry.type, required=not optional))
        return tuple(fields)

    def _array_fields(self, name: str, node: ast.Array) -> tuple[Field, ...]:
        entries = _group_entries(node)
        comments = self._entry_comments(name, entries)
        fields = [
            self._field(name, place, comment, entry.type, required=entry.occurrence is None)
            for place, (entry, comment) in enumerate(zip(entries, comments, strict=True))
        ]
        if not all(field.required for field in fields[:-1]):
            raise SchemaError(f"{name}: only the last column can be optional")
        return tuple(fields)

    def _field(self, rule: str, key: int, comment: str, type_: ast.Type, required: bool) -> Field:
        match = _FIELD_COMMENT.match(comment)
        if not match:
            raise SchemaError(
                f"{rule} key {key}: the comment `{comment}` names no field; "
                "write `; name [unit] - text` behind the entry"
            )
        where = f"{rule}.{match[1]}"
        resolved = self._type(_only(type_, where), where)
        if match[3] in self._rules and match[3].endswith("-bits"):
            resolved = replace(resolved, enum=match[3])
        return Field(key, match[1], match[2] or "", match[3] or "", resolved, required)

    def _type(self, node: ast.CDDLNode, where: str) -> Type:
        if isinstance(node, ast.Range):
            low, high = _integer(node.min, where), _integer(node.max, where)
            return self._int(low, high, where)
        if isinstance(node, ast.Operator):
            return self._sized(node, where)
        if isinstance(node, ast.Array):
            return self._ints(node, where)
        if isinstance(node, ast.Typename):
            if node.name == "bool":
                return Type("bool", 0, 1)
            target = self._rules.get(node.name)
            if isinstance(target, ast.ChoiceFrom):
                enum = self._enum(node.name, "", target)
                values = sorted(member.value for member in enum.members)
                if values != list(range(values[0], values[-1] + 1)):
                    raise SchemaError(f"{where}: {node.name} has holes, so no range describes it")
                return Type("int", values[0], values[-1], enum=node.name)
            if target is not None:
                return self._type(target, where)
        raise SchemaError(f"{where}: `{node}` is not a type of the subset")

    def _int(self, low: int, high: int, where: str) -> Type:
        if not INT32_MIN <= low <= high <= UINT32_MAX:
            raise SchemaError(f"{where}: {low}..{high} does not fit 32 bits")
        return Type("int", low, high)

    def _sized(self, node: ast.Operator, where: str) -> Type:
        if node.name.literal != "size" or not isinstance(node.type, ast.Typename):
            raise SchemaError(f"{where}: only `tstr .size` and `bstr .size` are in the subset")
        size: ast.CDDLNode = node.controller
        if isinstance(size, ast.Type):
            size = _only(size, where)
        if isinstance(size, ast.Range):
            low, high = _integer(size.min, where), _integer(size.max, where)
        else:
            low = high = _integer(size, where)
        kinds: dict[str, Kind] = {"tstr": "text", "bstr": "bytes"}
        return Type(kinds[node.type.name], low, high)

    def _ints(self, node: ast.Array, where: str) -> Type:
        entries = _group_entries(node)
        if len(entries) != 1 or entries[0].occurrence is None:
            raise SchemaError(f"{where}: an array is `[low*high range]`")
        occurrence = entries[0].occurrence
        element = self._type(_only(entries[0].type, where), where)
        if element.kind != "int" or occurrence.m == float("inf"):
            raise SchemaError(f"{where}: an array holds a bounded number of integers")
        return Type(
            "ints",
            int(occurrence.n),
            int(occurrence.m),
            element_low=element.low,
            element_high=element.high,
        )

    def _check_commands(self, schema: Schema) -> None:
        def expect(member: Member, enum: str, suffix: str) -> None:
            if f"{member.name}-{suffix}" not in schema.messages:
                raise SchemaError(f"{enum} `{member.name}` has no rule {member.name}-{suffix}")

        for command in schema.commands:
            expect(command, "command", "request")
            expect(command, "command", "reply")
        for notice in schema.enums["notice"].members:
            expect(notice, "notice", "notice")
        for event in schema.enums["event"].members:
            expect(event, "event", "event")


def read_schema(text: str) -> Schema:
    """Parse and check the CDDL. Raises SchemaError, or cddlparser.ParserError on bad grammar."""
    return _Reader(text).schema()
