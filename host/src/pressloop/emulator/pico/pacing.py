"""How fast the emulated Pico's time passes, judged by what goes over its wire.

The image knows nothing of emulation, so what the emulated board asks its firmware is read off the
frames here. The rule is that of docs/decisions/0003-virtual-time.md: while telemetry streams, time
runs one batch past what the host has acknowledged; a silent host or an operator gets real time.
"""

from __future__ import annotations

import time
from typing import Final

from pressloop_sim.board.pacing import RealTime

from pressloop.wire.codec import WireError, decode_message
from pressloop.wire.frame import Frame, FrameDecoder
from pressloop.wire.schema import (
    RECORD_SIZE,
    SHORT_RECORD_SIZE,
    AliveNotice,
    CapabilityBits,
    Command,
    Event,
    FrameKind,
    HelloReply,
    Notice,
    PlanBeginRequest,
    State,
    TelemetryEvent,
)

_STATE_IN_RECORD: Final = 17


class Conversation:
    """What host and firmware have told each other.

    Attributes:
        heard_s: Wall clock of the host's last frame.
        told_tick: Device clock of the last telemetry event, -1 before the first.
        followed_tick: Device clock that the host acknowledged last.
        state: What the press does, by its last record.
        starting: The host asked for a run that no record has shown yet.
        asked: The host waits for an answer, which takes the firmware time to give.
        die_um: Diameter of the die of the plan that the board took last, 0 before the first.
    """

    def __init__(self) -> None:
        """Begin with nothing said."""
        self.heard_s = time.monotonic()
        self._from_host = FrameDecoder()
        self._from_board = FrameDecoder()
        self.forget()

    def forget(self) -> None:
        """Note that the board was reset or the host has gone."""
        self._record_size = SHORT_RECORD_SIZE
        self.told_tick = -1
        self.followed_tick = -1
        self.state = State.IDLE
        self.starting = False
        self.asked = False
        self.die_um = 0
        self._die_to_be_um = 0

    def host_said(self, data: bytes) -> None:
        """Take in bytes on their way to the board."""
        for frame in self._from_host.feed(data):
            if not isinstance(frame, Frame):
                continue
            self.heard_s = time.monotonic()
            if frame.kind == FrameKind.REQUEST:
                self.asked = True
                self.starting = self.starting or frame.code == Command.START
                if frame.code == Command.PLAN_BEGIN:
                    self._die_to_be_um = _die_um(frame)
            elif frame.kind == FrameKind.NOTICE and frame.code == Notice.ALIVE:
                try:
                    self.followed_tick = decode_message(AliveNotice, frame.payload).tick
                except WireError:
                    continue

    def board_said(self, data: bytes) -> None:
        """Take in bytes on their way to the host."""
        for frame in self._from_board.feed(data):
            if not isinstance(frame, Frame):
                continue
            if frame.kind == FrameKind.EVENT and frame.code == Event.TELEMETRY:
                event = decode_message(TelemetryEvent, frame.payload)
                if self.told_tick < 0:
                    self.followed_tick = event.tick
                self.told_tick = event.tick
                if event.records:
                    self.state = State(event.records[_STATE_IN_RECORD - self._record_size])
                    self.starting = self.starting and self.state == State.IDLE
            elif frame.kind in (FrameKind.REPLY, FrameKind.ERROR):
                self.asked = False
                if frame.kind == FrameKind.ERROR and frame.code == Command.START:
                    self.starting = False
                if frame.kind == FrameKind.REPLY and frame.code == Command.PLAN_COMMIT:
                    self.die_um = self._die_to_be_um
                if frame.code == Command.HELLO:
                    # A new session streams nothing until it is asked to.
                    self.told_tick = -1
                    self._record_size = _record_size(frame)


def _die_um(plan_begin: Frame) -> int:
    """Return the die of a plan; 0 of one that the board will not understand either."""
    try:
        return decode_message(PlanBeginRequest, plan_begin.payload).die_um
    except WireError:
        return 0


def _record_size(hello: Frame) -> int:
    """Return the size of the records of a session that was opened with this reply."""
    if hello.kind == FrameKind.REPLY:
        reply = decode_message(HelloReply, hello.payload)
        if reply.capabilities & CapabilityBits.DISPLACEMENT:
            return RECORD_SIZE
    return SHORT_RECORD_SIZE


class Pacing:
    """Decides whether emulated time may pass.

    Args:
        lockstep: Follow the host; else wall-clock pace.
        speed: Without lock-step: how many times faster than the wall clock.
        silence_s: With lock-step: the host was silent for so long that time passes without it.
    """

    def __init__(self, lockstep: bool, speed: float, silence_s: float) -> None:
        """Keep the settings."""
        self._lockstep = lockstep
        self._silence_s = silence_s
        self._real = RealTime(1 if lockstep else speed)

    def may_run(self, conversation: Conversation, tick: int, now_s: float) -> bool:
        """Return whether the tick after `tick` may pass at this wall clock."""
        follows = (
            self._lockstep
            and conversation.told_tick >= 0
            and now_s - conversation.heard_s < self._silence_s
        )
        if follows and conversation.asked:
            return True
        if follows and conversation.told_tick > conversation.followed_tick:
            return False
        if follows and conversation.state != State.PROMPTING:
            self._real.stop()
            return True
        return self._real.due(int(now_s * 1000), tick) > 0
