"""Makes a run as a board would have sent it: plan, packed telemetry, true pressure.

Three stages (up, up, down), a prompt between each, and a vent. The pressure follows the setpoint
with a lag, so it overshoots nothing by itself; `bump_mpa` adds an overshoot where the ramp ends.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pressloop.emulator.description import PressDescription
from pressloop.machine.profile import MachineProfile
from pressloop.record import (
    BoardIdentity,
    BoardStepResult,
    EmulatedPress,
    PlannedStage,
    PlannedStep,
    RunEnd,
    RunHeader,
)
from pressloop.wire.schema import NO_DISPLACEMENT, RECORD_FORMAT, FlagBits, State
from pressloop_sim.plant.truth_format import MAGIC, RECORD

NO_STEP = 255
REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())
TOLERANCE_PERCENT = 0.5
VENT_MPA_S = 100.0


@dataclass(frozen=True)
class Shape:
    """Parameters of the run. The defaults make a good run of about 13 s."""

    targets_mpa: tuple[float, ...] = (250.0, 500.0, 74.0)
    rate_mpa_s: float = 100.0
    hold_s: float = 1.5
    prompt_s: float = 0.2
    approach_s: float = 0.3
    lag_s: float = 0.03
    bump_mpa: float = 0.3
    noise_mpa: float = 0.02
    stop_after_step: int | None = None


@dataclass
class SyntheticRun:
    """All that a recorder receives, and the bytes of the truth file."""

    header: RunHeader
    run_first: int
    start_tick: int
    records: list[bytes] = field(default_factory=list)
    truth: bytes = b""
    results: list[BoardStepResult] = field(default_factory=list)

    @property
    def last_seq(self) -> int:
        return self.run_first + len(self.records) - 1

    def end(self, **changes: Any) -> RunEnd:
        values: dict[str, Any] = {
            "end_reason": "completed",
            "last_seq": self.last_seq,
            "step_results": tuple(self.results),
        }
        return RunEnd(**{**values, **changes})

    def batch(self, start: int, stop: int) -> tuple[int, bytes]:
        """Records `start` .. `stop - 1`, counted from the first, as a recorder takes them."""
        return self.run_first + start, b"".join(self.records[start:stop])


def plan(shape: Shape) -> tuple[tuple[PlannedStep, ...], tuple[PlannedStage, ...]]:
    steps: list[PlannedStep] = []
    stages: list[PlannedStage] = []
    names = ("Densify electrolyte", "Bond cathode", "Stack pressure")
    level = 0.0
    for number, target in enumerate(shape.targets_mpa):
        if number:
            index, stage = len(steps), len(stages)
            text = f"insert part {number}"
            steps.append(PlannedStep(index=index, kind="prompt", stage=stage, text=text))
            stages.append(PlannedStage(index=stage, name="prompt", steps=(index,)))
        index, stage = len(steps), len(stages)
        tolerance = target * TOLERANCE_PERCENT / 100
        down = target < level
        steps += [
            PlannedStep(
                index=index,
                kind="release" if down else "ramp",
                stage=stage,
                target_mpa=target,
                rate_mpa_s=shape.rate_mpa_s,
            ),
            PlannedStep(
                index=index + 1,
                kind="hold",
                stage=stage,
                target_mpa=target,
                tolerance_mpa=tolerance,
                duration_s=shape.hold_s,
                mode="regulated",
            ),
        ]
        stages.append(
            PlannedStage(
                index=stage,
                name=names[number % 3],
                steps=(index, index + 1),
                target_mpa=target,
                tolerance_mpa=tolerance,
                rate_mpa_s=shape.rate_mpa_s,
                direction="down" if down else "up",
                path=f"stages[{stage}]",
            )
        )
        level = target
    return tuple(steps), tuple(stages)


def header(shape: Shape = Shape(), *, simulated: bool = True, **changes: Any) -> RunHeader:
    steps, stages = plan(shape)
    values: dict[str, Any] = {
        "run_id": "0011223344556677",
        "created_unix_time_second": 1_800_000_000.0,
        "protocol_name": "Sodium-ion three-step",
        "protocol_text": "name: Sodium-ion three-step\n",
        "steps": steps,
        "stages": stages,
        "board": BoardIdentity(
            board="emulated",
            firmware="0.1.0",
            build="abc123",
            unique_id="0102",
            boot_id=7,
            protocol_version="1.0",
            schema_hash="f458626dd1562607",
        ),
        "profile": REFERENCE.model_dump(mode="json"),
        "die_mm": 10.0,
        "profile_hash": "deadbeef00000000",
        "host_software": {"pressloop": "0.1.0"},
        "simulated": simulated,
        "port": "emulated" if simulated else "/dev/ttyACM0",
        "tick_hz": 100,
        "emulated_press": EmulatedPress(description={"die_mm": 10}, seed=1) if simulated else None,
    }
    return RunHeader(**{**values, **changes})


def run(shape: Shape = Shape(), *, run_first: int = 1000, start_tick: int = 5000) -> SyntheticRun:
    made = SyntheticRun(header(shape), run_first, start_tick)
    _Press(shape, made).play()
    return made


class _Press:
    """Plays the plan tick by tick."""

    def __init__(self, shape: Shape, made: SyntheticRun) -> None:
        self.shape = shape
        self.made = made
        self.tick = made.start_tick
        self.setpoint = 0.0
        self.pressure = 0.0
        self.bump = 0.0
        self.truth: list[bytes] = []

    def play(self) -> None:
        self._truth_before_the_run()
        steps = self.made.header.steps
        stop_after = self.shape.stop_after_step
        for step in steps:
            if stop_after is not None and step.index > stop_after:
                break
            play = {"prompt": self._prompt, "hold": self._hold}.get(step.kind, self._ramp)
            play(step)
        for step in steps[len(self.made.results) :]:
            self.made.results.append(_result(step.index, "pending", [], 0, self.tick))
        while self.setpoint > 0:
            self.setpoint = max(0.0, self.setpoint - VENT_MPA_S / 100)
            self._tick(NO_STEP, State.VENTING)
        self._tick(NO_STEP, State.IDLE)
        self.made.truth = MAGIC + b"".join(self.truth)

    def _truth_before_the_run(self) -> None:
        for tick in range(self.tick - 5, self.tick):
            self.truth.append(struct.pack(RECORD, tick, 0.0, 0.0, 0.45, 0.0, 0.0, 0))

    def _prompt(self, step: PlannedStep) -> None:
        seen = [self._tick(step.index, State.PROMPTING) for _ in range(_ticks(self.shape.prompt_s))]
        self._finish(step, seen, 0)

    def _ramp(self, step: PlannedStep) -> None:
        assert step.target_mpa is not None
        seen = []
        if step.index == 0:
            for _ in range(_ticks(self.shape.approach_s)):
                seen.append(self._tick(step.index, State.RUNNING, FlagBits.APPROACHING))
        down = step.target_mpa < self.setpoint
        change = self.shape.rate_mpa_s / 100 * (-1 if down else 1)
        while abs(step.target_mpa - self.setpoint) > abs(change):
            self.setpoint += change
            seen.append(self._tick(step.index, State.RUNNING))
        self.setpoint = step.target_mpa
        self.bump = -self.shape.bump_mpa if down else self.shape.bump_mpa
        self._finish(step, seen, 0)

    def _hold(self, step: PlannedStep) -> None:
        assert step.target_mpa is not None and step.tolerance_mpa is not None
        dwell = 0
        seen = []
        while dwell < _ticks(self.shape.hold_s):
            reading = self._next_reading()
            inside = abs(reading - round(step.target_mpa * 1000)) <= step.tolerance_mpa * 1000
            flags = FlagBits.IN_BAND | FlagBits.DWELLING if inside else 0
            dwell += inside
            seen.append(self._tick(step.index, State.RUNNING, flags, reading))
        self._finish(step, seen, dwell)

    def _next_reading(self) -> int:
        self.pressure += (self.setpoint - self.pressure) * (1 - math.exp(-0.01 / self.shape.lag_s))
        self.bump *= math.exp(-0.01 / 0.2)
        noise = self.shape.noise_mpa * math.sin(self.tick * 12.9898)
        # The bump arrives with the pressure, not before.
        near = abs(self.setpoint - self.pressure) < 1.0
        return round(1000 * (self.pressure + (self.bump if near else 0.0) + noise))

    def _tick(
        self,
        step: int,
        state: State,
        flags: int = 0,
        reading: int | None = None,
    ) -> int:
        if reading is None:
            reading = self._next_reading()
        drive = self.setpoint - reading / 1000
        output = max(-32767, min(32767, round(drive * 8000)))
        raw = max(0, min(65535, 8000 + reading // 12))
        self.made.records.append(
            struct.pack(
                RECORD_FORMAT,
                self.tick % (1 << 32),
                reading,
                round(self.setpoint * 1000),
                output,
                raw,
                step,
                state,
                flags,
                0,
                NO_DISPLACEMENT,
            )
        )
        true = reading / 1000 + 0.1
        self.truth.append(
            struct.pack(
                RECORD,
                self.tick % (1 << 32),
                true,
                true / 1.85,
                0.45 + true / 2000,
                5.0 + true / 500,
                1.02 * true,
                0,
            )
        )
        self.tick += 1
        return reading

    def _finish(self, step: PlannedStep, seen: Sequence[int], dwell: int) -> None:
        start = self.tick - len(seen)
        self.made.results.append(_result(step.index, "done", seen, dwell, start))


def _result(
    step: int, outcome: Any, seen: Sequence[int], dwell: int, start_tick: int
) -> BoardStepResult:
    return BoardStepResult(
        step=step,
        outcome=outcome,
        ticks=len(seen),
        dwell_ticks=dwell,
        peak_kpa=max(seen, default=0),
        lowest_kpa=min(seen, default=0),
        top_ups=0,
        start_tick=start_tick % (1 << 32),
    )


def _ticks(seconds: float) -> int:
    return round(seconds * 100)
