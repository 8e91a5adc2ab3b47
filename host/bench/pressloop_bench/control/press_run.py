"""Runs the firmware's controller and a simulated press in one CPython process.

The firmware is the one that is flashed. Codec, link and heap lock are left out, and the tests cover
them. One tick takes about 20 us.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pressloop.emulator.locate import find_firmware
from pressloop.wire.schema import TICK_HZ
from pressloop_sim.plant.load_cell import LoadCell
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.ram_with_friction import build_plant
from pressloop_sim.plant.second_transducer import SecondTransducer, is_fitted
from pressloop_sim.plant.transducer import Transducer

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TICK_S: Final = 1 / TICK_HZ
_FULL: Final = 32767


def firmware(name: str) -> ModuleType:
    """Import a module of the firmware, from the checkout or $PRESSLOOP_FIRMWARE."""
    folder = str(find_firmware())
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(f"pressloop_fw.{name}")


class SimulatedPress:
    """A plant with its transducers, stepped tick by tick.

    Attributes:
        second_raw: Counts of the second transducer, 0 without one.
        load_cell: Its load cell, which is present or not.
    """

    def __init__(self, config: dict[str, float], seed: int) -> None:
        """Build the press of `PressDescription.plant_config`."""
        self.plant = build_plant(config, seed=seed)
        self._transducer = Transducer.of(config, Rng(seed), TICK_S)
        self._second = SecondTransducer(config, seed, TICK_S) if is_fitted(config) else None
        self.second_raw = 0
        self.load_cell = LoadCell(config, seed)

    def tick(self, pump: int, release: int) -> int:
        """Let a tick pass under two openings; return the transducer's counts."""
        plant = self.plant
        plant.pump.command = pump / _FULL
        plant.release.command = release / _FULL
        plant.step(TICK_S)
        if self._second is not None:
            self.second_raw = self._second.sample(plant.oil_mpa)
        if self.load_cell.present:
            self.load_cell.step(plant.punch_n(), TICK_S)
        return self._transducer.sample(plant.oil_mpa + plant.warming.zero_mpa)


@dataclass(frozen=True)
class Trace:
    """The course of a run, one element per tick. Pressures are MPa on the pellet."""

    true_mpa: Floats
    setpoint_mpa: Floats
    reading_mpa: Floats
    raw: Ints
    output: Ints
    step: Ints
    approaching: npt.NDArray[np.bool_]
    dwelling: npt.NDArray[np.bool_]
    dumping: npt.NDArray[np.bool_]
    oil_derived_mpa: Floats

    @staticmethod
    def of(rows: list[tuple[float, ...]]) -> Trace:
        """Turn rows in the order of the attributes into arrays."""
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        return Trace(
            true_mpa=columns[0].astype(np.float64),
            setpoint_mpa=columns[1].astype(np.float64),
            reading_mpa=columns[2].astype(np.float64),
            raw=columns[3].astype(np.int64),
            output=columns[4].astype(np.int64),
            step=columns[5].astype(np.int64),
            approaching=columns[6].astype(np.bool_),
            dwelling=columns[7].astype(np.bool_),
            dumping=columns[8].astype(np.bool_),
            oil_derived_mpa=columns[9].astype(np.float64),
        )


class PressRunError(Exception):
    """A run on the bench did not complete; the message says how it ended.

    Attributes:
        trace: The course of the run until then; None if it did not begin.
    """

    def __init__(self, message: str, trace: Trace | None = None) -> None:
        """Keep what there is of the run."""
        super().__init__(message)
        self.trace = trace


