"""Encodes messages to CBOR and decodes them, as strictly as the board does.

cbor2 decodes. Its strict options still accept trailing bytes, integers that are longer than needed
and keys in any order; so the result is encoded again and compared with the payload.
"""

from __future__ import annotations

import struct
from typing import Any, TypeVar

import cbor2

from pressloop.errors import PressloopError
from pressloop.number_types import text_of
from pressloop.wire.message import Field, FieldKind, Message
from pressloop.wire.names import wire_name
from pressloop.wire.schema import ErrorCode, TelemetryEvent

MessageT = TypeVar("MessageT", bound=Message)

_MAX_DEPTH = 4
_SUBSET = (int, bool, bytes, str, list, dict)
_TYPES: dict[FieldKind, type] = {
    FieldKind.INT: int,
    FieldKind.BOOL: bool,
    FieldKind.BYTES: bytes,
    FieldKind.TEXT: str,
    FieldKind.INTS: list,
}


class WireError(PressloopError):
    """A message does not fit the schema.

    Attributes:
        reason: What is wrong, as the board's error code for it.
        field: Name of the field at fault, or its key when the message has no such field.
    """

    default_code = "wire"

    def __init__(self, message: str, *, hint: str, reason: ErrorCode, field: str = "") -> None:
        """Keep what is wrong and where."""
        super().__init__(message, hint=hint, code=wire_name(reason))
        self.reason = reason
        self.field = field


class EncodeError(WireError):
    """A message has a value that the wire cannot carry."""


class DecodeError(WireError):
    """The board sent something that the schema does not have."""


class _FlawError(Exception):
    """Carries what is wrong with a value up to where its message is known."""

    def __init__(self, reason: ErrorCode, field: str = "", detail: str = "") -> None:
        super().__init__(reason, field, detail)
        self.reason = reason
        self.field = field
        self.detail = detail


def encode_message(message: Message) -> bytes:
    """Encode a message.

    Raises:
        EncodeError: A value has the wrong type or is out of range.
    """
    values: dict[int, Any] = {}
    try:
        for field in message.FIELDS:
            value = getattr(message, field.name)
            if value is not None:
                values[field.key] = _to_wire(field, value)
            elif field.required:
                raise _FlawError(ErrorCode.MISSING_FIELD, field.name)
    except _FlawError as flaw:
        raise EncodeError(
            f"{type(message).__name__}{_describe(flaw)}",
            hint="docs/wire-reference.md lists the fields and their ranges",
            reason=flaw.reason,
            field=flaw.field,
        ) from None
    return cbor2.dumps(values)


def decode_message(message_type: type[MessageT], payload: bytes) -> MessageT:
    """Decode the payload of a frame as a message of this type.

    Raises:
        DecodeError: The payload is not CBOR of the wire's subset, or not this message.
    """
    try:
        return message_type(**_decode_fields(message_type.FIELDS, payload))
    except _FlawError as flaw:
        raise DecodeError(
            f"the board sent a {message_type.__name__}{_describe(flaw)}",
            hint="board and host may be of different versions: compare `pressloop info`",
            reason=flaw.reason,
            field=flaw.field,
        ) from None


_MAX_RECORD_BYTES = TelemetryEvent.FIELDS[-1].high

# Layouts of {1: first, 2: tick, 3: records} as they are on a busy link: more than 255 bytes of
# records, and two numbers of 16 bits or of 32. The key is the head of the first number; then follow
# the layout, its constant parts and the smallest number that deterministic CBOR writes so.
_HEADS = {
    0x19: (struct.Struct(">3sH2sH2sH"), b"\xa3\x01\x19", b"\x02\x19", 0x100),
    0x1A: (struct.Struct(">3sI2sI2sH"), b"\xa3\x01\x1a", b"\x02\x1a", 0x10000),
}
_RECORDS_HEAD = b"\x03\x59"
_MIN_LONG = 0x100
# These do what the constructor of a frozen dataclass does, in a third of its time.
_new_event = object.__new__
_set_first, _set_tick, _set_records = (
    vars(TelemetryEvent)[field.name].__set__ for field in TelemetryEvent.FIELDS
)


def decode_telemetry(payload: bytes) -> TelemetryEvent:
    """Decode a telemetry event as `decode_message` does, but fast enough for a thousand a second.

    Deterministic CBOR writes a value in one way only. So reading the usual heads at their fixed
    positions is as strict as decoding; any other payload goes to `decode_message`.

    Raises:
        DecodeError: As `decode_message`.
    """
    size = len(payload)
    if size > _MIN_LONG and (usual := _HEADS.get(payload[2])) is not None:
        layout, map_head, tick_head, least = usual
        head, first, middle, tick, records_head, length = layout.unpack_from(payload)
        start = layout.size
        if (
            head == map_head
            and middle == tick_head
            and records_head == _RECORDS_HEAD
            and first >= least
            and tick >= least
            and _MIN_LONG <= length <= _MAX_RECORD_BYTES
            and size == start + length
        ):
            event = _new_event(TelemetryEvent)
            _set_first(event, first)
            _set_tick(event, tick)
            _set_records(event, payload[start:])
            return event
    return decode_message(TelemetryEvent, payload)


