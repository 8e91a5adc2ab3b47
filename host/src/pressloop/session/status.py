"""Describes what the press is doing, in MPa and seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pressloop.hardware.thermistor import celsius
from pressloop.session.telemetry import NO_STEP
from pressloop.wire.schema import (
    OUTPUT_FULL,
    EndReason,
    Fault,
    InputBits,
    State,
    StatusReply,
    StorageBits,
)

_NO_TROUBLE: Final = StorageBits(0)
_ARRIVED_MPA: Final = 0.0005


@dataclass(frozen=True)
class PressStatus:
    """Holds the state of a press at one instant.

    Attributes:
        state: State of the press: idle, running, paused, prompting, venting or fault.
        tick: Device clock, ticks of 10 ms since boot.
        pressure_mpa: Filtered reading, MPa on the pellet.
        setpoint_mpa: Setpoint at this moment, MPa on the pellet.
        target_mpa: Target of the step in progress, MPa on the pellet.
        step: Index of the plan step in progress; None without a run.
        stage: Index of its stage; None without a run.
        stage_name: Name of its stage, if the protocol is known here.
        elapsed_s: Time since the run began; None without a run of this program.
        dwell_s: Dwell of the hold in progress: its time within the tolerance, s. Of a rest its time
            without pressure.
        remaining_s: Minimum time to the end of the step; 0 if only the operator ends it.
        prompt: Text of the open prompt; empty without one.
        approaching: Whether the ram moves without load.
        topping_up: Whether a sealed hold has left its band, and the pump brings it back.
        waits_for_button: Whether the approach stands until a person holds the controller's button.
        end_reason: Why the last run ended; `NONE` while it is active.
        fault: The latched fault; `NONE` without one.
        inputs: States of emergency stop, guard and button.
        oil_temperature_c: Temperature of the oil, C; None without a sensor that reads.
        host_lost: Whether the board considers its host lost.
        force_kn: Force on the pellet at `pressure_mpa`, kN; None if the die is not known here.
        paused_by: Who asked for the pause that is in effect; empty without one, or if not known.
        silent_s: Time for which the board heard nothing from its host and paused because of that,
            s; None if that is not the reason of a pause.
        further_fault: What the pressure has shown since that fault: that it stays although the
            release is open, or rises although the pump is shut; `NONE` while it behaves.
        run_id: Id of the current run, or of the last one since boot; zeros if there was none.
        second_mpa: Reading of the second pressure channel, MPa on the pellet; None on a
            single-channel press.
        largest_difference_mpa: Largest difference between the channels in the current or last run,
            apart from what their lags explain, MPa; None on a single-channel press.
        release_dead_band_percent: Where the board finds the release's dead band in the current or
            last run, % of stroke; None: where the profile has it.
        pump_dead_band_percent: The same of the pump, as found in all runs with this profile.
        zero_correction_mpa: What the readings of the current or last run had too much, as found at
            rest before it, and what was taken off, MPa on the pellet; None: nothing.
        storage: What is wrong with the board's flash; no bit if all is well.
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
    force_kn: float | None = None
    paused_by: str = ""
    silent_s: float | None = None
    storage: StorageBits = _NO_TROUBLE
    second_mpa: float | None = None
    largest_difference_mpa: float | None = None
    further_fault: Fault = Fault.NONE
    oil_temperature_c: float | None = None
    release_dead_band_percent: float | None = None
    zero_correction_mpa: float | None = None
    pump_dead_band_percent: float | None = None
    waits_for_button: bool = False
    topping_up: bool = False

    @property
    def setpoint_moves(self) -> bool:
        """Whether the setpoint is on its way to the target of the step."""
        return abs(self.setpoint_mpa - self.target_mpa) > _ARRIVED_MPA

    @property
    def is_resting(self) -> bool:
        """Whether a rest is in progress or paused: no other step has time left at zero pressure."""
        return (
            self.state in (State.RUNNING, State.PAUSED)
            and self.setpoint_mpa == self.target_mpa == 0
            and self.remaining_s > 0
        )

    @classmethod
    def from_wire(
        cls,
        reply: StatusReply,
        *,
        stage_name: str | None = None,
        elapsed_s: float | None = None,
        force_kn: float | None = None,
        paused_by: str = "",
        silent_s: float | None = None,
    ) -> PressStatus:
        """Convert a status reply of the board."""
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
            waits_for_button=bool(reply.waits_for_button),
            topping_up=bool(reply.topping_up),
            end_reason=reply.end_reason,
            fault=reply.fault,
            inputs=reply.inputs,
            host_lost=reply.host_lost,
            run_id=reply.run_id,
            second_mpa=mpa_of(reply.second_kpa),
            largest_difference_mpa=mpa_of(reply.largest_difference_kpa),
            force_kn=force_kn,
            paused_by=paused_by,
            silent_s=silent_s,
            storage=StorageBits(reply.storage or 0),
            further_fault=reply.further_fault or Fault.NONE,
            zero_correction_mpa=mpa_of(reply.zero_correction_kpa),
            release_dead_band_percent=opening_percent(reply.release_dead_band),
            pump_dead_band_percent=opening_percent(reply.pump_dead_band),
            oil_temperature_c=None
            if reply.oil_temperature_raw is None
            else celsius(reply.oil_temperature_raw),
        )


def opening_percent(opening: int | None) -> float | None:
    """Return an opening of the wire in per cent of stroke."""
    return None if opening is None else 100 * opening / OUTPUT_FULL


def mpa_of(kpa: int | None) -> float | None:
    """Return a pressure of the wire in MPa."""
    return None if kpa is None else kpa / 1000
