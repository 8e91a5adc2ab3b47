"""Emulates the NAU7802 converter of a load cell on the chip's I2C bus (data sheet 1.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pressloop.emulator.pico.i2c_bus import I2cDevice

_PU_CTRL: Final = 0x00
_CTRL2: Final = 0x02
_RESULT: Final = 0x12
_REVISION: Final = 0x1F
_RESET: Final = 0x01
_DIGITAL_ON: Final = 0x02
_ANALOGUE_ON: Final = 0x04
_READY: Final = 0x08
_STARTED: Final = 0x10
_CALIBRATE: Final = 0x04
_REGISTERS: Final = 0x20
_RUNS: Final = _DIGITAL_ON | _ANALOGUE_ON | _STARTED
_REVISION_CODE: Final = 0x0F


class Nau7802(I2cDevice):
    """Answers with the newest reading of the load cell once it was set up and started."""

    def __init__(self, address: int, sample: Callable[[], int]) -> None:
        """Answer at `address`; `sample()` returns the counts of the cell with their sign."""
        super().__init__(address)
        self._sample = sample
        self._registers = bytearray(_REGISTERS)
        self._at = 0
        self._written = 0

    def begin(self, reading: bool) -> None:
        """Start a transfer: reading goes on at the register that was written last."""
        self._written = 0
        if reading and self._at == _RESULT:
            # All three bytes are of one conversion.
            runs = self._registers[_PU_CTRL] & _RUNS == _RUNS
            counts = self._sample() if runs else 0
            self._registers[_RESULT : _RESULT + 3] = (counts & 0xFFFFFF).to_bytes(3, "big")

    def write(self, value: int) -> None:
        """Take the number of a register, or its content."""
        if self._written == 0:
            self._at = value % _REGISTERS
        else:
            self._set(self._at, value)
            self._at = (self._at + 1) % _REGISTERS
        self._written += 1

    def read(self) -> int:
        """Return the content of a register and go on to the next one."""
        at = self._at
        self._at = (at + 1) % _REGISTERS
        if at == _REVISION:
            return _REVISION_CODE
        value = self._registers[at]
        if at == _CTRL2:
            # A calibration is over by the next look.
            self._registers[_CTRL2] = value & ~_CALIBRATE
        return value

    def _set(self, register: int, value: int) -> None:
        if register == _PU_CTRL:
            if value & _RESET:
                self._registers[:] = bytes(_REGISTERS)
            value = value & ~_READY | (_READY if value & _DIGITAL_ON else 0)
        self._registers[register] = value
