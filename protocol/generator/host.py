"""Writes host/src/pressloop/wire/schema.py: enumerations, message classes, field tables."""

from __future__ import annotations

import textwrap

from generator.model import Enum, Field, Message, Schema
from generator.prose import attribute_name, class_name, constant_name, sentence, unit
from generator.record import record_format, short_record_format

WIDTH = 100

HEAD = '''"""Enumerations and messages of the wire protocol.

Generated from protocol/pressloop.cddl by protocol/generate.py: do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, ClassVar, Final

from pressloop.wire.message import CodedMessage, Field, FieldKind, Message, Request
'''

ANNOTATIONS = {
    "int": "int",
    "bool": "bool",
    "bytes": "bytes",
    "text": "str",
    "ints": "tuple[int, ...]",
}


def _docstring(text: str, indent: str) -> list[str]:
    wrapped = textwrap.wrap(
        '"""' + sentence(text) + '"""', WIDTH - len(indent), break_on_hyphens=False
    )
    return [indent + line for line in wrapped]


def _block_docstring(text: str, indent: str) -> list[str]:
    """Write a docstring; the first sentence stands alone when the whole does not fit one line."""
    one_line = _docstring(text, indent)
    if len(one_line) == 1:
        return one_line
    first, _, rest = sentence(text).partition(". ")
    lines = [f'{indent}"""{sentence(first)}']
    if rest:
        lines += ["", *(indent + line for line in textwrap.wrap(rest, WIDTH - len(indent)))]
    return [*lines, f'{indent}"""']


def _enum(enum: Enum) -> list[str]:
    base = "IntFlag" if enum.flags else "IntEnum"
    lines = ["", "", f"class {class_name(enum.name)}({base}):"]
    lines += _block_docstring(enum.doc, "    ")
    lines.append("")
    for member in enum.members:
        lines.append(f"    {constant_name(member.name)} = {member.value}")
        if member.doc:
            lines += _docstring(member.doc, "    ")
    return lines


def _annotation(field: Field) -> str:
    enum = field.type.enum
    return class_name(enum) if enum else ANNOTATIONS[field.type.kind]


def _attribute(field: Field) -> list[str]:
    optional = "" if field.required else " | None = None"
    lines = [f"    {attribute_name(field.name)}: {_annotation(field)}{optional}"]
    doc = "" if field.doc == field.type.enum else sentence(field.doc)
    if unit(field):
        doc = f"{doc} Unit: {unit(field)}.".strip()
    if doc:
        lines += _docstring(doc, "    ")
    return lines


def _field(field: Field) -> str:
    return f"Field({', '.join(_field_parts(field))})"


def _field_lines(field: Field) -> list[str]:
    """Return the entry of a field in the table, wrapped as the formatter wraps it."""
    one_line = f"        {_field(field)},"
    if len(one_line) <= WIDTH:
        return [one_line]
    return [
        "        Field(",
        *(f"            {part}," for part in _field_parts(field)),
        "        ),",
    ]


def _field_parts(field: Field) -> list[str]:
    type_ = field.type
    parts = [
        str(field.key),
        f'"{attribute_name(field.name)}"',
        f"FieldKind.{type_.kind.upper()}",
        str(type_.low),
        str(type_.high),
    ]
    if not field.required:
        parts.append("required=False")
    if type_.enum:
        parts.append(f"enum={class_name(type_.enum)}")
    if type_.kind == "ints":
        parts += [f"element_low={type_.element_low}", f"element_high={type_.element_high}"]
    return parts


def _fields_table(fields: tuple[Field, ...]) -> list[str]:
    head = "    FIELDS: ClassVar[tuple[Field, ...]] = "
    if len(fields) == 1 and len(one_line := f"{head}({_field(fields[0])},)") <= WIDTH:
        return [one_line]
    if not fields:
        return [head + "()"]
    return [head + "(", *(line for field in fields for line in _field_lines(field)), "    )"]