class FastPress:
    """The firmware's controller on an emulated press."""

    def __init__(self, config: dict[str, float], profile: dict[str, Any], seed: int) -> None:
        """Give the controller a profile: field names of the wire's `profile` and values."""
        self.schema = firmware("wire.schema")
        self._raw = 0
        self.press = SimulatedPress(config, seed)
        self._profile = firmware("service.profile_store").Profile(
            {getattr(self.schema, f"PROFILE_{name.upper()}"): v for name, v in profile.items()},
            is_fitted(config),
        )
        field = self._profile.contradiction()
        if field:
            raise PressRunError(f"the profile contradicts itself in field {field}")
        self.plan = firmware("loop.plan").Plan()
        self._board = SimpleNamespace(
            capabilities=(self.schema.CAP_SECOND_CHANNEL if is_fitted(config) else 0)
            | (self.schema.CAP_LOAD_CELL if self.press.load_cell.present else 0),
            read_raw=lambda: self._raw,
            read_second_raw=lambda: self.press.second_raw,
            read_force=self._read_force,
            read_inputs=lambda: 0,
            set_valves=self._set_valves,
            dump=lambda: self._set_valves(0, _FULL),
            safe=self._safe,
            simulated=True,
            show_pressure=lambda stands: None,
            sound=lambda on: None,
        )
        self._conversions = 0
        # As small as it may be: no host reads the records.
        ring = firmware("loop.telemetry_ring").TelemetryRing(2)
        self.controller = firmware("loop.tick").Controller(self._board, self.plan, ring)
        self._pump = 0
        self._release = _FULL
        self._raw = self.press.tick(self._pump, self._release)

    def _read_force(self) -> int:
        cell = self.press.load_cell
        if cell.conversions == self._conversions or not cell.answers:
            return int(self.schema.NO_FORCE)
        self._conversions = cell.conversions
        return cell.reading

    def _set_valves(self, pump: int, release: int) -> None:
        self._pump, self._release = pump, release

    def _safe(self) -> None:
        self._pump, self._release = 0, _FULL

    def run(
        self, steps: list[dict[str, Any]], *, die_um: int, ceiling_kpa: int, vent_kpa_s: int
    ) -> Trace:
        """Run `steps`, given by field names of `plan-step-request`, and return their course.

        Raises:
            PressRunError: The run ended by a fault or a time-out.
        """
        schema = self.schema
        profile = self._profile
        scaling = firmware("loop.scaling").Scaling(profile, die_um)
        header = {
            "steps": len(steps),
            "die_um": die_um,
            "ceiling_kpa": ceiling_kpa,
            "host_loss": schema.HOST_LOSS_FINISH,
            "host_loss_limit_ms": 1_000_000_000,
            "host_timeout_ms": 60_000,
            "vent_rate_kpa_s": vent_kpa_s,
            "record_every": 1,
            "accept_unresolved": True,
        }
        plan = self.plan
        plan.begin(self._keys("PLAN_BEGIN_REQUEST", header), b"", profile, scaling)
        for index, step in enumerate(steps):
            values = {"index": index, "stage": 0, **step}
            plan.add(self._keys("PLAN_STEP_REQUEST", values), b"")
        plan.committed = True
        controller = self.controller
        controller.configure(profile, scaling)
        controller.limit_to(ceiling_kpa)
        return self._press(controller)

    def _keys(self, message: str, values: dict[str, Any]) -> dict[int, Any]:
        return {getattr(self.schema, f"{message}_{name.upper()}"): v for name, v in values.items()}

    def _press(self, controller: Any) -> Trace:
        schema = self.schema
        sequencer = controller.sequencer
        setpoint = sequencer.setpoint
        dump, no_step = firmware("loop.sequencer").ACT_DUMP, firmware("loop.sequencer").NO_STEP
        plant = self.press.plant
        rows: list[tuple[float, ...]] = []
        for _ in range(200):
            self._raw = self.press.tick(self._pump, self._release)
            controller.tick()
        sequencer.prepare_start()
        sequencer.request_start()
        while True:
            self._raw = self.press.tick(self._pump, self._release)
            sequencer.host.heard()
            controller.tick()
            rows.append(
                (
                    plant.pellet_mpa,
                    setpoint.value_kpa / 1000,
                    controller.pellet_kpa() / 1000,
                    self._raw,
                    controller.valves.output(),
                    sequencer.step_index,
                    sequencer.approaching,
                    sequencer.hold.dwelling,
                    sequencer.action == dump,
                    plant.oil_derived_mpa(),
                )
            )
            if not sequencer.active():
                break
        if controller.failure is not None:
            raise controller.failure
        if sequencer.end_reason != schema.END_COMPLETED:
            last = max((int(row[5]) for row in rows if row[5] != no_step), default=no_step)
            raise PressRunError(
                f"end reason {sequencer.end_reason}, fault {controller.interlocks.fault}, "
                f"step {last}, at {max(row[0] for row in rows):.1f} MPa at most",
                Trace.of(rows),
            )
        return Trace.of(rows)
