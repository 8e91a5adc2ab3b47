"""Encodes and decodes the CBOR subset of the wire: maps described by the field tables of schema.py.

Definite lengths, integers of up to 32 bits in their shortest form, ascending keys, no floats, tags,
null or nested maps: one value has one encoding (RFC 8949 section 4.2). An error is that of the
first wrong byte.
"""

from pressloop_fw.wire.schema import (
    ERR_BAD_TYPE,
    ERR_MALFORMED,
    ERR_MISSING_FIELD,
    ERR_OUT_OF_RANGE,
    ERR_UNKNOWN_FIELD,
)

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr8

# generated: numbers of other modules; edit the lists and run `make generate`.
# wire.schema: T_INT T_BOOL T_BYTES T_TEXT
_T_INT = const(0)
_T_BOOL = const(1)
_T_BYTES = const(2)
_T_TEXT = const(3)
# end of generated

# Major types, in the top three bits of an initial byte.
_UINT = const(0x00)
_NINT = const(0x20)
_BYTES = const(0x40)
_TEXT = const(0x60)
_ARRAY = const(0x80)
_MAP = const(0xA0)
_SIMPLE = const(0xE0)

_FALSE = const(0xF4)
_TRUE = const(0xF5)


class CodecError(Exception):
    """A payload or a value does not fit the field table.

    `code` is an ERR_ constant of the schema; `field` is the map key at fault, 0 without one.
    """

    def __init__(self, code, field=0):
        super().__init__(code, field)
        self.code = code
        self.field = field


class _Reader:
    """Reads a buffer from a position that never passes `end`."""

    def __init__(self, buf, pos, end):
        self.buf = buf
        self.pos = pos
        self.end = end

    def head(self, field):
        """Read an initial byte and its argument; return (major type, argument)."""
        pos = self.pos
        if pos >= self.end:
            raise CodecError(ERR_MALFORMED, field)
        first = self.buf[pos]
        pos += 1
        major = first & 0xE0
        info = first & 0x1F
        if major == _SIMPLE:
            # Floats and null are not of the subset; false and true have no argument.
            if first != _FALSE and first != _TRUE:
                raise CodecError(ERR_MALFORMED, field)
            self.pos = pos
            return major, first
        if info < 24:
            self.pos = pos
            return self._known(major, field), info
        if info > 26:
            # 64 bits, the reserved values, or an indefinite length.
            raise CodecError(ERR_MALFORMED, field)
        size = 1 << (info - 24)
        if pos + size > self.end:
            raise CodecError(ERR_MALFORMED, field)
        value = 0
        for i in range(pos, pos + size):
            value = value << 8 | self.buf[i]
        if value < (24, 0x100, 0x10000)[info - 24]:
            raise CodecError(ERR_MALFORMED, field)
        self.pos = pos + size
        return self._known(major, field), value

    def _known(self, major, field):
        if major > _MAP:
            raise CodecError(ERR_MALFORMED, field)
        return major

    def take(self, length, field):
        """Skip `length` bytes; return where they start."""
        start = self.pos
        if length > self.end - start:
            raise CodecError(ERR_MALFORMED, field)
        self.pos = start + length
        return start


def _read_int(reader, low, high, field):
    major, value = reader.head(field)
    if major == _NINT:
        value = -1 - value
    elif major != _UINT:
        raise CodecError(ERR_BAD_TYPE, field)
    if not low <= value <= high:
        raise CodecError(ERR_OUT_OF_RANGE, field)
    return value


def _read_value(reader, entry):
    field = entry[0]
    kind = entry[1]
    low = entry[2]
    high = entry[3]
    if kind == _T_INT:
        return _read_int(reader, low, high, field)
    major, length = reader.head(field)
    if kind == _T_BOOL:
        if major != _SIMPLE:
            raise CodecError(ERR_BAD_TYPE, field)
        return length == _TRUE
    if major != (_BYTES if kind == _T_BYTES else _TEXT if kind == _T_TEXT else _ARRAY):
        raise CodecError(ERR_BAD_TYPE, field)
    if major == _ARRAY:
        if not low <= length <= high:
            raise CodecError(ERR_OUT_OF_RANGE, field)
        return [_read_int(reader, entry[5], entry[6], field) for _ in range(length)]
    start = reader.take(length, field)
    if major == _TEXT and not is_utf8(reader.buf, start, reader.pos):
        raise CodecError(ERR_MALFORMED, field)
    if not low <= length <= high:
        raise CodecError(ERR_OUT_OF_RANGE, field)
    value = bytes(reader.buf[start : reader.pos])
    return value if kind == _T_BYTES else value.decode()


def is_utf8(buf, pos, end):
    """Return whether buf[pos:end] is UTF-8 by RFC 3629.

    MicroPython's own decoder accepts overlong forms, surrogates and codes beyond U+10FFFF.
    """
    while pos < end:
        first = buf[pos]
        pos += 1
        if first < 0x80:
            continue
        if not 0xC2 <= first <= 0xF4:
            return False
        more = 1 if first < 0xE0 else 2 if first < 0xF0 else 3
        if pos + more > end:
            return False
        # After these first bytes the second one has a narrower range.
        low = 0xA0 if first == 0xE0 else 0x90 if first == 0xF0 else 0x80
        high = 0x9F if first == 0xED else 0x8F if first == 0xF4 else 0xBF
        if not low <= buf[pos] <= high:
            return False
        for i in range(pos + 1, pos + more):
            if not 0x80 <= buf[i] <= 0xBF:
                return False
        pos += more
    return True


