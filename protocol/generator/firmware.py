"""Writes firmware/pressloop_fw/wire/schema.py: constants and tuples, so that no name takes RAM."""

from __future__ import annotations

from generator.model import Field, Message, Schema
from generator.prose import constant_name
from generator.record import record_format, short_record_format

PREFIXES = {
    "frame-kind": "KIND",
    "command": "CMD",
    "notice": "NOTICE",
    "event": "EVENT",
    "error-code": "ERR",
    "state": "STATE",
    "step-kind": "STEP",
    "hold-mode": "HOLD",
    "host-loss-action": "HOST_LOSS",
    "end-reason": "END",
    "fault": "FAULT",
    "reset-cause": "RESET",
    "step-outcome": "OUTCOME",
    "dwell-end": "DWELL",
    "input-bits": "INPUT",
    "flag-bits": "FLAG",
    "capability-bits": "CAP",
    "storage-bits": "STORAGE",
    "journal-kind": "JOURNAL",
    "transducer-signal": "SIGNAL",
    "converter": "CONVERTER",
    "pump-drive": "PUMP_DRIVE",
    "release-drive": "RELEASE_DRIVE",
    "auxiliary-sensor": "AUXILIARY",
    "calibration-result": "CALIBRATION",
}

HEAD = '''"""Constants and field tables of every message.

Generated from protocol/pressloop.cddl by protocol/generate.py: do not edit.

A field is `(key, type, low, high, required)`, and the fields of a table are in the order of their
keys. For strings and arrays `low..high` is the length; an array has the limits of its elements in
two more members.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const


T_INT = const(0)
T_BOOL = const(1)
T_BYTES = const(2)
T_TEXT = const(3)
T_INTS = const(4)
'''


def _field_tuple(field: Field) -> str:
    type_ = field.type
    parts = [
        str(field.key),
        "T_" + type_.kind.upper(),
        str(type_.low),
        str(type_.high),
        str(field.required),
    ]
    if type_.kind == "ints":
        parts += [str(type_.element_low), str(type_.element_high)]
    return f"({', '.join(parts)})"


def _table(message: Message) -> list[str]:
    name = constant_name(message.name)
    if message.base is not None:
        return ["", f"{name}_FIELDS = {constant_name(message.base)}_FIELDS"]
    lines = ["", *(f"{name}_{constant_name(f.name)} = const({f.key})" for f in message.fields)]
    if not message.fields:
        return [*lines, f"{name}_FIELDS = ()"]
    rows = (f"    {_field_tuple(field)},  # {field.name}" for field in message.fields)
    return [*lines, f"{name}_FIELDS = (", *rows, ")"]


def emit(schema: Schema) -> str:
    """Return the text of the module."""
    lines = [HEAD]
    for constant in schema.constants:
        lines.append(f"{constant_name(constant.name)} = const({constant.value})")
    lines.append("")
    lines.append("# First bytes of the SHA-256 of the schema.")
    lines.append(f"SCHEMA_HASH = {_bytes_literal(schema.digest[:8])}")
    for enum in schema.enums.values():
        lines.append("")
        lines += [f"# {enum.doc}"] if enum.doc else []
        prefix = PREFIXES[enum.name]
        lines += [f"{prefix}_{constant_name(m.name)} = const({m.value})" for m in enum.members]

    codes, offsets = record_format(schema.record)
    lines.append("")
    lines.append("# A telemetry record: struct format, size and the offset of each column.")
    lines.append(f'RECORD_FORMAT = "{codes}"')
    lines.append(f"RECORD_SIZE = const({offsets[-1]})")
    short_codes, short_size = short_record_format(schema.record)
    lines.append("# The same without its optional last column.")
    lines.append(f'SHORT_RECORD_FORMAT = "{short_codes}"')
    lines.append(f"SHORT_RECORD_SIZE = const({short_size})")
    for field, offset in zip(schema.record.fields, offsets, strict=False):
        lines.append(f"RECORD_{constant_name(field.name)} = const({offset})")

    lines.append("")
    lines.append("# Message keys and field tables.")
    for message in _bases_first(schema):
        lines += _table(message)
    lines += ["", "# Fields of each command's request and reply.", "COMMANDS = {"]
    for command in schema.commands:
        name = constant_name(command.name)
        lines.append(f"    CMD_{name}: ({name}_REQUEST_FIELDS, {name}_REPLY_FIELDS),")
    lines += ["}", ""]
    return "\n".join(lines)


def _bases_first(schema: Schema) -> list[Message]:
    return sorted(schema.messages.values(), key=lambda message: message.base is not None)


def _bytes_literal(data: bytes) -> str:
    return 'b"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'
