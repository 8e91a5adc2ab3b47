"""Emulates the HX711 converter of a load cell on two pins of the chip."""

from __future__ import annotations

from typing import Final

from rp2040py import RP2040, GPIOPinState

_BITS: Final = 24


class Hx711:
    """Pulls its data wire low with a new reading, and shifts it out with the clock.

    It is not switched off by a clock that stays high: the emulated time between two edges in a tick
    is that of the instructions.

    Attributes:
        present: False leaves the data wire to its pull-up.
    """

    def __init__(self, chip: RP2040, clock_pin: int, data_pin: int) -> None:
        """Connect it to both pins."""
        self.present = True
        self._data = chip.gpio[data_pin]
        self._data.set_input_value(True)
        self._word = 0
        self._shifted = _BITS + 1
        chip.gpio[clock_pin].add_listener(self._on_clock)

    def offer(self, counts: int) -> None:
        """Offer a new reading; one that was not taken is replaced, one in transfer is finished."""
        if self.present and self._shifted in (0, _BITS + 1):
            self._word = counts & 0xFFFFFF
            self._shifted = 0
            self._data.set_input_value(False)

    def _on_clock(self, value: GPIOPinState, before: GPIOPinState) -> None:
        if value != GPIOPinState.HIGH or before == GPIOPinState.HIGH or not self.present:
            return
        if self._shifted < _BITS:
            bit = self._word >> (_BITS - 1 - self._shifted) & 1
            self._data.set_input_value(bool(bit))
            self._shifted += 1
        elif self._shifted == _BITS:
            self._data.set_input_value(True)
            self._shifted += 1
