"""The host's end of the emulated chip's USB cable: one CDC serial port.

rp2040py's own host answers an armed OUT endpoint with an empty packet when it has nothing to send,
which costs the device 12,000 interrupts per second. A real host sends nothing until there are
bytes, and so does this one.
"""

from __future__ import annotations

from collections.abc import Callable

from rp2040py import RP2040, USBCDC

from pressloop.errors import required


class UsbHost:
    """Opens the chip's USB serial port, sends to it and receives from it.

    Attributes:
        connected: True once the device is enumerated, until it resets.
        stalled: While True, data from the device is not collected.
    """

    def __init__(self, chip: RP2040, received: Callable[[bytes], None]) -> None:
        """Connect to `chip`; `received(data)` is called with the data that the device sends."""
        self.connected = False
        self._usb = chip.usb_ctrl
        self._cdc = USBCDC(self._usb)
        self._cdc.on_device_connected = self._on_connected
        self._cdc.on_serial_data = lambda data: received(bytes(data))
        self._stalled = False
        self._uncollected: list[int] = []
        self._waiting = bytearray()
        # Bytes that the device can take now; 0 when it has not armed the endpoint.
        self._armed = 0
        read = required(self._usb.on_endpoint_read, "the chip's USB endpoint")
        reset = required(self._usb.on_reset, "the chip's USB reset")

        def on_endpoint_read(endpoint: int, size: int) -> None:
            if endpoint == 0:
                read(endpoint, size)
            else:
                self._armed = size
                self._give(endpoint)

        collected = self._usb._indicate_buffer_ready

        def on_buffer_ready(endpoint: int, out: bool) -> None:
            if self._stalled and endpoint and not out:
                self._uncollected.append(endpoint)
            else:
                collected(endpoint, out)

        def on_reset() -> None:
            self.connected = False
            self._uncollected.clear()
            self._armed = 0
            self._waiting.clear()
            reset()

        self._usb.on_endpoint_read = on_endpoint_read
        self._usb.on_reset = on_reset
        self._usb._indicate_buffer_ready = on_buffer_ready  # type: ignore[method-assign]

    @property
    def stalled(self) -> bool:
        """Whether data from the device is left uncollected."""
        return self._stalled

    @stalled.setter
    def stalled(self, stalled: bool) -> None:
        self._stalled = stalled
        while self._uncollected and not stalled:
            self._usb._indicate_buffer_ready(self._uncollected.pop(0), False)

    def send(self, data: bytes) -> None:
        """Queue bytes for the device."""
        self._waiting += data
        self._give(self._cdc._out_endpoint)

    def open(self, opened: bool) -> None:
        """Set or clear DTR, as a program does when it opens or closes the port."""
        if self.connected and self._cdc.dtr != opened:
            self._cdc.set_control_lines(dtr=opened, rts=opened)

    @property
    def backlog(self) -> int:
        """Number of bytes that the device has not taken yet."""
        return len(self._waiting)

    def _on_connected(self) -> None:
        self.connected = True

    def _give(self, endpoint: int) -> None:
        if self._armed and self._waiting:
            data = bytes(self._waiting[: self._armed])
            del self._waiting[: self._armed]
            self._armed = 0
            self._usb.endpoint_read_done(endpoint, data)
