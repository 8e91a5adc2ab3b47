"""Logs what host and board send each other: time, bytes and decoded messages.

Every chunk is appended to a file at once, so the log of a killed process is complete, and several
processes can share one file. The bytes are decoded only when the log is read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any, Final

import cbor2
import pytest

from pressloop.transport.transport import SerialTransport, SocketTransport, Transport
from pressloop.wire.frame import Frame, FrameDecoder
from pressloop.wire.message import Message, Request
from pressloop.wire.schema import (
    AliveNotice,
    Command,
    ErrorCode,
    ErrorReply,
    Event,
    FrameKind,
    Notice,
    TelemetryEvent,
)

TO_BOARD: Final = ">"
TO_HOST: Final = "<"
_MAX_SHOWN_BYTES: Final = 24
"""Longest byte string in a decoded line; the hexadecimal line above has all of it."""

_REQUESTS: Final[dict[int, type[Request[Any]]]] = {
    int(request.CODE): request for request in Request.__subclasses__()
}
_NAMES: Final[dict[FrameKind, type[Command] | type[Notice] | type[Event]]] = {
    FrameKind.NOTICE: Notice,
    FrameKind.EVENT: Event,
}


@contextmanager
def tapped(log: Path) -> Iterator[None]:
    """Log everything that any transport of this process sends or receives inside the block."""
    file = log.open("ab", buffering=0)
    with pytest.MonkeyPatch.context() as patch:
        # The classes are patched, so that connections opened at any time by any code are logged.
        for kind in (SerialTransport, SocketTransport):
            patch.setattr(kind, "read", _logging_reads(kind.read, file))
            patch.setattr(kind, "write", _logging_writes(kind.write, file))
        try:
            yield
        finally:
            file.close()


def _logging_reads(read: Callable[[Any], bytes], file: RawIOBase) -> Callable[[Any], bytes]:
    def logging(transport: Transport) -> bytes:
        data = read(transport)
        if data:
            _append(file, TO_HOST, data)
        return data

    return logging


def _logging_writes(
    write: Callable[[Any, bytes], None], file: RawIOBase
) -> Callable[[Any, bytes], None]:
    def logging(transport: Transport, data: bytes) -> None:
        _append(file, TO_BOARD, data)
        write(transport, data)

    return logging


def _append(file: RawIOBase, direction: str, data: bytes) -> None:
    if file.closed:
        return  # The case has left its connection open.
    # One write per line keeps the lines of several threads and processes apart.
    file.write(f"{time.time():.6f} {os.getpid()} {direction} {data.hex()}\n".encode())


def read_log(log: Path) -> list[str]:
    """Return a log as text lines: time, process, direction, bytes; below them the messages."""
    if not log.exists():
        return []
    decoders: dict[tuple[str, str], FrameDecoder] = {}
    lines: list[str] = []
    began_s: float | None = None
    for entry in log.read_text().splitlines():
        at, process, direction, data = entry.split(" ")
        began_s = float(at) if began_s is None else began_s
        lines.append(f"{float(at) - began_s:10.6f} {process} {direction} {data}")
        decoder = decoders.setdefault((process, direction), FrameDecoder())
        dropped = decoder.errors
        for found in decoder.feed(bytes.fromhex(data)):
            text = describe(found) if isinstance(found, Frame) else f"console {found!r}"
            lines.append(f"{'':10} {process} {direction}   {text}")
        if decoder.errors > dropped:
            lines.append(f"{'':10} {process} {direction}   {decoder.errors - dropped} bad frame(s)")
    return lines


def read_console(log: Path) -> str:
    """Return the text that boards have sent outside frames: their consoles."""
    decoders: dict[str, FrameDecoder] = {}
    said = b""
    for entry in log.read_text().splitlines():
        _, process, direction, data = entry.split(" ")
        if direction == TO_HOST:
            decoder = decoders.setdefault(process, FrameDecoder())
            said += b"".join(
                text for text in decoder.feed(bytes.fromhex(data)) if isinstance(text, bytes)
            )
    return said.decode("utf-8", "replace")


def describe(frame: Frame) -> str:
    """Return a frame as one line of text: kind, name, session, sequence, values."""
    head = f"session {frame.session} sequence {frame.sequence}"
    try:
        kind = FrameKind(frame.kind)
        name = _NAMES.get(kind, Command)(frame.code).name.lower()
        return f"{kind.name.lower()} {name} {head} {_values(kind, frame)}"
    except (ValueError, KeyError, cbor2.CBORDecodeError) as error:
        return f"kind {frame.kind} code {frame.code} {head}: not a message ({error})"


def _values(kind: FrameKind, frame: Frame) -> str:
    message: type[Message]
    if kind is FrameKind.ERROR:
        message = ErrorReply
    elif kind is FrameKind.NOTICE:
        message = AliveNotice
    elif kind is FrameKind.EVENT:
        message = TelemetryEvent
    else:
        request = _REQUESTS[frame.code]
        message = request if kind is FrameKind.REQUEST else request.reply_type()
    names = {field.key: field.name for field in message.FIELDS}
    values = {
        names.get(key, key): _short(value) for key, value in cbor2.loads(frame.payload).items()
    }
    if kind is FrameKind.ERROR:
        values["code"] = ErrorCode(values["code"]).name.lower()
    return " ".join(f"{name}={value}" for name, value in values.items())


def _short(value: Any) -> Any:
    if isinstance(value, bytes) and len(value) > _MAX_SHOWN_BYTES:
        return f"{value[:_MAX_SHOWN_BYTES].hex()}.. ({len(value)} bytes)"
    return value.hex() if isinstance(value, bytes) else value
