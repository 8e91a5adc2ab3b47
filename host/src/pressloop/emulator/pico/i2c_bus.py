"""The devices on one I2C bus of the emulated chip: each answers at its address."""

from __future__ import annotations

from typing import Final

from rp2040py import RPI2C, I2CMode

_NO_DATA: Final = 0xFF


class I2cDevice:
    """A device on a bus, as the bus sees it.

    Attributes:
        address: Where it answers.
        present: False takes it off the bus.
    """

    def __init__(self, address: int) -> None:
        """Answer at `address`."""
        self.address = address
        self.present = True

    def begin(self, reading: bool) -> None:
        """Start a transfer to or from the device."""

    def write(self, value: int) -> None:
        """Take a byte."""

    def read(self) -> int:
        """Return the next byte."""
        return _NO_DATA


class I2cBus:
    """Connects devices to an I2C block of the chip."""

    def __init__(self, bus: RPI2C, *devices: I2cDevice) -> None:
        """Connect `devices` to `bus`."""
        self._bus = bus
        self._devices = devices
        self._addressed: I2cDevice | None = None
        bus.on_connect = self._on_connect
        bus.on_write_byte = self._on_write
        bus.on_read_byte = self._on_read
        bus.on_stop = bus.complete_stop

    def _on_connect(self, address: int, mode: I2CMode) -> None:
        self._addressed = next(
            (each for each in self._devices if each.present and each.address == address), None
        )
        if self._addressed is not None:
            self._addressed.begin(bool(mode))
        self._bus.complete_connect(self._addressed is not None)

    def _on_write(self, value: int) -> None:
        if self._addressed is not None:
            self._addressed.write(value)
        self._bus.complete_write(True)

    def _on_read(self, _acknowledged: bool) -> None:
        value = _NO_DATA if self._addressed is None else self._addressed.read()
        self._bus.complete_read(value)
