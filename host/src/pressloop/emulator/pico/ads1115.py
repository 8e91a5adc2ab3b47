"""Emulates the ADS1115 converter on the chip's I2C bus (data sheet SBAS444E)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rp2040py import RPI2C, I2CMode

_CONVERSION: Final = 0
_CONFIG: Final = 1
_POWER_ON_CONFIG: Final = 0x8583
_SINGLE_SHOT: Final = 0x0100
_MUX_AND_GAIN: Final = 0x7E00
_AIN0_4V096: Final = 0x4200


class Ads1115:
    """Answers on the I2C bus with the counts of AIN0 at the +-4.096 V range.

    Attributes:
        present: False takes the converter off the bus.
    """

    def __init__(self, bus: RPI2C, address: int, sample: Callable[[], int]) -> None:
        """Connect the converter to `bus`; `sample()` returns the counts of AIN0."""
        self.present = True
        self._bus = bus
        self._address = address
        self._sample = sample
        self._config = _POWER_ON_CONFIG
        self._pointer = _CONVERSION
        self._written: list[int] = []
        self._to_read: list[int] = []
        bus.on_connect = self._on_connect
        bus.on_write_byte = self._on_write
        bus.on_read_byte = self._on_read
        bus.on_stop = self._on_stop

    def _on_connect(self, address: int, mode: I2CMode) -> None:
        answers = self.present and address == self._address
        if answers:
            self._written = []
            self._to_read = list(self._register().to_bytes(2, "big")) if mode else []
        self._bus.complete_connect(answers)

    def _on_write(self, value: int) -> None:
        self._written.append(value)
        if len(self._written) == 1:
            self._pointer = value & 3
        elif len(self._written) == 3 and self._pointer == _CONFIG:
            self._config = int.from_bytes(bytes(self._written[1:]), "big")
        self._bus.complete_write(True)

    def _on_read(self, _acknowledged: bool) -> None:
        self._bus.complete_read(self._to_read.pop(0) if self._to_read else 0xFF)

    def _on_stop(self) -> None:
        self._bus.complete_stop()

    def _register(self) -> int:
        if self._pointer == _CONFIG:
            return self._config
        if self._pointer != _CONVERSION or self._config & _SINGLE_SHOT:
            return 0
        if self._config & _MUX_AND_GAIN != _AIN0_4V096:
            # Only AIN0 at this range is wired; any other setting reads as zero.
            return 0
        return min(self._sample(), 0x7FFF)
