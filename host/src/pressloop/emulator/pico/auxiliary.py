"""The sensor on the emulated chip's third analogue input: displacement, or oil temperature."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from pressloop_sim.plant.displacement_sensor import NO_READING, DisplacementSensor
from pressloop_sim.plant.plant import Plant

from pressloop.hardware.thermistor import counts_at

_ROOM_C: Final = 23.0
_FULL: Final = 4095


class AuxiliaryInput:
    """Returns the counts of the chip's own converter; 0 without a sensor, by the pull-down."""

    def __init__(
        self, kind: str | None, wiring: ModuleType, press: dict[str, float], seed: int
    ) -> None:
        """Take the kind of a press file's `controller.auxiliary` and a plant config."""
        self._kind = kind
        self._wiring = wiring
        self._displacement = DisplacementSensor(
            seed, press["displacement_resolution_um"], press["displacement_noise_um"]
        )

    def counts(self, plant: Plant) -> int:
        """Return the reading on a press."""
        if self._kind == "oil-temperature":
            return min(counts_at(_ROOM_C + plant.warming.rise_k), _FULL)
        if self._kind != "displacement" or not self._displacement.present:
            return 0
        um = self._displacement.sample(plant.closing_mm())
        if um == NO_READING:
            return 0
        wiring = self._wiring
        share = (um - wiring.DISPLACEMENT_ZERO_UM) / wiring.DISPLACEMENT_SPAN_UM
        return int(min(max(round(share * (_FULL + 1)), wiring.DISPLACEMENT_LOW), _FULL))
