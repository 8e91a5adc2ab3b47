"""Sends frames to a board below the SDK, valid and invalid ones, and waits for the answers."""

from __future__ import annotations

import random
import time
from types import TracebackType
from typing import Final, TypeVar

from pressloop.transport.transport import Transport
from pressloop.wire.codec import decode_message, encode_message
from pressloop.wire.frame import Frame, FrameDecoder, encode_frame
from pressloop.wire.message import Message, Request
from pressloop.wire.schema import (
    PROTOCOL_MAJOR,
    PROTOCOL_MINOR,
    ErrorReply,
    FrameKind,
    HelloReply,
    HelloRequest,
)

R = TypeVar("R", bound=Message)

MAX_REPLY_S: Final = 5.0
"""Longest wait for an answer, wall-clock time; a board answers within milliseconds."""


class RawLink:
    """Sends any bytes to a board and waits for frames."""

    def __init__(self, transport: Transport) -> None:
        """Take over an open transport; nothing is sent yet."""
        self._transport = transport
        self._decoder = FrameDecoder()
        self._frames: list[Frame] = []
        self.session = 0
        self.sequence = random.randrange(1 << 15)

    def __enter__(self) -> RawLink:
        """Use in a `with` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the transport."""
        self._transport.close()

    def hello(self, nonce: int | None = None, major: int = PROTOCOL_MAJOR) -> HelloReply:
        """Open a session and return the board's answer.

        Raises:
            AssertionError: The board refuses, or does not answer.
        """
        nonce = random.getrandbits(32) if nonce is None else nonce
        request = HelloRequest(nonce, major, PROTOCOL_MINOR, "hardware-in-the-loop suite")
        frame = self.exchange(self.frame(request, session=0))
        assert frame.kind == FrameKind.REPLY, decode_message(ErrorReply, frame.payload)
        reply = decode_message(HelloReply, frame.payload)
        self.session = reply.session
        return reply

    def frame(
        self,
        request: Request[R],
        *,
        payload: bytes | None = None,
        session: int | None = None,
    ) -> Frame:
        """Return the frame of the next request, with another payload or session if given."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        return Frame(
            FrameKind.REQUEST,
            request.CODE,
            self.sequence,
            self.session if session is None else session,
            encode_message(request) if payload is None else payload,
        )

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._transport.write(data)

    def exchange(self, frame: Frame) -> Frame:
        """Send a request and return the reply or error that belongs to it.

        Raises:
            AssertionError: The board does not answer.
        """
        self.send(encode_frame(frame))
        return self.answer(frame.sequence)

    def answer(self, sequence: int) -> Frame:
        """Return the reply or error to the request with this sequence number.

        Raises:
            AssertionError: There is none within `MAX_REPLY_S`.
        """
        give_up_s = time.monotonic() + MAX_REPLY_S
        while time.monotonic() < give_up_s:
            for found in self._decoder.feed(self._transport.read()):
                answers = (FrameKind.REPLY, FrameKind.ERROR)
                if isinstance(found, Frame) and found.kind in answers:
                    self._frames.append(found)
            for frame in self._frames:
                if frame.sequence == sequence:
                    self._frames.remove(frame)
                    return frame
        raise AssertionError(f"no answer to request {sequence} within {MAX_REPLY_S:g} s")

    def ask(self, request: Request[R]) -> R:
        """Send a request and return its reply.

        Raises:
            AssertionError: The board refuses the request, or does not answer.
        """
        frame = self.exchange(self.frame(request))
        assert frame.kind == FrameKind.REPLY, decode_message(ErrorReply, frame.payload)
        return decode_message(request.reply_type(), frame.payload)

    def refusal(self, frame: Frame) -> ErrorReply:
        """Send a request that must be refused, and return the refusal.

        Raises:
            AssertionError: The board accepts it, or does not answer.
        """
        answer = self.exchange(frame)
        assert answer.kind == FrameKind.ERROR, f"not refused: {answer}"
        return decode_message(ErrorReply, answer.payload)