def _decode_fields(fields: tuple[Field, ...], payload: bytes) -> dict[str, Any]:
    raw = _load(payload)
    values: dict[str, Any] = {}
    rest = iter(fields)
    field = next(rest, None)
    for key, value in raw.items():
        while field is not None and field.key < key:
            _may_be_absent(field)
            field = next(rest, None)
        if field is None or field.key != key:
            raise _FlawError(ErrorCode.UNKNOWN_FIELD, str(key))
        values[field.name] = _from_wire(field, value)
        field = next(rest, None)
    while field is not None:
        _may_be_absent(field)
        field = next(rest, None)
    # All values are of the subset. What remains to be checked is how they were written.
    if cbor2.dumps(raw) != payload:
        raise _FlawError(ErrorCode.MALFORMED, detail="not the one deterministic encoding")
    return values


def _load(payload: bytes) -> dict[int, Any]:
    """Decode a map with ascending integer keys."""
    try:
        raw = cbor2.loads(
            payload, max_depth=_MAX_DEPTH, allow_indefinite=False, allow_duplicate_keys=False
        )
    except (cbor2.CBORDecodeError, ValueError, ArithmeticError) as error:
        raise _FlawError(ErrorCode.MALFORMED, detail=str(error)) from None
    if type(raw) is not dict:
        raise _FlawError(ErrorCode.MALFORMED, detail="not a map")
    last = -1
    for key in raw:
        if type(key) is not int or key <= last:
            raise _FlawError(ErrorCode.MALFORMED, detail="keys are not ascending integers")
        last = key
    return raw


def _may_be_absent(field: Field) -> None:
    if field.required:
        raise _FlawError(ErrorCode.MISSING_FIELD, field.name)


def _from_wire(field: Field, value: object) -> object:
    if type(value) not in _SUBSET:
        detail = f"{type(value).__name__} is not in the subset"
        raise _FlawError(ErrorCode.MALFORMED, field.name, detail)
    if type(value) is int and not -(2**32) <= value < 2**32:
        raise _FlawError(ErrorCode.MALFORMED, field.name, f"{value} has more than 32 bits")
    if type(value) is not _TYPES[field.kind]:
        raise _FlawError(ErrorCode.BAD_TYPE, field.name, f"{value!r}")
    checked = _checked(field, value)
    return checked if field.enum is None else field.enum(checked)


def _to_wire(field: Field, value: object) -> object:
    if field.kind is FieldKind.INT and isinstance(value, int) and not isinstance(value, bool):
        # A member of an enumeration has a class of its own.
        value = int(value)
    if field.kind is FieldKind.INTS and isinstance(value, tuple):
        value = list(value)
    if type(value) is not _TYPES[field.kind]:
        raise _FlawError(ErrorCode.BAD_TYPE, field.name, f"{value!r}")
    checked = _checked(field, value)
    return list(checked) if isinstance(checked, tuple) else checked


def _checked(field: Field, value: Any) -> Any:
    """Return a value of the right type when it is in range; arrays as tuples."""
    if field.kind is FieldKind.BOOL:
        return value
    if field.kind is FieldKind.INT:
        _in_range(field, value, field.low, field.high)
        return value
    length = _utf8_length(field, value) if field.kind is FieldKind.TEXT else len(value)
    if not field.low <= length <= field.high:
        limits = f"length {length} is not in {field.low}..{field.high}"
        raise _FlawError(ErrorCode.OUT_OF_RANGE, field.name, limits)
    if field.kind is not FieldKind.INTS:
        return value
    for element in value:
        if type(element) is not int:
            raise _FlawError(ErrorCode.BAD_TYPE, field.name, text_of(element, repr))
        _in_range(field, element, field.element_low, field.element_high)
    return tuple(value)


def _utf8_length(field: Field, text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise _FlawError(ErrorCode.BAD_TYPE, field.name, str(error)) from None


def _in_range(field: Field, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise _FlawError(
            ErrorCode.OUT_OF_RANGE, field.name, f"{text_of(value)} is not in {low}..{high}"
        )


def _describe(flaw: _FlawError) -> str:
    where = f".{flaw.field}" if flaw.field else ""
    return f"{where}: {wire_name(flaw.reason)}" + (f", {flaw.detail}" if flaw.detail else "")
