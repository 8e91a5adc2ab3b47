"""Writes docs/wire-reference.md: every command, notice, event and enumeration."""

from __future__ import annotations

from generator.model import Enum, Field, Member, Message, Schema
from generator.prose import sentence, unit
from generator.record import record_format

HEAD = """\
<!-- Generated from protocol/pressloop.cddl by protocol/generate.py: do not edit. -->

# Wire reference

Protocol version {major}.{minor}. [Wire protocol](wire.md) describes frames and sessions.

Every payload is a CBOR map with the integer keys below. Integers fit 32 bits. The length of text is
counted in bytes of UTF-8. Keys marked *optional* may be absent.

Any request can also be refused as `unknown-command`, `malformed`, `missing-field`,
`unknown-field`, `bad-type` or `out-of-range`.
"""


def _range(field: Field) -> str:
    type_ = field.type
    span = str(type_.low) if type_.low == type_.high else f"{type_.low}..{type_.high}"
    if type_.enum:
        return f"[{type_.enum}](#{type_.enum})"
    if type_.kind == "int":
        return span
    if type_.kind == "bool":
        return "true, false"
    if type_.kind == "ints":
        return f"{span} integers of {type_.element_low}..{type_.element_high}"
    return f"text of {span} bytes" if type_.kind == "text" else f"{span} bytes"


def _row(cells: list[str]) -> str:
    return "|" + "|".join(f" {cell.strip()} " if cell else " " for cell in cells) + "|"


def _fields(fields: tuple[Field, ...]) -> list[str]:
    rows = ["| key | name | range | unit | meaning |", "|---|---|---|---|---|"]
    for field in fields:
        optional = "" if field.required else "*optional* "
        meaning = "" if field.doc == field.type.enum else sentence(field.doc)
        cells = [str(field.key), f"`{field.name}`", _range(field), unit(field), optional + meaning]
        rows.append(_row(cells))
    return rows


def _map(title: str, message: Message) -> list[str]:
    if message.base is not None:
        return ["", f"{title}: a [{message.base}](#{message.base})."]
    if not message.fields:
        return ["", f"{title}: an empty map."]
    return ["", f"{title}:", "", *_fields(message.fields)]


def _command(command: Member, schema: Schema) -> list[str]:
    request = schema.messages[f"{command.name}-request"]
    meanings = {member.name: member.doc for member in schema.enums["error-code"].members}
    lines = ["", f"### {command.name}", "", f"Command {command.value}."]
    lines += [request.doc]
    lines += _map("Parameters", request)
    lines += _map("Reply", schema.messages[f"{command.name}-reply"])
    lines += ["", "Errors:", ""]
    lines += [f"- `{error}`: {meanings[error]}" for error in request.errors]
    return lines


def _enum(enum: Enum) -> list[str]:
    lines = ["", f"### {enum.name}", "", enum.doc, ""]
    lines += ["| value | name | meaning |", "|---|---|---|"]
    for member in enum.members:
        lines.append(_row([str(member.value), f"`{member.name}`", sentence(member.doc)]))
    return lines


def _record(schema: Schema) -> list[str]:
    codes, offsets = record_format(schema.record)
    lines = ["", "## Telemetry record", "", sentence(schema.record.doc)]
    lines += [f"As a Python `struct` format: `{codes}`.", ""]
    lines += ["| offset | name | range | unit | meaning |", "|---|---|---|---|---|"]
    for field, offset in zip(schema.record.fields, offsets, strict=False):
        meaning = "" if field.doc == field.type.enum else sentence(field.doc)
        cells = [str(offset), f"`{field.name}`", _range(field), unit(field), meaning]
        lines.append(_row(cells))
    return lines


def emit(schema: Schema) -> str:
    """Return the text of the page."""
    constants = {constant.name: constant for constant in schema.constants}
    head = HEAD.format(
        major=constants["protocol-major"].value, minor=constants["protocol-minor"].value
    )
    lines = [head, "| limit | value | meaning |", "|---|---|---|"]
    for constant in schema.constants:
        if constant.doc:
            lines.append(f"| `{constant.name}` | {constant.value} | {constant.doc} |")
    lines += ["", "## Commands"]
    for command in schema.commands:
        lines += _command(command, schema)
    for kind in ("notice", "event"):
        lines += ["", f"## {kind.capitalize()}s"]
        for member in schema.enums[kind].members:
            message = schema.messages[f"{member.name}-{kind}"]
            lines += [
                "",
                f"### {member.name}",
                "",
                f"{kind.capitalize()} {member.value}.",
                message.doc,
                "",
                *_fields(message.fields),
            ]
    lines += ["", "## Shared maps"]
    roles = ("-request", "-reply", "-notice", "-event")
    for message in schema.messages.values():
        if not message.name.endswith(roles) or message.name == "error-reply":
            lines += ["", f"### {message.name}", "", message.doc, "", *_fields(message.fields)]
    lines += _record(schema)
    lines += ["", "## Enumerations"]
    for enum in schema.enums.values():
        if enum.name not in ("command", "notice", "event"):
            lines += _enum(enum)
    return "\n".join([*lines, ""])
