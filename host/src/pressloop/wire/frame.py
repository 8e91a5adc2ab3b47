"""Encodes and decodes frames: header, payload and CRC-32 between a start and an end byte.

The format is that of the firmware's `frame.py`; here operations on whole buffers replace its loop
over bytes. docs/wire.md describes it.
"""

from __future__ import annotations

import binascii
import re
import struct
from typing import Final, NamedTuple

from pressloop.wire.schema import MAX_PAYLOAD

START: Final = b"\x01"
END: Final = b"\x02"
ESCAPE: Final = b"\x10"

_HEADER = struct.Struct("<BBHH")
_CRC = struct.Struct("<I")
_RESERVED = re.compile(rb"[\x01-\x04]")

# The escape byte comes first, so that the escapes that follow are not escaped again. Unescaping
# goes through the list from its end.
_ESCAPES = [
    (byte, ESCAPE + bytes([byte[0] ^ 0x20]))
    for byte in (ESCAPE, b"\x01", b"\x02", b"\x03", b"\x04")
]


class Frame(NamedTuple):
    """The content of a frame: header fields and payload."""

    kind: int
    """Number of its `FrameKind`."""
    code: int
    """`Command` of requests, replies and errors, else `Notice` or `Event`."""
    sequence: int
    """Number of a request, repeated in its reply or error."""
    session: int
    """Number of its session, 0 for `hello`."""
    payload: bytes
    """CBOR of one message."""


def encode_frame(frame: Frame) -> bytes:
    """Return the bytes of a frame on the wire.

    Raises:
        ValueError: The payload is longer than `MAX_PAYLOAD`.
    """
    if len(frame.payload) > MAX_PAYLOAD:
        raise ValueError(f"a frame carries {MAX_PAYLOAD} bytes, not {len(frame.payload)}")
    body = _HEADER.pack(*frame[:4]) + frame.payload
    body += _CRC.pack(binascii.crc32(body))
    for byte, escaped in _ESCAPES:
        body = body.replace(byte, escaped)
    return START + body + END


class FrameDecoder:
    """Finds frames in a stream of arbitrary bytes.

    Attributes:
        errors: Frames that began and were dropped: cut short, overlong, wrongly escaped, bad CRC.
    """

    def __init__(self, max_payload: int = MAX_PAYLOAD) -> None:
        """Start between frames."""
        self.errors = 0
        self._max_size = _HEADER.size + max_payload + _CRC.size
        self._inside = False
        self._pending = b""

    def feed(self, data: bytes) -> list[Frame | bytes]:
        """Process bytes; return the frames that they complete and, as bytes, the text between."""
        found: list[Frame | bytes] = []
        data = self._pending + data
        self._pending = b""
        at = 0
        while at < len(data):
            if not self._inside:
                start = data.find(START, at)
                text = data[at:] if start < 0 else data[at:start]
                if text:
                    found.append(text)
                if start < 0:
                    break
                self._inside = True
                at = start + 1
                continue
            reserved = _RESERVED.search(data, at)
            if reserved is None:
                # A body that is too long remains too long without its end.
                self._pending = data[at : at + 2 * self._max_size + 1]
                break
            frame = self._open(data[at : reserved.start()]) if reserved[0] == END else None
            if frame is not None:
                found.append(frame)
            else:
                self.errors += 1
            self._inside = reserved[0] == START
            # Ctrl-C and Ctrl-D are never part of a frame: they drop it and count as text.
            at = reserved.end() if reserved[0] in (START, END) else reserved.start()
        return found

    def _open(self, body: bytes) -> Frame | None:
        """Return the frame with this stuffed body, None if it is damaged."""
        escapes = body.count(ESCAPE)
        stuffed_size = len(body)
        if escapes:
            for byte, escaped in reversed(_ESCAPES):
                body = body.replace(escaped, byte)
        # Unescaping shortens the body by one byte for every valid escape.
        if len(body) != stuffed_size - escapes:
            return None
        if not _HEADER.size + _CRC.size <= len(body) <= self._max_size:
            return None
        if binascii.crc32(body[: -_CRC.size]) != _CRC.unpack_from(body, len(body) - _CRC.size)[0]:
            return None
        kind, code, sequence, session = _HEADER.unpack_from(body)
        return Frame(kind, code, sequence, session, body[_HEADER.size : -_CRC.size])
