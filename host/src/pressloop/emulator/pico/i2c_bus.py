"""The devices on one I2C bus of the emulated chip: each answers at its address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rp2040py import RPI2C, I2CMode
from rp2040py.clock.clock import IClock

_NO_DATA: Final = 0xFF
# Bits on the wires: eight of a byte with its acknowledge, a start or repeated start, a stop.
_BYTE_BITS: Final = 9
_START_BITS: Final = 1
_STOP_BITS: Final = 1


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
    """Connects devices to an I2C block of the chip.

    Attributes:
        bit_ns: How long a bit takes on the wires; 0: a transfer takes no time.
    """

    def __init__(self, clock: IClock, bus: RPI2C, *devices: I2cDevice) -> None:
        """Connect `devices` to `bus`; `clock` is the chip's."""
        self.bit_ns = 0.0
        self._bus = bus
        self._devices = devices
        self._addressed: I2cDevice | None = None
        self._complete: Callable[[], None] = bus.complete_stop
        self._alarm = clock.create_alarm(lambda: self._complete())
        bus.on_connect = self._on_connect
        bus.on_write_byte = self._on_write
        bus.on_read_byte = self._on_read
        bus.on_stop = lambda: self._after(_STOP_BITS, bus.complete_stop)

    def _on_connect(self, address: int, mode: I2CMode) -> None:
        self._addressed = next(
            (each for each in self._devices if each.present and each.address == address), None
        )
        if self._addressed is not None:
            self._addressed.begin(bool(mode))
        answered = self._addressed is not None
        self._after(_START_BITS + _BYTE_BITS, lambda: self._bus.complete_connect(answered))

    def _on_write(self, value: int) -> None:
        if self._addressed is not None:
            self._addressed.write(value)
        self._after(_BYTE_BITS, lambda: self._bus.complete_write(True))

    def _on_read(self, _acknowledged: bool) -> None:
        value = _NO_DATA if self._addressed is None else self._addressed.read()
        self._after(_BYTE_BITS, lambda: self._bus.complete_read(value))

    def _after(self, bits: int, complete: Callable[[], None]) -> None:
        """Go on with the transfer once so many bits have passed on the wires."""
        if not self.bit_ns:
            complete()
            return
        self._complete = complete
        self._alarm.schedule(bits * self.bit_ns)
