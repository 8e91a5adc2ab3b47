"""Emulates the ADS1115 converter on the chip's I2C bus (data sheet SBAS444E)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pressloop.emulator.pico.i2c_bus import I2cDevice

_CONVERSION: Final = 0
_CONFIG: Final = 1
_POWER_ON_CONFIG: Final = 0x8583
_SINGLE_SHOT: Final = 0x0100
_MUX_AND_GAIN: Final = 0x7E00

AIN0: Final = 0x4200
AIN1: Final = 0x5200
"""Inputs against ground at +-4.096 V, by these bits of the configuration."""


class Ads1115(I2cDevice):
    """Answers with the counts of the input that is selected, at the +-4.096 V range."""

    def __init__(self, address: int, inputs: Mapping[int, Callable[[], int]]) -> None:
        """Answer at `address`; `inputs` returns the counts of `AIN0` and of what else is wired."""
        super().__init__(address)
        self._inputs = inputs
        self._config = _POWER_ON_CONFIG
        self._pointer = _CONVERSION
        self._written: list[int] = []
        self._to_read: list[int] = []

    def begin(self, reading: bool) -> None:
        """Start a transfer; what is read is the register that the pointer is at."""
        self._written = []
        self._to_read = list(self._register().to_bytes(2, "big")) if reading else []

    def write(self, value: int) -> None:
        """Take the pointer, or a byte of the configuration."""
        self._written.append(value)
        if len(self._written) == 1:
            self._pointer = value & 3
        elif len(self._written) == 3 and self._pointer == _CONFIG:
            self._config = int.from_bytes(bytes(self._written[1:]), "big")

    def read(self) -> int:
        """Return the next byte of the register."""
        return self._to_read.pop(0) if self._to_read else 0xFF

    def _register(self) -> int:
        if self._pointer == _CONFIG:
            return self._config
        if self._pointer != _CONVERSION or self._config & _SINGLE_SHOT:
            return 0
        sample = self._inputs.get(self._config & _MUX_AND_GAIN)
        # An input that is not wired, or another range, reads as zero.
        return 0 if sample is None else min(sample(), 0x7FFF)
