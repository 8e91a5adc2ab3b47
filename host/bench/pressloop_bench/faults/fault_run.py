"""Runs one case of the bench on virtual time and returns its course, tick by tick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pressloop.machine.profile import MachineProfile
from pressloop.machine.relief_valve import highest_relief_bar
from pressloop_sim.plant.fault_kinds import ScheduledFault
from pressloop_sim.plant.valve_faults import faulty_release

from pressloop_bench.control.press_run import TICK_S, Floats, Ints, firmware
from pressloop_bench.faults.bench_board import BenchBoard, StartRefusedError
from pressloop_bench.faults.fault_case import FaultCase

# A slow pump approaches for minutes.
_MAX_RUN_TICKS: Final = 200_000
_MAX_TICKS_WITH_FAULT: Final = 30_000
# After the end the press has this long to lose its pressure.
_AFTER_TICKS: Final = 1_000
_APPROACH_S: Final = 2.0
_HOLD_S: Final = 4.0
_RELEASE_S: Final = 2.0
_AT_REST_SHARE: Final = 0.01

RUNNING: Final = 1
"""State of the board while steps are carried out; of the wire's schema."""


@dataclass(frozen=True)
class Course:
    """What happened in a run; arrays have one element per tick since the start.

    Attributes:
        true_mpa: True pressure on the pellet.
        reading_mpa: Newest reading of the transducer.
        apart_mpa: Newest reading of the second transducer less that of the first one, before any
            filter; NaN without a second one, and where a reading is out of range.
        setpoint_mpa: Setpoint of the loop.
        target_mpa: Target of the last hold, from its first tick on; infinite before.
        step: Index of the step, -1 outside.
        state: State of the board; -1 while the controller is in a reset.
        fault: The latched fault.
        dwelling: Whether the dwell clock counted.
        damage: What has truly broken of pellet and die: bits of `pressloop_sim.plant.damage`.
        pump: Command of the pump valve that reached its coil, 0..1.
        fault_tick: When the fault was injected; None if the run never came there.
        refused: Why the run did not start; None if it started.
        end_reason: Of the board, END_*; 0 if it does not know.
        end_names: Names of end reasons by number.
        fault_names: Names of faults by number.
        resets: How often the controller has started again.
        tracebacks: How many the firmware has printed.
    """

    true_mpa: Floats
    reading_mpa: Floats
    setpoint_mpa: Floats
    target_mpa: Floats
    step: Ints
    state: Ints
    fault: Ints
    dwelling: Ints
    damage: Ints
    pump: Floats
    apart_mpa: Floats
    fault_tick: int | None
    refused: str | None
    end_reason: int
    end_names: dict[int, str]
    fault_names: dict[int, str]
    resets: int
    tracebacks: int


def names_of(prefix: str) -> dict[int, str]:
    """Return the names of the constants of the firmware's schema with a prefix, by number."""
    schema = firmware("wire.schema")
    return {
        getattr(schema, name): name[len(prefix) :].lower().replace("_", "-")
        for name in dir(schema)
        if name.startswith(prefix) and isinstance(getattr(schema, name), int)
    }


