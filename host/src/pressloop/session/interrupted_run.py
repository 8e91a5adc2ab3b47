"""Tells which run a loss of power or a reset cut off, as the board's journal has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pressloop.errors import CommandRefusedError
from pressloop.session.session import Session
from pressloop.session.telemetry import NO_STEP
from pressloop.units import duration_text
from pressloop.wire.schema import (
    TICK_HZ,
    CapabilityBits,
    Fault,
    InputBits,
    InterruptedRunReply,
    InterruptedRunRequest,
    ResetCause,
)

_NO_RUN: Final = bytes(8)
_CAUSES: Final = {
    Fault.TICK_HANG: "the control loop of the controller hung, and its watchdog reset it",
    Fault.WATCHDOG: "the watchdog reset the controller",
}


@dataclass(frozen=True)
class InterruptedRun:
    """Holds what the board still knows of the run that its last reset cut off.

    The journal has a record of each change and of 1, 2, 4 ... 60 s after it. So times are at least
    these, and at most twice as long or a minute longer.

    Attributes:
        run_id: Id of the run, 8 bytes.
        step: Index of the plan step in progress; None before the first one and while venting.
        dwell_s: Time in band of the hold in progress, at least.
        run_s: Time since the start of the run, at least; None when the start is not known.
        pressure_mpa: Reading of the last record, MPa on the pellet.
        fault: The fault that latched because of it.
        reset_cause: Why the controller started after it.
        inputs: Inputs in the last record.
    """

    run_id: bytes
    step: int | None
    dwell_s: float
    run_s: float | None
    pressure_mpa: float
    fault: Fault
    reset_cause: ResetCause
    inputs: InputBits

    @property
    def power_lost(self) -> bool:
        """Whether the controller lost its power; otherwise something reset it."""
        return self.reset_cause is ResetCause.POWER_ON

    @property
    def description(self) -> str:
        """What happened, as one clause."""
        cause = "the controller lost power" if self.power_lost else "the controller was reset"
        cause = _CAUSES.get(self.fault, cause)
        step = "while no step was in progress" if self.step is None else f"in step {self.step}"
        dwell = f" after at least {duration_text(self.dwell_s)} of dwell" if self.dwell_s else ""
        return f"{cause} {step}{dwell}; the last stored reading is {self.pressure_mpa:.1f} MPa"

    @classmethod
    def from_wire(cls, reply: InterruptedRunReply) -> InterruptedRun | None:
        """Convert the board's reply; None when no run was cut off."""
        if reply.run_id == _NO_RUN:
            return None
        started = reply.start_tick > 0
        return cls(
            run_id=reply.run_id,
            step=None if reply.step == NO_STEP else reply.step,
            dwell_s=reply.dwell_ms / 1000,
            run_s=max(0, reply.tick - reply.start_tick) / TICK_HZ if started else None,
            pressure_mpa=reply.pressure_kpa / 1000,
            fault=reply.fault,
            reset_cause=reply.reset_cause,
            inputs=InputBits(reply.inputs),
        )


def ask_interrupted_run(session: Session) -> InterruptedRun | None:
    """Ask the board which run its last reset cut off; None when there is none."""
    if CapabilityBits.JOURNAL not in session.hello.capabilities:
        return None
    try:
        return InterruptedRun.from_wire(session.request(InterruptedRunRequest()))
    except CommandRefusedError:
        return None
