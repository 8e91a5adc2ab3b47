"""Faults of the emulated Pico: those of the press, of supply and power, and those of the chip."""

from __future__ import annotations

from typing import Any, Final

from pressloop_sim.board.contact_faults import ContactFaults
from pressloop_sim.plant import fault_kinds
from pressloop_sim.plant.fault_schedule import FaultSchedule, FaultTarget
from pressloop_sim.plant.hydraulic_faults import HydraulicFaults
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.sensor_faults import SensorFaults
from pressloop_sim.plant.valve_faults import ValveFaults
from pressloop_sim.plant.vessel_faults import VesselFaults

from pressloop.emulator.pico.chip import Chip

_DIP_TICKS: Final = 20


class ChipFaults(FaultTarget):
    """What is wrong with supply and chip.

    A fault is injected while the chip runs, and a chip that runs can be neither reset nor stopped.
    So `act` carries out later what was requested.
    """

    def __init__(self, seed: int) -> None:
        """Start without a fault; `seed` draws which ticks are lost."""
        self.dip_ticks = 0
        self._lost_share = 0.0
        self._rng = Rng(seed)
        self._requests: list[str] = []

    def inject(self, kind: str, value: float) -> None:
        """Break the supply or the tick at once, or request what `act` is to do."""
        if kind == "supply-dip":
            self.dip_ticks = _DIP_TICKS
        elif kind == "tick-slow":
            self._lost_share = value
        else:
            self._requests.append(kind)

    def loses_tick(self) -> bool:
        """Return whether the next interrupt of the tick does not reach the processor."""
        return self._lost_share > 0.0 and self._rng.bits() < self._lost_share * 2**32

    def act(self, chip: Chip) -> None:
        """Reset or hang the chip, or fill its flash, if that was requested."""
        while self._requests:
            kind = self._requests.pop(0)
            if kind == "power-cut":
                chip.reset()
            elif kind == "flash-full":
                chip.fill_flash()
            else:
                chip.hang("tick" if kind == "tick-hang" else "foreground")


def pico_schedule(
    holder: object, plant: Plant, press: dict[str, Any], tick_s: float, chip: ChipFaults
) -> FaultSchedule:
    """Return the schedule of a press on an emulated Pico.

    Args:
        holder: Has the transducers of the press as attributes, and a method `contact`.
        plant: The press.
        press: Its `PressDescription.plant_config`.
        tick_s: Time between two samples of a transducer.
        chip: The faults of the chip.
    """
    return FaultSchedule(
        {
            fault_kinds.SENSOR: SensorFaults(holder, "transducer", plant, press, tick_s),
            fault_kinds.SECOND: SensorFaults(
                holder, "second_transducer.transducer", plant, press, tick_s
            ),
            fault_kinds.VALVE: ValveFaults(plant),
            fault_kinds.HYDRAULIC: HydraulicFaults(plant),
            fault_kinds.VESSEL: VesselFaults(plant),
            fault_kinds.BOARD: chip,
            fault_kinds.CONTACT: ContactFaults(holder),
        }
    )