def _role(message: Message) -> tuple[str, str]:
    """Return the base class of a message and the code of its frame; "" without a code."""
    stem, _, suffix = message.name.rpartition("-")
    if suffix == "request":
        return f"Request[{class_name(stem)}Reply]", f"Command.{constant_name(stem)}"
    if suffix in ("notice", "event"):
        return "CodedMessage", f"{class_name(suffix)}.{constant_name(stem)}"
    return "Message", ""


def _message(message: Message) -> list[str]:
    base, code = _role(message)
    stem = message.name.removesuffix("-reply")
    if message.base is not None:
        base = class_name(message.base) + (f", {base}" if code else "")
    lines = ["", "", "@dataclass(frozen=True, slots=True)"]
    lines.append(f"class {class_name(message.name)}({base}):")
    lines += _block_docstring(message.doc or f"Answers `{stem}`", "    ")
    if code:
        enum = code.partition(".")[0]
        lines += ["", f"    CODE: ClassVar[{enum}] = {code}"]
    if message.base is None:
        lines += [""] if not code else []
        lines += _fields_table(message.fields)
        lines += [""] if message.fields else []
        for field in message.fields:
            lines += _attribute(field)
    if message.name.endswith("-request"):
        reply = class_name(message.name.removesuffix("-request")) + "Reply"
        lines += [
            "",
            "    @classmethod",
            f"    def reply_type(cls) -> type[{reply}]:",
            '        """Return the class of the reply."""',
            f"        return {reply}",
        ]
    return lines


def _in_order(schema: Schema) -> list[Message]:
    """Return the messages so that bases and replies stand before the classes that name them."""
    rank = {"request": 2, "reply": 1}

    def order(message: Message) -> int:
        return rank.get(message.name.rpartition("-")[2], 0)

    return sorted(schema.messages.values(), key=order)


def emit(schema: Schema) -> str:
    """Return the text of the module."""
    lines = [HEAD]
    for constant in schema.constants:
        lines.append(f"{constant_name(constant.name)}: Final = {constant.value}")
        if constant.doc:
            lines += _docstring(constant.doc, "")
    digest = "".join(f"\\x{byte:02x}" for byte in schema.digest[:8])
    lines.append(f'SCHEMA_HASH: Final = b"{digest}"')
    lines.append('"""First bytes of the SHA-256 of the schema."""')

    codes, offsets = record_format(schema.record)
    lines.append(f'RECORD_FORMAT: Final = "{codes}"')
    lines.append('"""Struct format of a packed telemetry record."""')
    lines.append(f"RECORD_SIZE: Final = {offsets[-1]}")
    lines.append('"""Bytes of a packed telemetry record."""')
    short_codes, short_size = short_record_format(schema.record)
    lines.append(f'SHORT_RECORD_FORMAT: Final = "{short_codes}"')
    lines.append('"""Struct format of a record without its optional last column."""')
    lines.append(f"SHORT_RECORD_SIZE: Final = {short_size}")
    lines.append('"""Bytes of a record without its optional last column."""')
    lines.append("RECORD_FIELDS: Final = (")
    for field in schema.record.fields:
        lines.append(f'    "{attribute_name(field.name)}",  # {field.doc}')
    lines.append(")")
    lines.append('"""Columns of a telemetry record, in the order of `RECORD_FORMAT`."""')

    for enum in schema.enums.values():
        lines += _enum(enum)
    for message in _in_order(schema):
        lines += _message(message)

    lines += [
        "",
        "",
        "REQUESTS: Final[dict[Command, tuple[type[Request[Any]], type[Message]]]] = {",
    ]
    for command in schema.commands:
        name = class_name(command.name)
        lines.append(f"    Command.{constant_name(command.name)}: ({name}Request, {name}Reply),")
    lines += ["}", '"""Request and reply of every command."""', ""]
    return "\n".join(lines)
