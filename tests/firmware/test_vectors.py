"""The published test vectors, on the board's codec and decoder."""

import binascii
import json

from pressloop_fw.wire import cbor, frame, schema

VECTORS = __file__.rsplit("/", 3)[0] + "/protocol/vectors/"
ERRORS = {
    "malformed": schema.ERR_MALFORMED,
    "missing-field": schema.ERR_MISSING_FIELD,
    "unknown-field": schema.ERR_UNKNOWN_FIELD,
    "bad-type": schema.ERR_BAD_TYPE,
    "out-of-range": schema.ERR_OUT_OF_RANGE,
}


def vectors(name):
    with open(VECTORS + name + ".json") as file:
        found = json.load(file)
    assert found
    return found


def fields_of(vector):
    return getattr(schema, vector["message"].replace("-", "_").upper() + "_FIELDS")


def values_of(vector):
    kinds = {entry[0]: entry[1] for entry in fields_of(vector)}
    values = {}
    for key, value in vector["value"].items():
        is_bytes = kinds[int(key)] == schema.T_BYTES
        values[int(key)] = binascii.unhexlify(value) if is_bytes else value
    return values


def test_good_messages_decode_to_their_values():
    for vector in vectors("messages"):
        data = binascii.unhexlify(vector["hex"])
        decoded = cbor.decode_map(fields_of(vector), data, 0, len(data))
        assert decoded == values_of(vector), vector["name"]


def test_values_encode_to_their_bytes_and_fit_a_frame():
    for vector in vectors("messages"):
        data = binascii.unhexlify(vector["hex"])
        buf = bytearray(3 + schema.MAX_PAYLOAD)
        end = cbor.encode_map(fields_of(vector), values_of(vector), buf, 3)
        assert buf[3:end] == data, vector["name"]


def test_every_cut_of_a_message_is_refused():
    for vector in vectors("messages"):
        data = binascii.unhexlify(vector["hex"])
        for end in range(len(data)):
            try:
                cbor.decode_map(fields_of(vector), data, 0, end)
            except cbor.CodecError:
                continue
            raise AssertionError(vector["name"])


def test_a_buffer_that_is_too_small_is_never_overrun():
    for vector in vectors("messages"):
        size = len(vector["hex"]) // 2
        for room in range(size):
            buf = bytearray(room)
            try:
                cbor.encode_map(fields_of(vector), values_of(vector), buf, 0)
            except cbor.CodecError as error:
                assert error.code == schema.ERR_OUT_OF_RANGE
                assert len(buf) == room
                continue
            raise AssertionError(vector["name"])


def test_bad_messages_are_refused_for_their_reason():
    for vector in vectors("malformed"):
        data = binascii.unhexlify(vector["hex"])
        try:
            cbor.decode_map(fields_of(vector), data, 0, len(data))
        except cbor.CodecError as error:
            assert error.code == ERRORS[vector["error"]], vector["name"]
            if vector["field"]:
                assert error.field == vector["field"], vector["name"]
            continue
        raise AssertionError(vector["name"])


def test_frames_arrive_whole_and_byte_by_byte():
    for vector in vectors("frames"):
        data = binascii.unhexlify(vector["hex"])
        for step in (len(data), 1, 7):
            frames = []
            console = bytearray()

            def on_frame(kind, code, seq, session, buf, start, end, frames=frames):
                payload = binascii.hexlify(buf[start:end]).decode()
                frames.append((kind, code, seq, session, payload))

            decoder = frame.Decoder(schema.MAX_PAYLOAD, on_frame, console.append)
            for at in range(0, len(data), step):
                piece = data[at : at + step]
                decoder.feed(piece, len(piece))
            expected = [
                (f["kind"], f["code"], f["sequence"], f["session"], f["payload"])
                for f in vector["frames"]
            ]
            assert frames == expected, vector["name"]
            assert console == binascii.unhexlify(vector["console"]), vector["name"]
            assert decoder.errors == vector["errors"], vector["name"]


def test_frames_encode_to_their_bytes():
    encoder = frame.Encoder(schema.MAX_PAYLOAD)
    for vector in vectors("frames"):
        if vector["errors"] or vector["console"] or len(vector["frames"]) != 1:
            continue
        want = vector["frames"][0]
        payload = binascii.unhexlify(want["payload"])
        end = encoder.START + len(payload)
        encoder.payload[encoder.START : end] = payload
        n = encoder.finish(want["kind"], want["code"], want["sequence"], want["session"], end)
        if binascii.hexlify(encoder.wire[:n]).decode() != vector["hex"]:
            assert vector["name"] == "frame still open", vector["name"]