def decode_map(fields, buf, start, end):
    """Decode buf[start:end] as one map with nothing behind it; return {key: value}.

    Absent optional fields are absent from the result. Raises CodecError.
    """
    reader = _Reader(buf, start, end)
    major, count = reader.head(0)
    if major != _MAP:
        raise CodecError(ERR_MALFORMED)
    values = {}
    at = 0
    last = -1
    for _ in range(count):
        major, key = reader.head(0)
        if major != _UINT or key <= last:
            raise CodecError(ERR_MALFORMED)
        last = key
        while at < len(fields) and fields[at][0] < key:
            _may_be_absent(fields[at])
            at += 1
        if at == len(fields) or fields[at][0] != key:
            raise CodecError(ERR_UNKNOWN_FIELD, key if key < 256 else 0)
        values[key] = _read_value(reader, fields[at])
        at += 1
    if reader.pos != end:
        raise CodecError(ERR_MALFORMED)
    while at < len(fields):
        _may_be_absent(fields[at])
        at += 1
    return values


def _may_be_absent(entry):
    if entry[4]:
        raise CodecError(ERR_MISSING_FIELD, entry[0])


@micropython.viper
def _put_head(buf: ptr8, room: int, pos: int, major: int, value: int) -> int:
    """Write an initial byte and its argument in the shortest form to buf[pos:room].

    Return the end of what was written, 0 without room for it.
    """
    size = 0
    info = value
    # On the chip a machine word of more than 31 bits is negative.
    if value < 0 or value >> 16:
        size = 4
        info = 26
    elif value >> 8:
        size = 2
        info = 25
    elif value > 23:
        size = 1
        info = 24
    at = pos + size
    if at >= room:
        return 0
    buf[pos] = major | info
    while at > pos:
        buf[at] = value & 0xFF
        value >>= 8
        at -= 1
    return at + 1 + size


def _put_int(buf, room, pos, value, low, high, field):
    if type(value) is not int:
        raise CodecError(ERR_BAD_TYPE, field)
    if not low <= value <= high:
        raise CodecError(ERR_OUT_OF_RANGE, field)
    if value < 0:
        pos = _put_head(buf, room, pos, _NINT, -1 - value)
    else:
        pos = _put_head(buf, room, pos, _UINT, value)
    if not pos:
        raise CodecError(ERR_OUT_OF_RANGE, field)
    return pos


def _put_more(buf, room, pos, value, entry):
    """Write a value that is neither integer nor boolean."""
    field = entry[0]
    kind = entry[1]
    major = _BYTES
    if kind == _T_TEXT:
        if type(value) is not str:
            raise CodecError(ERR_BAD_TYPE, field)
        major = _TEXT
        value = value.encode()
    elif kind == _T_BYTES:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise CodecError(ERR_BAD_TYPE, field)
    else:
        if not isinstance(value, (list, tuple)):
            raise CodecError(ERR_BAD_TYPE, field)
        major = _ARRAY
    length = len(value)
    if not entry[2] <= length <= entry[3]:
        raise CodecError(ERR_OUT_OF_RANGE, field)
    pos = _put_head(buf, room, pos, major, length)
    if not pos or (major != _ARRAY and pos + length > room):
        raise CodecError(ERR_OUT_OF_RANGE, field)
    if major != _ARRAY:
        buf[pos : pos + length] = value
        return pos + length
    for element in value:
        pos = _put_int(buf, room, pos, element, entry[5], entry[6], field)
    return pos


def encode_map(fields, values, buf, start, put_head=_put_head, put_int=_put_int):
    """Encode {key: value} into buf from `start` on; return the end.

    Absent keys and None are left out. Raises CodecError when the values do not fit the field table,
    and with ERR_OUT_OF_RANGE when they do not fit the buffer, whose length never changes. The last
    two arguments save a look-up of these functions per field.
    """
    room = len(buf)
    get = values.get
    present = 0
    for entry in fields:
        if get(entry[0]) is not None:
            present += 1
        elif entry[4]:
            raise CodecError(ERR_MISSING_FIELD, entry[0])
    pos = put_head(buf, room, start, _MAP, present)
    if not pos:
        raise CodecError(ERR_OUT_OF_RANGE)
    for entry in fields:
        field = entry[0]
        value = get(field)
        if value is None:
            continue
        pos = put_head(buf, room, pos, _UINT, field)
        if not pos:
            raise CodecError(ERR_OUT_OF_RANGE, field)
        kind = entry[1]
        if kind == _T_INT:
            pos = put_int(buf, room, pos, value, entry[2], entry[3], field)
        elif kind != _T_BOOL:
            pos = _put_more(buf, room, pos, value, entry)
        elif type(value) is not bool:
            raise CodecError(ERR_BAD_TYPE, field)
        else:
            pos = put_head(buf, room, pos, _SIMPLE, 21 if value else 20)
            if not pos:
                raise CodecError(ERR_OUT_OF_RANGE, field)
    return pos
