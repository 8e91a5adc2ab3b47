"""Layout of the packed telemetry record."""

from __future__ import annotations

from generator.model import Message, SchemaError

_CODES = {
    (0, 255): ("B", 1),
    (0, 65535): ("H", 2),
    (-32768, 32767): ("h", 2),
    (0, 4294967295): ("I", 4),
    (-2147483648, 2147483647): ("i", 4),
}


def record_format(record: Message) -> tuple[str, list[int]]:
    """Return the struct format, without padding, and each column's offset and then the size."""
    codes, offsets = "<", [0]
    for field in record.fields:
        column = (field.type.low, field.type.high)
        if column not in _CODES:
            raise SchemaError(f"{record.name}.{field.name}: {column} is no machine integer")
        code, size = _CODES[column]
        codes += code
        offsets.append(offsets[-1] + size)
    return codes, offsets


def short_record_format(record: Message) -> tuple[str, int]:
    """Return struct format and size of a record without the optional column."""
    codes, offsets = record_format(record)
    if record.fields[-1].required:
        return codes, offsets[-1]
    return codes[:-1], offsets[-2]
