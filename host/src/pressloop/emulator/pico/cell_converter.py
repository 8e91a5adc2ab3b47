"""Connects the load cell to the emulated chip, by the converter that the press has."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from pressloop_sim.board.field_wiring import FieldWiring
from pressloop_sim.plant.load_cell import LoadCell
from pressloop_sim.plant.plant import Plant
from rp2040py import RP2040

from pressloop.emulator.pico.hx711 import Hx711
from pressloop.emulator.pico.i2c_bus import I2cBus
from pressloop.emulator.pico.nau7802 import Nau7802

# Largest reading of a converter of 24 bits: what a cell with a broken wire reads.
_MAX_COUNTS: Final = 0x7FFFFF


class CellConverter:
    """A NAU7802 on its bus or an HX711 on its two pins; one of them has the load cell.

    Attributes:
        load_cell: The load cell under the die; there is none if its capacity is 0.
        bus: The bus of the NAU7802.
    """

    def __init__(
        self,
        chip: RP2040,
        wiring: ModuleType,
        field: FieldWiring,
        load_cell: LoadCell,
        kind: str | None,
    ) -> None:
        """Connect the converter that the press names; without a name the NAU7802."""
        self.load_cell = load_cell
        self._field = field
        self._counts = 0
        nau7802 = Nau7802(wiring.NAU7802_ADDRESS, lambda: self._counts)
        nau7802.present = load_cell.present and kind in (None, "nau7802")
        self.bus = I2cBus(chip.clock, chip.i2c[wiring.CELL_I2C_ID], nau7802)
        self._hx711 = Hx711(chip, wiring.HX711_CLOCK_PIN, wiring.HX711_DATA_PIN)
        self._hx711.present = load_cell.present and kind == "hx711"
        # Its first conversion is done when the firmware looks for it.
        self._hx711.offer(0)

    def step(self, plant: Plant, tick_s: float) -> None:
        """Let cell and converter go on for a tick."""
        cell = self.load_cell
        if not cell.present:
            return
        conversions = cell.conversions
        cell.step(plant.punch_n() + self._field.hand_n, tick_s)
        if cell.conversions != conversions:
            own = cell.reading if cell.answers else _MAX_COUNTS
            self._counts = self._field.cell_counts(own, _MAX_COUNTS)
            self._hx711.offer(self._counts)
