"""Runs one connection to a board, from hello to loss: requests, heartbeats, events, console.

Only the reader thread reads from the transport. It passes replies to the thread that waits for them
and events to `on_event`, which must only queue them. So the reader thread never waits.

Requests may come from any other thread and are sent one at a time, because the board remembers one
reply. A request whose reply is late is sent again with the same sequence number, and the board
repeats its reply without carrying the request out again. Replies with other numbers are ignored.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar, cast

from pressloop.errors import (
    BoardTimeoutError,
    CommandRefusedError,
    LinkClosedError,
    PressloopError,
)
from pressloop.session.acknowledge import HEARTBEAT_S
from pressloop.session.console import Console
from pressloop.session.refusals import explain_refusal
from pressloop.session.schema_identity import SchemaIdentity, schema_mismatch, version_mismatch
from pressloop.transport.transport import Transport
from pressloop.wire.codec import WireError, decode_message, decode_telemetry, encode_message
from pressloop.wire.frame import Frame, FrameDecoder, encode_frame
from pressloop.wire.message import Message, Request
from pressloop.wire.names import wire_name
from pressloop.wire.schema import (
    PROTOCOL_MAJOR,
    PROTOCOL_MINOR,
    AliveNotice,
    Command,
    ErrorCode,
    ErrorReply,
    Event,
    FrameKind,
    HelloReply,
    HelloRequest,
    TelemetryEvent,
)

R = TypeVar("R", bound=Message)

ATTEMPT_WAITS_S: Final = (0.5, 1.0, 2.0, 4.0)
"""How long each attempt of a request waits for its reply. A board answers within a few ms, and in
0.1 s if it writes to flash. A repetition is harmless: the board recognises it."""

_NO_SESSION: Final = 0
_UNSOLICITED: Final = 0
"""Sequence number of notices, which have no reply."""

_NEVER: Final = float("inf")
_SEQUENCES: Final = 1 << 16

_log = logging.getLogger(__name__)


class SessionLostError(LinkClosedError):
    """Says that the board restarted or another program opened it, which ends the session."""

    default_code = "session-lost"


class ReaderFailedError(LinkClosedError):
    """Says that an error in this program ended the reader thread, and so the session."""

    default_code = "reader-failed"


class _Waiter:
    """Matches a request with its reply."""

    def __init__(self, command: Command, sequence: int, session: int) -> None:
        self._command = command
        self._sequence = sequence
        self._session = session
        self._reply: concurrent.futures.Future[Frame] = concurrent.futures.Future()

    def matches(self, frame: Frame) -> bool:
        # The reply to a hello has the number of the session that it opens; its nonce was checked.
        mine = frame.session == self._session or self._command is Command.HELLO
        return mine and frame.code == self._command and frame.sequence == self._sequence

    def deliver(self, frame: Frame) -> None:
        if not self._reply.done():
            self._reply.set_result(frame)

    def fail(self, error: PressloopError) -> None:
        if not self._reply.done():
            self._reply.set_exception(error)

    def wait(self, limit_s: float) -> Frame | None:
        done, _ = concurrent.futures.wait([self._reply], limit_s)
        return self._reply.result() if done else None


class Link:
    """A connection on which board and host have exchanged hello.

    Args:
        transport: Open; the link closes it.
        host: Name and version of the host software, for the board's console.
        ack: Returns the device clock to acknowledge in a heartbeat.
        on_event: Called in the reader thread with every telemetry event; must not wait.
        on_lost: Called once, in any thread, when the link has ended; must not wait.
        waits_s: How long each attempt of a request waits for its reply.
        hello_waits_s: The same for the first hello; None takes `waits_s`.

    Raises:
        BoardTimeoutError: No reply in Pressloop's protocol.
        LinkClosedError: The transport ended.
        VersionMismatchError: Host and board were built from different wire schemas.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        host: str,
        ack: Callable[[], int],
        on_event: Callable[[Link, TelemetryEvent], None],
        on_lost: Callable[[], None],
        waits_s: Sequence[float] = ATTEMPT_WAITS_S,
        hello_waits_s: Sequence[float] | None = None,
    ) -> None:
        """Start to read and say hello."""
        self.console = Console()
        self.lost: LinkClosedError | None = None
        self._transport = transport
        self._ack = ack
        self._on_event = on_event
        self._on_lost = on_lost
        self._waits_s = tuple(waits_s if hello_waits_s is None else hello_waits_s)
        self.undecodable = 0
        self._session = _NO_SESSION
        self._heartbeat_due_s = _NEVER
        self._sequence = random.randrange(_SEQUENCES)
        self._request_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._loss_lock = threading.Lock()
        self._waiter: _Waiter | None = None
        self._hello: HelloReply | None = None
        self._nonce = random.getrandbits(32)
        self._decoder = FrameDecoder()
        self._reader = threading.Thread(
            target=self._read, name=f"pressloop reader {transport.url}", daemon=True
        )
        self._reader.start()
        try:
            self._say_hello(host)
        except BaseException:
            self.close()
            raise
        self._waits_s = tuple(waits_s)

    @property
    def url(self) -> str:
        """Where the board is."""
        return self._transport.url

    @property
    def hello(self) -> HelloReply:
        """The board's hello: versions, identity, capabilities."""
        # The constructor raises without it.
        return cast(HelloReply, self._hello)

    @property
    def frame_errors(self) -> int:
        """Number of frames that were dropped for a wrong CRC, length, stuffing or content."""
        return self._decoder.errors + self.undecodable

    def request(self, message: Request[R]) -> R:
        """Send a request and wait for the reply; send again while there is none.

        Raises:
            CommandRefusedError: The board refused the request.
            BoardTimeoutError: No reply to any attempt; it is unknown whether the board carried the
                request out.
            LinkClosedError: The link has ended.
        """
        with self._request_lock:
            while True:
                session = self._session
                try:
                    return self._exchange(message, session)
                except CommandRefusedError as refusal:
                    if refusal.code != "bad-session":
                        raise
                    # A hello that was sent twice opened two sessions, of which the second is valid.
                    if session == self._session:
                        raise self._session_lost(refusal) from refusal

    def send_alive(self) -> None:
        """Send a heartbeat; does nothing on a lost link, which `on_lost` reports."""
        self._heartbeat_due_s = time.monotonic() + HEARTBEAT_S
        payload = encode_message(AliveNotice(tick=self._ack()))
        frame = Frame(FrameKind.NOTICE, AliveNotice.CODE, _UNSOLICITED, self._session, payload)
        with contextlib.suppress(LinkClosedError):
            self._write(encode_frame(frame))

    def close(self) -> None:
        """End the link; a request that waits fails. May be called more than once."""
        self.fail(LinkClosedError("the link was closed", hint="open the press again"))

    def fail(self, cause: LinkClosedError) -> None:
        """End the link for a reason."""
        self._lose(cause)
        if threading.current_thread() is not self._reader:
            self._reader.join()

    # --- requests

    def _say_hello(self, host: str) -> None:
        self._exchange(
            HelloRequest(
                nonce=self._nonce,
                major=PROTOCOL_MAJOR,
                minor=PROTOCOL_MINOR,
                host=host,
            ),
            _NO_SESSION,
        )
        self._heartbeat_due_s = time.monotonic()

    def _exchange(self, message: Request[R], session: int) -> R:
        command = Command(message.CODE)
        self._sequence = (self._sequence + 1) % _SEQUENCES
        waiter = self._waiter = _Waiter(command, self._sequence, session)
        data = encode_frame(
            Frame(FrameKind.REQUEST, command, self._sequence, session, encode_message(message))
        )
        try:
            for limit_s in self._waits_s:
                self._write(data)
                frame = waiter.wait(limit_s)
                if frame is not None:
                    return _open_reply(message, frame, self.url)
        finally:
            self._waiter = None
        raise self._timeout(command)

    def _write(self, data: bytes) -> None:
        with self._write_lock:
            if self.lost is not None:
                raise self.lost
            try:
                self._transport.write(data)
            except LinkClosedError as error:
                self._lose(error)
                raise self.lost or error from None

    # --- the reader thread

    def _read(self) -> None:
        try:
            while self.lost is None:
                for found in self._decoder.feed(self._transport.read()):
                    if isinstance(found, Frame):
                        self._handle_frame(found)
                    else:
                        self.console.feed(found)
                if time.monotonic() >= self._heartbeat_due_s:
                    self.send_alive()
        except LinkClosedError as error:
            self._lose(error)
        except BaseException as error:  # a link without a reader must send no heartbeats
            _log.exception("the reader of %s failed", self.url)
            self._lose(
                ReaderFailedError(
                    f"the link to {self.url} ended because of an error in this program: {error!r}",
                    hint="open the press again, and report this error with the log",
                )
            )

    def _handle_frame(self, frame: Frame) -> None:
        """Pass a frame on; one whose content does not decode is dropped and counted."""
        try:
            if frame.kind == FrameKind.EVENT:
                self._handle_event(frame)
            elif frame.kind in (FrameKind.REPLY, FrameKind.ERROR):
                self._handle_reply(frame)
        except WireError:
            self.undecodable += 1

    def _handle_event(self, frame: Frame) -> None:
        if frame.code == Event.TELEMETRY and frame.session == self._session != _NO_SESSION:
            self._on_event(self, decode_telemetry(frame.payload))

    def _handle_reply(self, frame: Frame) -> None:
        waiter = self._waiter
        if frame.code == Command.HELLO and frame.kind == FrameKind.REPLY:
            # The nonce shows that the reply is ours: the session that it opens is not known before.
            identity = SchemaIdentity.of(frame.payload)
            if identity.nonce != self._nonce:
                return
            if not identity.is_ours:
                if waiter is not None:
                    waiter.fail(schema_mismatch(identity, self.url))
                return
            hello = decode_message(HelloReply, frame.payload)
            self._hello = hello
            self._session = hello.session
        if waiter is not None and waiter.matches(frame):
            waiter.deliver(frame)

    # --- the end

    def _lose(self, cause: LinkClosedError) -> None:
        with self._loss_lock:
            if self.lost is not None:
                return
            cause.console = tuple(self.console.tail())
            self.lost = cause
        self._transport.close()
        waiter = self._waiter
        if waiter is not None:
            waiter.fail(cause)
        self._on_lost()

    def _session_lost(self, refusal: CommandRefusedError) -> SessionLostError:
        error = SessionLostError(refusal.message, hint=refusal.hint)
        self._lose(error)
        return error

    def _timeout(self, command: Command) -> BoardTimeoutError:
        console = self.console.tail()
        if any(line.startswith(">>>") for line in console):
            hint = (
                "the board shows the MicroPython prompt, Pressloop's firmware does not run: type "
                "Ctrl-D there, run `mpremote reset` or press its reset button; if that does not "
                "help, flash Pressloop's image"
            )
        elif console:
            hint = "the firmware may have stopped, see its console above: press the reset button"
        elif self._hello is not None:
            hint = (
                "the board answered before: check the USB cable and hub, and whether the firmware "
                "hangs; an active run continues on the board, and `pressloop attach` follows it "
                "again"
            )
        else:
            hint = (
                "check that this is the right port (`pressloop ports`) and that the controller has "
                "power, then press its reset button"
            )
        return BoardTimeoutError(
            f"the board at {self.url} did not answer {wire_name(command)} within "
            f"{sum(self._waits_s):g} s, asked {len(self._waits_s)} times",
            hint=hint,
            console=console,
        )


def _open_reply(message: Request[R], frame: Frame, url: str) -> R:
    if frame.kind == FrameKind.REPLY:
        return decode_message(message.reply_type(), frame.payload)
    error = decode_message(ErrorReply, frame.payload)
    if error.code is ErrorCode.BAD_VERSION:
        raise version_mismatch(error.detail, url)
    names = {field.key: field.name for field in message.FIELDS}
    field = None if error.field is None else names.get(error.field, f"key {error.field}")
    raise explain_refusal(wire_name(Command(message.CODE)), error, field)