class FaultRun:
    """One run: decides tick by tick whether the fault strikes, and keeps the course."""

    def __init__(self, case: FaultCase, profile: dict[str, Any]) -> None:
        """Build press and board."""
        self._case = case
        self._board = BenchBoard(
            case.press_config(), case.profile(profile), case.case.seed ^ case.number
        )
        self._rows: list[tuple[float, ...]] = []
        self._dwelt = 0
        self._in_release = 0
        self._fault_tick: int | None = None
        self._reference = np.inf
        self._steps = case.steps()
        self._profile = case.profile(profile)
        machine = MachineProfile.from_fields(self._profile)
        self._lever = machine.limits(round(case.case.press.die_mm * 1000)).ratio_q10 / 1024
        # As high as commissioning accepts: every press has one.
        relief = faulty_release(self._board.plant)
        relief.relief_mpa = highest_relief_bar(machine) / 10

    def run(self) -> Course:
        """Run to the end and some seconds beyond."""
        case, board = self._case, self._board
        schema = board.schema
        if case.kind is not None and case.kind.at_start:
            self._inject()
        for _ in range(100):
            board.tick()
        try:
            board.start(
                self._steps,
                die_um=round(case.case.press.die_mm * 1000),
                ceiling_kpa=case.ceiling_kpa,
                host_loss=schema.HOST_LOSS_VENT,
                host_loss_limit_ms=60_000,
                host_timeout_ms=2_000,
                vent_rate_kpa_s=round(2000 * case.case.rates_mpa_s[0]),
                record_every=1,
                accept_unresolved=True,
            )
        except StartRefusedError as refusal:
            return self._course(str(refusal))
        self._follow()
        return self._course(None)

    def _follow(self) -> None:
        board, case = self._board, self._case
        rest_mpa = _AT_REST_SHARE * case.target_kpa / 1000
        after = 0
        begun = False
        for tick in range(_MAX_RUN_TICKS):
            if self._fault_tick is None and case.kind is not None and self._is_time(tick):
                self._inject()
                self._fault_tick = tick
            board.tick()
            self._note()
            if tick == 1:
                board.plant.begin_run()
            active = board.controller.sequencer.active() or board.is_resetting
            begun = begun or active
            if tick - (self._fault_tick or tick) >= _MAX_TICKS_WITH_FAULT:
                return
            if begun and not active:
                after += 1
                if after >= _AFTER_TICKS or (
                    after >= _AFTER_TICKS // 5 and board.plant.pellet_mpa < rest_mpa
                ):
                    return

    def _inject(self) -> None:
        kind = self._case.kind
        if kind is not None:
            self._board.inject(ScheduledFault(kind, self._case.value, None))
            self._fault_tick = 0

    def _is_time(self, tick: int) -> bool:
        case = self._case
        sequencer = self._board.controller.sequencer
        if case.stage == "approach":
            return tick >= 1 + case.share * _APPROACH_S / TICK_S
        if sequencer.step_index != case.step:
            return False
        if case.stage == "ramp":
            share = 0.1 + 0.85 * case.share
            reached = sequencer.setpoint.value_kpa >= share * case.target_kpa
            return not sequencer.approaching and bool(reached)
        if case.stage == "hold":
            self._dwelt += bool(sequencer.hold.dwelling)
            return self._dwelt > case.share * _HOLD_S / TICK_S
        self._in_release += 1
        return self._in_release > case.share * _RELEASE_S / TICK_S

    def _note(self) -> None:
        board = self._board
        controller = board.controller
        sequencer = controller.sequencer
        step = sequencer.step_index if sequencer.active() else -1
        if 0 <= step < len(self._steps):
            kind = self._steps[step]["kind"]
            if kind == board.schema.STEP_HOLD:
                self._reference = self._steps[step]["target_kpa"] / 1000
            elif kind == board.schema.STEP_RAMP:
                self._reference = np.inf
        self._rows.append(
            (
                board.plant.pellet_mpa,
                controller.sampler.newest_kpa / 1000,
                sequencer.setpoint.value_kpa / 1000,
                self._reference,
                step if step < len(self._steps) else -1,
                -1 if board.is_resetting else sequencer.state,
                board.fault,
                bool(sequencer.hold.dwelling),
                board.plant.damage,
                board.openings[0],
                self._apart_mpa(),
            )
        )

    def _apart_mpa(self) -> float:
        """Return by how much the second transducer reads above the first one, MPa on the pellet."""
        board, profile = self._board, self._profile
        if board.second_transducer is None:
            return np.nan
        for raw, which in ((board.raw, ""), (board.second_raw, "second_")):
            if not profile[f"{which}raw_fault_low"] <= raw <= profile[f"{which}raw_fault_high"]:
                return np.nan
        span = profile["second_raw_full"] - profile["second_raw_zero"]
        oil_kpa = (board.second_raw - profile["second_raw_zero"]) / span
        oil_kpa *= profile["second_full_scale_oil_kpa"]
        return float(oil_kpa * self._lever - board.controller.sampler.newest_kpa) / 1000

    def _course(self, refused: str | None) -> Course:
        columns = [np.array(column) for column in zip(*self._rows, strict=True)]
        if not columns:
            columns = [np.zeros(0)] * 11
        floats = [column.astype(np.float64) for column in columns]
        whole = [column.astype(np.int64) for column in columns[4:9]]
        return Course(
            true_mpa=floats[0],
            reading_mpa=floats[1],
            setpoint_mpa=floats[2],
            target_mpa=floats[3],
            step=whole[0],
            state=whole[1],
            fault=whole[2],
            dwelling=whole[3],
            damage=whole[4],
            apart_mpa=floats[10],
            pump=floats[9],
            fault_tick=self._fault_tick,
            refused=refused,
            end_reason=int(self._board.controller.sequencer.end_reason),
            end_names=names_of("END_"),
            fault_names=names_of("FAULT_"),
            resets=self._board.resets,
            tracebacks=self._board.tracebacks,
        )


def run_case(case: FaultCase, profile: dict[str, Any]) -> Course:
    """Run a case on a press with a tuned profile, by field names of the wire's `profile`."""
    return FaultRun(case, profile).run()
