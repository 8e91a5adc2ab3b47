"""Decides when the emulated Pico's time passes, from the frames on its wire.

The emulated board asks its firmware for state and acknowledged tick; the image cannot be asked, so
both are read from the frames. The rule is that of docs/decisions/0003-virtual-time.md: while
telemetry streams, time runs one batch ahead of what the host has acknowledged; it passes at the
pace of the wall clock while the host is silent or an operator is asked.
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
    HostLossAction,
    Notice,
    PlanBeginRequest,
    State,
    TelemetryEvent,
)

_STATE_IN_RECORD: Final = 17


class WireMonitor:
    """Follows the frames between host and board.

    Attributes:
        host_frame_s: Wall clock of the host's last frame.
        sent_tick: Device clock of the last telemetry event, -1 before the first.
        acknowledged_tick: Device clock that the host acknowledged last.
        state: State of the press, by the last telemetry record.
        start_pending: The host has requested a run that no record has shown yet.
        request_pending: The host waits for a reply, for which the firmware needs time.
        die_um: Diameter of the die of the last committed plan, 0 before the first.
        host_loss_s: Longest time that a run of that plan continues without a host, s of press time.
    """

    def __init__(self) -> None:
        """Start without any frames."""
        self.host_frame_s = time.monotonic()
        self._from_host = FrameDecoder()
        self._from_board = FrameDecoder()
        self.clear()

    def clear(self) -> None:
        """Start anew: the board was reset."""
        self._record_size = SHORT_RECORD_SIZE
        self.sent_tick = -1
        self.acknowledged_tick = -1
        self.state = State.IDLE
        self.start_pending = False
        self.request_pending = False
        self.die_um = 0
        self.host_loss_s = 0.0
        self._uploaded = (0, 0.0)

    def from_host(self, data: bytes) -> None:
        """Process bytes from the host to the board."""
        for frame in self._from_host.feed(data):
            if not isinstance(frame, Frame):
                continue
            self.host_frame_s = time.monotonic()
            if frame.kind == FrameKind.REQUEST:
                self.request_pending = True
                self.start_pending = self.start_pending or frame.code == Command.START
                if frame.code == Command.PLAN_BEGIN:
                    self._uploaded = _die_and_host_loss(frame)
            elif frame.kind == FrameKind.NOTICE and frame.code == Notice.ALIVE:
                try:
                    self.acknowledged_tick = decode_message(AliveNotice, frame.payload).tick
                except WireError:
                    continue

    def from_board(self, data: bytes) -> None:
        """Process bytes from the board to the host."""
        for frame in self._from_board.feed(data):
            if not isinstance(frame, Frame):
                continue
            if frame.kind == FrameKind.EVENT and frame.code == Event.TELEMETRY:
                event = decode_message(TelemetryEvent, frame.payload)
                if self.sent_tick < 0:
                    self.acknowledged_tick = event.tick
                self.sent_tick = event.tick
                if event.records:
                    self.state = State(event.records[_STATE_IN_RECORD - self._record_size])
                    self.start_pending = self.start_pending and self.state == State.IDLE
            elif frame.kind in (FrameKind.REPLY, FrameKind.ERROR):
                self.request_pending = False
                if frame.kind == FrameKind.ERROR and frame.code == Command.START:
                    self.start_pending = False
                if frame.kind == FrameKind.REPLY and frame.code == Command.PLAN_COMMIT:
                    self.die_um, self.host_loss_s = self._uploaded
                if frame.code == Command.HELLO:
                    # A new session does not stream until the host requests it.
                    self.sent_tick = -1
                    self._record_size = _record_size(frame)


def _die_and_host_loss(plan_begin: Frame) -> tuple[int, float]:
    """Return die (um) and longest run without a host (s) of a plan.

    Both are 0 if the message is malformed and will be refused.
    """
    try:
        plan = decode_message(PlanBeginRequest, plan_begin.payload)
    except WireError:
        return 0, 0.0
    without_host_ms = plan.host_timeout_ms
    if plan.host_loss != HostLossAction.VENT:
        without_host_ms += plan.host_loss_limit_ms
    return plan.die_um, without_host_ms / 1000


def _record_size(hello: Frame) -> int:
    """Return the size in bytes of the telemetry records of the session that this reply opens."""
    if hello.kind == FrameKind.REPLY:
        reply = decode_message(HelloReply, hello.payload)
        if reply.capabilities & CapabilityBits.DISPLACEMENT:
            return RECORD_SIZE
    return SHORT_RECORD_SIZE


class PicoPacing:
    """Decides whether emulated time may pass.

    Args:
        lockstep: Follow the host; else run at the pace of the wall clock.
        speed: How many times faster than the wall clock, while time does not follow the host.
        silence_s: With lockstep: time passes without the host once it was silent for this long.
    """

    def __init__(self, lockstep: bool, speed: float, silence_s: float) -> None:
        """Keep the settings."""
        self._lockstep = lockstep
        self._silence_s = silence_s
        self._real = RealTime(speed)

    def may_run(self, monitor: WireMonitor, tick: int, now_s: float) -> bool:
        """Return whether the tick after `tick` may pass at wall clock `now_s`."""
        follows = (
            self._lockstep
            and monitor.sent_tick >= 0
            and now_s - monitor.host_frame_s < self._silence_s
        )
        if follows and monitor.request_pending:
            return True
        if follows and monitor.sent_tick > monitor.acknowledged_tick:
            return False
        if follows and monitor.state != State.PROMPTING:
            self._real.stop()
            return True
        return self._real.due(int(now_s * 1000), tick) > 0
