"""What the press is doing, in the units of people."""

from __future__ import annotations

from dataclasses import dataclass

from pressloop.session.telemetry import NO_STEP
from pressloop.wire.schema import EndReason, Fault, InputBits, State, StatusReply


@dataclass(frozen=True)
class PressStatus:
    """State of a press at one instant.

    Attributes:
        state: What it is doing.
        tick: Device clock, ticks of 10 ms since boot.
        pressure_mpa: Filtered reading, MPa on the pellet.
        setpoint_mpa: Where the pressure should be now, MPa.
        target_mpa: Where the step in progress leads, MPa.
        step: Index of the plan step in progress, None without.
        stage: Index of its stage, None without.
        stage_name: Name of its stage, if the protocol is known here.
        elapsed_s: Time since the run began, None without a run of this program.
        dwell_s: In-band time of the hold in progress.
        remaining_s: Least time to the end of the step; 0 when only the operator ends it.
        prompt: What the operator is being asked, empty without a prompt.
        approaching: The ram moves without load.
        end_reason: Why the last run ended, `NONE` while it lasts.
        fault: What is latched.
        inputs: Emergency stop, guard, button.
        host_lost: The board considers its host lost.
        run_id: Of the current or the last run since boot, zeros without.
    """

    state: State
    tick: int
    pressure_mpa: float
    setpoint_mpa: float
    target_mpa: float
    step: int | None
    stage: int | None
    stage_name: str | None
    elapsed_s: float | None
    dwell_s: float
    remaining_s: float
    prompt: str
    approaching: bool
    end_reason: EndReason
    fault: Fault
    inputs: InputBits
    host_lost: bool
    run_id: bytes

    @classmethod
    def from_wire(
        cls,
        reply: StatusReply,
        *,
        stage_name: str | None = None,
        elapsed_s: float | None = None,
    ) -> PressStatus:
        """Return what a status reply says."""
        return cls(
            state=reply.state,
            tick=reply.tick,
            pressure_mpa=reply.pressure_kpa / 1000,
            setpoint_mpa=reply.setpoint_kpa / 1000,
            target_mpa=reply.target_kpa / 1000,
            step=None if reply.step == NO_STEP else reply.step,
            stage=None if reply.stage == NO_STEP else reply.stage,
            stage_name=stage_name,
            elapsed_s=elapsed_s,
            dwell_s=reply.dwell_ms / 1000,
            remaining_s=reply.remaining_ms / 1000,
            prompt=reply.prompt,
            approaching=reply.approaching,
            end_reason=reply.end_reason,
            fault=reply.fault,
            inputs=reply.inputs,
            host_lost=reply.host_lost,
            run_id=reply.run_id,
        )
