"""What the test vectors do not cover of the board's codec, such as wrong values."""

from pressloop_fw.loop.telemetry_ring import begin_event
from pressloop_fw.wire import cbor, schema

# How many of the byte strings below CPython's own decoder accepts.
CPYTHON_ACCEPTS = 375


def refused(code, field, fields, values):
    try:
        cbor.encode_map(fields, values, bytearray(200), 0)
    except cbor.CodecError as error:
        return (error.code, error.field) == (code, field)
    return False


def hello(**changes):
    values = {1: 7, 2: 1, 3: 0, 4: "bench"}
    values.update({int(key[1:]): value for key, value in changes.items()})
    return values


def test_encode_refuses_what_the_schema_does_not_have():
    fields = schema.HELLO_REQUEST_FIELDS
    assert refused(schema.ERR_MISSING_FIELD, 4, fields, hello(k4=None))
    assert refused(schema.ERR_BAD_TYPE, 1, fields, hello(k1="7"))
    assert refused(schema.ERR_BAD_TYPE, 1, fields, hello(k1=True))
    assert refused(schema.ERR_BAD_TYPE, 1, fields, hello(k1=7.0))
    assert refused(schema.ERR_BAD_TYPE, 4, fields, hello(k4=b"bench"))
    assert refused(schema.ERR_OUT_OF_RANGE, 2, fields, hello(k2=256))
    assert refused(schema.ERR_OUT_OF_RANGE, 2, fields, hello(k2=-1))
    assert refused(schema.ERR_OUT_OF_RANGE, 4, fields, hello(k4=""))
    # 21 characters, 42 bytes.
    assert refused(schema.ERR_OUT_OF_RANGE, 4, fields, hello(k4="\u00e9" * 21))
    assert refused(schema.ERR_BAD_TYPE, 1, schema.STREAM_REQUEST_FIELDS, {1: 1, 2: 1})
    assert refused(schema.ERR_BAD_TYPE, 1, schema.ECHO_REPLY_FIELDS, {1: "text"})


def test_bytes_may_come_from_any_buffer():
    for value in (b"abc", bytearray(b"abc"), memoryview(b"xabcx")[1:4]):
        buf = bytearray(10)
        end = cbor.encode_map(schema.ECHO_REPLY_FIELDS, {1: value}, buf, 0)
        assert bytes(buf[:end]) == b"\xa1\x01\x43abc"


def test_a_telemetry_event_is_the_map_that_encode_map_writes():
    for value in (0, 23, 24, 255, 256, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        for size in (0, 20, 23, 24, 255, 256, 260, 480):
            records = bytes(i & 0xFF for i in range(size))
            for first, tick in ((value, 3), (70000, value)):
                ours = bytearray(512)
                at = begin_event(ours, 5, first, tick, size)
                ours[at : at + size] = records
                plain = bytearray(512)
                values = {1: first, 2: tick, 3: records}
                end = cbor.encode_map(schema.TELEMETRY_EVENT_FIELDS, values, plain, 5)
                assert end == at + size
                assert plain == ours


def test_utf8_is_as_strict_as_cpython():
    edges = (0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF)
    edges += (0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF)
    accepted = 0
    for a in edges:
        for b in edges:
            for c in edges:
                text = bytes((a, b, c, 0x80))
                accepted += cbor.is_utf8(text, 0, 4)
                accepted += cbor.is_utf8(text, 0, 3)
    assert accepted == CPYTHON_ACCEPTS
