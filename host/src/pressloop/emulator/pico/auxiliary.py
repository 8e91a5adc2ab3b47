"""The sensor on the emulated chip's third analogue input: displacement, or oil temperature."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from pressloop_sim.board.field_wiring import AUXILIARY_FULL, FieldWiring
from pressloop_sim.plant import oil_thermistor
from pressloop_sim.plant.displacement_sensor import NO_READING, DisplacementSensor
from pressloop_sim.plant.plant import Plant

_CUT: Final = {"oil-temperature": AUXILIARY_FULL}
"""Counts of a cut wire: the thermistor has a pull-up, all else the chip's pull-down."""


class AuxiliaryInput:
    """Returns the counts of the chip's own converter; 0 without a sensor, by the pull-down."""

    def __init__(
        self,
        kind: str | None,
        wiring: ModuleType,
        field: FieldWiring,
        press: dict[str, float],
        seed: int,
    ) -> None:
        """Take the kind of a press file's `controller.auxiliary`, the wires and a plant config."""
        self._kind = kind
        self._wiring = wiring
        self._field = field
        self._displacement = DisplacementSensor(
            seed, press["displacement_resolution_um"], press["displacement_noise_um"]
        )

    def counts(self, plant: Plant) -> int:
        """Return the reading on a press."""
        if not self._field.right:
            stray = self._field.stray_auxiliary(_CUT.get(self._kind or "", 0))
            if stray is not None:
                return stray
        if self._kind == "oil-temperature":
            return oil_thermistor.counts_of(plant.warming.rise_k)
        if self._kind != "displacement" or not self._displacement.present:
            return 0
        um = self._displacement.sample(plant.closing_mm())
        if um == NO_READING:
            return 0
        wiring = self._wiring
        share = (um - wiring.DISPLACEMENT_ZERO_UM) / wiring.DISPLACEMENT_SPAN_UM
        counts = round(share * (AUXILIARY_FULL + 1))
        return int(min(max(counts, wiring.DISPLACEMENT_LOW), AUXILIARY_FULL))
