"""Runs the published test vectors on the SDK's codec and decoder and against the CDDL."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cbor2
import pycddl
import pytest
from pressloop.wire import schema
from pressloop.wire.codec import DecodeError, decode_message, encode_message
from pressloop.wire.frame import Frame, FrameDecoder, encode_frame
from pressloop.wire.message import FieldKind, Message

PROTOCOL = Path(__file__).resolve().parents[2] / "protocol"
# pycddl 0.6 does not support ranges below zero.
CDDL = re.sub(r"-\d+\.\.\d+", "int", (PROTOCOL / "pressloop.cddl").read_text())
# It also accepts any value for a string with a size, and any key in an empty map.
UNSEEN_BY_PYCDDL = {
    "bytes for an integer",
    "bytes for text",
    "text for bytes",
    "integer for bytes",
    "key that an empty message has",
}

Vector = dict[str, Any]


def vectors(name: str) -> list[Any]:
    found = json.loads((PROTOCOL / "vectors" / f"{name}.json").read_text())
    return [pytest.param(vector, id=vector["name"]) for vector in found]


def message_type(vector: Vector) -> type[Message]:
    name = "".join(part.capitalize() for part in vector["message"].split("-"))
    found: type[Message] = getattr(schema, name)
    return found


def message(vector: Vector) -> Message:
    values = {}
    for field in message_type(vector).FIELDS:
        value = vector["value"].get(str(field.key))
        if value is not None and field.kind is FieldKind.BYTES:
            value = bytes.fromhex(value)
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return message_type(vector)(**values)


def cddl_accepts(name: str, payload: bytes) -> bool:
    try:
        pycddl.Schema(f"root = {name}\n{CDDL}").validate_cbor(payload)
    except pycddl.ValidationError:
        return False
    return True


@pytest.mark.parametrize("vector", vectors("messages"))
def test_good_messages_round_trip(vector: Vector) -> None:
    payload = bytes.fromhex(vector["hex"])
    assert decode_message(message_type(vector), payload) == message(vector)
    assert encode_message(message(vector)) == payload
    assert len(payload) <= schema.MAX_PAYLOAD


@pytest.mark.parametrize("vector", vectors("messages"))
def test_good_messages_are_what_the_cddl_describes(vector: Vector) -> None:
    payload = bytes.fromhex(vector["hex"])
    assert cddl_accepts(vector["message"], payload)
    assert cbor2.dumps(cbor2.loads(payload), canonical=True) == payload


@pytest.mark.parametrize("vector", vectors("malformed"))
def test_bad_messages_are_refused_for_their_reason(vector: Vector) -> None:
    cls = message_type(vector)
    with pytest.raises(DecodeError) as caught:
        decode_message(cls, bytes.fromhex(vector["hex"]))
    assert caught.value.code == vector["error"]
    if vector["field"]:
        names = {field.key: field.name for field in cls.FIELDS}
        assert caught.value.field == names.get(vector["field"], str(vector["field"]))


@pytest.mark.parametrize("vector", vectors("malformed"))
def test_the_cddl_refuses_what_is_well_formed_but_wrong(vector: Vector) -> None:
    # CDDL describes values, not how they are encoded.
    if vector["error"] != "malformed" and vector["name"] not in UNSEEN_BY_PYCDDL:
        assert not cddl_accepts(vector["message"], bytes.fromhex(vector["hex"]))


def test_every_message_has_a_vector() -> None:
    covered = {param.values[0]["message"] for param in vectors("messages")}
    names = {cls.__name__ for pair in schema.REQUESTS.values() for cls in pair}
    names |= {"AliveNotice", "TelemetryEvent", "ErrorReply", "Profile"}
    assert {"".join(part.capitalize() for part in name.split("-")) for name in covered} == names


@pytest.mark.parametrize("step", [None, 1, 7])
@pytest.mark.parametrize("vector", vectors("frames"))
def test_frames_arrive_whole_and_in_pieces(vector: Vector, step: int | None) -> None:
    data = bytes.fromhex(vector["hex"])
    decoder = FrameDecoder()
    found: list[Frame | bytes] = []
    for at in range(0, len(data), step or len(data)):
        found += decoder.feed(data[at : at + (step or len(data))])
    assert [item for item in found if isinstance(item, Frame)] == [
        Frame(f["kind"], f["code"], f["sequence"], f["session"], bytes.fromhex(f["payload"]))
        for f in vector["frames"]
    ]
    console = b"".join(item for item in found if isinstance(item, bytes))
    assert console == bytes.fromhex(vector["console"])
    # The board counts an overlong frame when it overflows, the host when it ends.
    decoder.feed(b"\x01")
    open_frame = vector["name"] == "frame still open"
    assert decoder.errors == vector["errors"] + open_frame


@pytest.mark.parametrize("vector", vectors("frames"))
def test_frames_encode_to_their_bytes(vector: Vector) -> None:
    for f in vector["frames"]:
        payload = bytes.fromhex(f["payload"])
        frame = Frame(f["kind"], f["code"], f["sequence"], f["session"], payload)
        assert encode_frame(frame).hex() in vector["hex"]
