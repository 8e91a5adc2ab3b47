"""Provides a board in this process: it speaks the real wire over a socket, and can be made to fail.

It knows no physics: a test says what the press does (`board.state`, `board.advance(...)`) and what
happens to frames on their way (`board.incoming`, `board.outgoing`). `board.log` is what the board
took in, in order.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from pressloop.emulator.description import PressDescription
from pressloop.machine.profile import MachineProfile
from pressloop.wire.codec import decode_message, encode_message
from pressloop.wire.frame import Frame, FrameDecoder, encode_frame
from pressloop.wire.message import Message
from pressloop.wire.schema import (
    PROTOCOL_MAJOR,
    PROTOCOL_MINOR,
    REQUESTS,
    SCHEMA_HASH,
    SHORT_RECORD_FORMAT,
    SHORT_RECORD_SIZE,
    AbortReply,
    AbortRequest,
    AdvanceReply,
    AliveNotice,
    BackfillReply,
    BackfillRequest,
    CapabilityBits,
    ClearReply,
    ClearRequest,
    Command,
    ConfirmReply,
    ConfirmRequest,
    DumpReply,
    DwellEnd,
    EchoReply,
    EchoRequest,
    EndReason,
    ErrorCode,
    ErrorReply,
    Event,
    Fault,
    FrameKind,
    HelloReply,
    HelloRequest,
    InputBits,
    InterruptedRunReply,
    PauseReply,
    PlanBeginReply,
    PlanBeginRequest,
    PlanCommitReply,
    PlanStepReply,
    PlanStepRequest,
    ProfileReadReply,
    ProfileWriteReply,
    ResetCause,
    ResumeReply,
    StartReply,
    StartRequest,
    State,
    StatusReply,
    StepOutcome,
    StepResultReply,
    StreamReply,
    StreamRequest,
    TelemetryEvent,
)

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())

WAITS_S = (0.05, 0.1, 0.2, 0.4)
"""Attempts of a request in tests: a board in this process answers within a millisecond."""

NO_STEP = 255
NO_INTERRUPTED_RUN = InterruptedRunReply(
    run_id=bytes(8),
    step=NO_STEP,
    dwell_ms=0,
    pressure_kpa=0,
    tick=0,
    start_tick=0,
    fault=Fault.NONE,
    reset_cause=ResetCause.POWER_ON,
    inputs=0,
)
EVENT_RECORDS = 24


class RefusalError(Exception):
    """Raised by a handler to refuse a request."""

    def __init__(self, code: ErrorCode, **details: int) -> None:
        super().__init__(code)
        self.reply = ErrorReply(code, **details)


class FakeBoard:
    """A board for one host at a time, as on a USB port.

    Attributes:
        log: Requests by name with their message, and `("alive", tick)`, as they were carried out.
        incoming: Turns a frame from the host into those that arrive; may sleep or drop.
        outgoing: Turns a frame to the host and its bytes into the byte strings that are sent.
        on_request: Called before a request is carried out.
    """

    def __init__(self, ring_records: int = 4096) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.log: list[tuple[Any, ...]] = []
        self.incoming: Callable[[Frame], Iterable[Frame]] = lambda frame: [frame]
        self.outgoing: Callable[[Frame, bytes], Iterable[bytes]] = lambda frame, data: [data]
        self.on_request: Callable[[Message], None] = lambda message: None
        self.major = PROTOCOL_MAJOR
        self.minor = PROTOCOL_MINOR
        self.schema_hash = SCHEMA_HASH
        self.unique_id = b"fake-one"
        self.simulated = True
        self.inputs = InputBits(0)
        self.lockstep = False
        self.ring_records = ring_records
        self.boot_id = 0
        self.profile: ProfileReadReply | None = ProfileReadReply(
            **{f.name: getattr(REFERENCE.to_wire(), f.name) for f in ProfileReadReply.FIELDS}
        )
        self.boot()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._connection: socket.socket | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> FakeBoard:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        self.unplug()
        with contextlib.suppress(OSError):
            # Closing the listener does not end accept(), a connection does.
            socket.create_connection(self._listener.getsockname(), 1).close()
        self._thread.join(5)
        self._listener.close()

    # --- what a test does to the board

    def boot(self) -> None:
        """Restart with an empty memory."""
        with self.lock:
            self.boot_id += 1
            self.session = 0
            self.batch_ticks = 0
            self.sent = 0
            self.host_tick = 0
            self.tick = 0
            self.records: list[bytes] = []
            self.lost_before = 0
            self.overwritten_per_backfill = 0
            self.state = State.IDLE
            self.step = NO_STEP
            self.prompt = ""
            self.pressure_kpa = 0
            self.end_reason = EndReason.NONE
            self.fault = Fault.NONE
            self.interrupted = NO_INTERRUPTED_RUN
            self.last_fault = Fault.NONE
            self.run_id = bytes(8)
            self.run_first = 0
            self.plan: list[PlanStepRequest] = []
            self.last_key: tuple[int, int] | None = None
            self.last_frame: Frame | None = None

    def unplug(self) -> None:
        """Cut the connection."""
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def vanish(self) -> None:
        """Cut the connection and accept no other."""
        self._closing = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self.unplug()

    def press_on(self, ticks: int) -> None:
        """Let time pass until the host has followed, as many ticks as fit whole batches."""
        for _ in range(ticks // 20):
            self.advance(20)
        self.wait_for(lambda: ("alive", self.tick) in self.log)

    def advance(self, ticks: int, *, silently: bool = False) -> None:
        """Let time pass: one record per tick, and a telemetry event at the end."""
        with self.lock:
            for _ in range(ticks):
                self.records.append(self.record())
                self.tick += 1
            if not silently:
                self.send_event()

    def record(self) -> bytes:
        """Pack the record of this tick; its raw reading is its sequence number, to identify it."""
        number = len(self.records)
        return struct.pack(
            SHORT_RECORD_FORMAT,
            self.tick,
            self.pressure_kpa,
            0,
            0,
            number & 0xFFFF,
            self.step,
            self.state,
            0,
            0,
        )

    @property
    def oldest(self) -> int:
        """Oldest record that the ring holds."""
        return max(self.lost_before, len(self.records) - self.ring_records)

    def forget(self, before: int) -> None:
        """Overwrite the records below a sequence number."""
        with self.lock:
            self.lost_before = before

    def send_event(self) -> None:
        """Send the records since the last event, the newest if they do not fit."""
        with self.lock:
            if not self.batch_ticks:
                return
            first = max(self.sent, len(self.records) - EVENT_RECORDS)
            self.sent = len(self.records)
            event = TelemetryEvent(first, self.tick, b"".join(self.records[first:]))
            self._send(Frame(FrameKind.EVENT, Event.TELEMETRY, 0, self.session, _pack(event)))

    def say(self, text: bytes) -> None:
        """Print console text."""
        assert self._connection is not None
        self._connection.sendall(text)

    def send_raw(self, frame: Frame) -> None:
        """Send any frame without `outgoing`."""
        assert self._connection is not None
        self._connection.sendall(encode_frame(frame))

    def wait_for(self, condition: Callable[[], object], limit_s: float = 5.0) -> None:
        """Wait until a condition holds; fail the test if it does not in time."""
        with self.changed:
            assert self.changed.wait_for(condition, limit_s), f"log: {self.log[-10:]}"

    def executed(self, command: str) -> list[Message]:
        """Requests of one kind that were carried out."""
        return [entry[1] for entry in self.log if entry[0] == command]

    # --- the wire

    def _serve(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection = connection
            decoder = FrameDecoder()
            with contextlib.suppress(OSError), connection:
                while data := connection.recv(65536):
                    for found in decoder.feed(data):
                        if isinstance(found, Frame):
                            for frame in self.incoming(found):
                                self._take(frame)
            self._connection = None

    def _take(self, frame: Frame) -> None:
        with self.changed:
            if frame.kind == FrameKind.NOTICE:
                if frame.session == self.session:
                    self.host_tick = decode_message(AliveNotice, frame.payload).tick
                    self.log.append(("alive", self.host_tick))
            elif frame.code != Command.HELLO and frame.session != self.session:
                self._reply(frame, FrameKind.ERROR, ErrorReply(ErrorCode.BAD_SESSION))
            elif frame.code != Command.HELLO and (frame.session, frame.sequence) == self.last_key:
                assert self.last_frame is not None
                self._send(self.last_frame)
            else:
                self.last_key = (frame.session, frame.sequence)
                self._carry_out(frame)
            self.changed.notify_all()
            while self.lockstep and self.batch_ticks and self.tick <= self.host_tick:
                self.step_press()
                self.advance(self.batch_ticks)

    def step_press(self) -> None:
        """Move the press on at the beginning of a batch in lock-step; for tests to replace."""

    def _carry_out(self, frame: Frame) -> None:
        message = decode_message(REQUESTS[Command(frame.code)][0], frame.payload)
        self.on_request(message)
        name = Command(frame.code).name.lower()
        self.log.append((name, message))
        try:
            reply = getattr(self, f"do_{name}")(message)
        except RefusalError as refusal:
            self._reply(frame, FrameKind.ERROR, refusal.reply)
        else:
            self._reply(frame, FrameKind.REPLY, reply)

    def _reply(self, frame: Frame, kind: FrameKind, message: Message) -> None:
        session = self.session if frame.code == Command.HELLO else frame.session
        self.last_frame = Frame(kind, frame.code, frame.sequence, session, _pack(message))
        self._send(self.last_frame)

    def _send(self, frame: Frame) -> None:
        connection = self._connection
        if connection is None:
            return
        with contextlib.suppress(OSError):
            for data in self.outgoing(frame, encode_frame(frame)):
                connection.sendall(data)

    # --- one handler per command

    def do_hello(self, request: HelloRequest) -> HelloReply:
        self.session = self.session % 0xFFFF + 1
        self.batch_ticks = 0
        return HelloReply(
            nonce=request.nonce,
            major=self.major,
            minor=self.minor,
            session=self.session,
            firmware="0.0.0",
            board="fake",
            unique_id=self.unique_id,
            capabilities=CapabilityBits.JOURNAL,
            schema_hash=self.schema_hash,
            boot_id=self.boot_id,
            reset_cause=ResetCause.POWER_ON,
            last_fault=self.last_fault,
            simulated=self.simulated,
            ring_records=self.ring_records,
            python="",
            profile_hash=bytes(8),
            build="fake",
            channels=1,
        )

    def do_status(self, _: Message) -> StatusReply:
        return StatusReply(
            state=self.state,
            tick=self.tick,
            pressure_kpa=self.pressure_kpa,
            setpoint_kpa=0,
            target_kpa=0,
            step=self.step,
            stage=0 if self.step != NO_STEP else NO_STEP,
            dwell_ms=0,
            remaining_ms=0,
            run_id=self.run_id,
            end_reason=self.end_reason,
            fault=self.fault,
            inputs=self.inputs,
            host_lost=False,
            oldest=self.oldest,
            next=len(self.records),
            missed_ticks=0,
            frame_errors=0,
            prompt=self.prompt,
            run_first=self.run_first,
            record_every=1,
            approaching=False,
        )

    def do_echo(self, request: EchoRequest) -> EchoReply:
        return EchoReply(request.data)

    def do_stream(self, request: StreamRequest) -> StreamReply:
        self.batch_ticks = request.batch_ticks if request.on else 0
        self.sent = len(self.records)
        self.host_tick = self.tick
        return StreamReply(self.sent)

    def do_backfill(self, request: BackfillRequest) -> BackfillReply:
        self.lost_before += self.overwritten_per_backfill
        if not self.oldest <= request.first < len(self.records):
            raise RefusalError(ErrorCode.NOT_HELD, detail=self.oldest)
        records = self.records[request.first : request.first + request.count]
        assert len(records) * SHORT_RECORD_SIZE <= 400
        return BackfillReply(request.first, b"".join(records))

    def do_plan_begin(self, _: PlanBeginRequest) -> PlanBeginReply:
        self.plan = []
        return PlanBeginReply()

    def do_plan_step(self, request: PlanStepRequest) -> PlanStepReply:
        self.plan.append(request)
        return PlanStepReply()

    def do_plan_commit(self, _: Message) -> PlanCommitReply:
        return PlanCommitReply()

    def do_interrupted_run(self, _: Message) -> InterruptedRunReply:
        return self.interrupted

    def do_start(self, request: StartRequest) -> StartReply:
        self.run_id = request.run_id
        self.run_first = len(self.records)
        self.end_reason = EndReason.NONE
        self.go_to(0)
        return StartReply(self.run_first, self.tick)

    def go_to(self, step: int) -> None:
        """Begin a step of the plan; after the last one, end the run."""
        if step < len(self.plan):
            self.step = step
            text = self.plan[step].text
            self.prompt = text or ""
            self.state = State.RUNNING if text is None else State.PROMPTING
        else:
            self.end(EndReason.COMPLETED)

    def end(self, reason: EndReason) -> None:
        """End the run."""
        self.state = State.IDLE
        self.step = NO_STEP
        self.prompt = ""
        self.end_reason = reason

    def do_pause(self, _: Message) -> PauseReply:
        self.state = State.PAUSED
        return PauseReply()

    def do_resume(self, _: Message) -> ResumeReply:
        self.state = State.RUNNING
        return ResumeReply()

    def do_abort(self, _: AbortRequest) -> AbortReply:
        if self.state is State.IDLE:
            raise RefusalError(ErrorCode.BAD_STATE)
        self.end(EndReason.ABORTED)
        return AbortReply()

    def do_dump(self, _: Message) -> DumpReply:
        if self.state is not State.VENTING:
            raise RefusalError(ErrorCode.BAD_STATE)
        return DumpReply()

    def do_confirm(self, request: ConfirmRequest) -> ConfirmReply:
        if request.step != self.step:
            raise RefusalError(ErrorCode.WRONG_PROMPT)
        self.go_to(self.step + 1)
        return ConfirmReply()

    def do_advance(self, _: Message) -> AdvanceReply:
        self.go_to(self.step + 1)
        return AdvanceReply()

    def do_clear(self, request: ClearRequest) -> ClearReply:
        if request.fault is not self.fault:
            raise RefusalError(ErrorCode.BAD_STATE)
        self.fault = Fault.NONE
        self.state = State.IDLE
        return ClearReply()

    def do_profile_read(self, _: Message) -> ProfileReadReply:
        if self.profile is None:
            raise RefusalError(ErrorCode.NO_PROFILE)
        return self.profile

    def do_profile_write(self, request: Message) -> ProfileWriteReply:
        values = {field.name: getattr(request, field.name) for field in request.FIELDS}
        self.profile = ProfileReadReply(**values)
        return ProfileWriteReply(zlib.crc32(_pack(request)))

    def do_step_result(self, _: Message) -> StepResultReply:
        return StepResultReply(StepOutcome.DONE, 1, 1, 0, 0, 0, 0, DwellEnd.NONE)


_pack = encode_message
