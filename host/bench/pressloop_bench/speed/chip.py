"""Runs the flash image on the emulated RP2040, in this process, and talks to its raw prompt.

The firmware is measured on the chip: code that is sent to MicroPython's raw prompt builds the
controller as the image's own start-up does, and prints numbers. All times are emulated time, so
they do not depend on the machine that runs the emulation.
"""

from __future__ import annotations

import ast
import tempfile
from array import array
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pressloop.emulator.description import PressDescription
from pressloop.emulator.locate import find_firmware
from pressloop.emulator.pico.chip import Chip
from pressloop.emulator.pico.chip_wiring import ChipWiring, load_wiring
from pressloop.emulator.pico.process import find_image
from pressloop.emulator.pico.usb_host import UsbHost

CLOCK_HZ: Final = 125_000_000
# A line of 8 bytes from the flash: 8 clocks of address and mode, 4 idle, 16 of data, 4 to select
# the chip again, at half of the core's clock (W25Q080, continuous quad read).
_FLASH_MISS_NS: Final = 32 * 2 * 1e9 / CLOCK_HZ
LINE_BYTES: Final = 8
_FLASH_BYTES: Final = 16 * 1024 * 1024
_SLICE_S: Final = 0.005
_BOOT_S: Final = 10.0
_CTRL_A: Final = b"\x01"
_CTRL_C: Final = b"\x03"
_CTRL_D: Final = b"\x04"


class ChipError(Exception):
    """The code on the chip raised, or did not end in time; the message has its output."""


class BenchChip:
    """A booted image at its raw prompt.

    Attributes:
        press: What the board is wired to.
        late_us: While not None, collects for every tick the time from the edge of its interrupt to
            the transducer's reading, microseconds.
    """

    def __init__(self) -> None:
        """Boot the image of `make firmware`."""
        self._folder = tempfile.TemporaryDirectory()
        self.press = PressDescription.model_validate(
            {
                "ram": {"approach_gap_mm": 3.0},
                "load_cell": {"capacity_kn": 150, "rate_hz": 320, "converter": "nau7802"},
            }
        )
        self.late_us: list[float] | None = None
        self._chip = Chip(find_image(), Path(self._folder.name) / "flash.bin")
        self._seen = b""
        self._usb = UsbHost(self._chip.mcu, self._on_data)
        config = {
            "plant": self.press.plant_config(),
            "seed": 1,
            "truth_path": "",
            "ads1115": True,
            "parts": asdict(self.press.fitted),
        }
        wiring = load_wiring(find_firmware())
        self._wiring = ChipWiring(self._chip.mcu, wiring, config)
        self._bit_ns = 1e9 / wiring.I2C_HZ
        self._watch_lateness(wiring.TICK_PIN, wiring.I2C_ID)

    def __enter__(self) -> BenchChip:
        """Boot, and interrupt the controller."""
        while not self._usb.connected:
            if self._chip.now_s > _BOOT_S:
                raise ChipError("the image does not bring up its USB port")
            self._chip.run(_SLICE_S)
        self._usb.open(True)
        self._chip.run(0.2)
        self._usb.send(b"\r" + _CTRL_C)
        self._until(b">>> ", _BOOT_S)
        self._usb.send(_CTRL_A)
        self._until(b"CTRL-B to exit\r\n>", _BOOT_S)
        # The interrupted start has left garbage to be collected after each 4 KB; a start that ends
        # lets it wait for a full heap.
        self.run("import gc\ngc.threshold(-1)")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete the temporary files."""
        self._folder.cleanup()

    @property
    def now_s(self) -> float:
        """Emulated time since power-on."""
        return self._chip.now_s

    @property
    def stalled(self) -> bool:
        """Whether the host holds the port open and does not read."""
        return self._usb.stalled

    @stalled.setter
    def stalled(self, stalled: bool) -> None:
        self._usb.stalled = stalled

    def charge(self, *, buses: bool, flash: bool) -> None:
        """Let the core wait, or no longer, for the bits on the I2C buses and for the flash."""
        for bus in self._wiring.buses:
            bus.bit_ns = self._bit_ns if buses else 0.0
        self._chip.flash_miss_ns = _FLASH_MISS_NS if flash else 0.0

    def count_misses(self) -> array[int]:
        """Count from now on, for each line of the flash, how often an interrupt waits for it.

        Returns the counters, which go on counting.
        """
        counters = array("I", bytes(4 * _FLASH_BYTES // LINE_BYTES))
        mcu: Any = self._chip.mcu
        mcu.misses = counters
        return counters

    def begin(self, code: str) -> None:
        """Start `code` on the chip; `finish` waits for its end.

        Raises:
            ChipError: The prompt does not accept it.
        """
        self._usb.send(code.encode() + _CTRL_D)
        self._until(b"OK", _BOOT_S)

    def pass_time(self, seconds: float) -> None:
        """Run the chip for so many seconds of emulated time."""
        end = self.now_s + seconds
        while self.now_s < end:
            self._chip.run(_SLICE_S)
            self._wiring.catch_up()

    def finish(self, limit_s: float = 60.0) -> str:
        """Wait until the code that `begin` started ends, and return its output.

        Raises:
            ChipError: It raised, or took more than `limit_s` of emulated time.
        """
        printed = self._until(_CTRL_D, limit_s)[:-1]
        raised = self._until(_CTRL_D, limit_s)[:-1]
        self._until(b">", limit_s)
        if raised:
            raise ChipError(raised.decode(errors="replace"))
        return printed.decode(errors="replace")

    def run(self, code: str, limit_s: float = 60.0) -> str:
        """Run `code` to its end; errors as for `finish`."""
        self.begin(code)
        return self.finish(limit_s)

    def ask(self, expression: str, limit_s: float = 60.0) -> Any:
        """Return the value of an expression on the chip; errors as for `finish`."""
        # Frames of telemetry may precede it.
        printed = self.run(f"print('=' + repr({expression}))", limit_s)
        return ast.literal_eval(printed.rsplit("=", 1)[1].strip())

    def put_file(self, path: str, text: str) -> None:
        """Write a file on the chip's flash."""
        self.run(f"f = open({path!r}, 'w')")
        for start in range(0, len(text), 1024):
            self.run(f"f.write({text[start : start + 1024]!r})")
        self.run("f.close()")

    def _on_data(self, data: bytes) -> None:
        self._seen += data

    def _until(self, wanted: bytes, limit_s: float) -> bytes:
        end = self.now_s + limit_s
        while wanted not in self._seen:
            if self.now_s > end:
                raise ChipError(f"no {wanted!r} within {limit_s:g} s, but {self._seen[-400:]!r}")
            self.pass_time(_SLICE_S)
        at = self._seen.index(wanted) + len(wanted)
        found, self._seen = self._seen[:at], self._seen[at:]
        return found

    def _watch_lateness(self, pin: int, bus_number: int) -> None:
        clock = self._chip.mcu.clock
        bus = self._chip.mcu.i2c[bus_number]
        connect = bus.on_connect
        edge_at = 0.0

        def on_edge(value: Any, _before: Any) -> None:
            nonlocal edge_at
            if value == 1:
                edge_at = clock.nanos

        def on_connect(address: int, mode: Any) -> None:
            if self.late_us is not None and edge_at:
                self.late_us.append((clock.nanos - edge_at) / 1000)
            connect(address, mode)

        self._chip.mcu.gpio[pin].add_listener(on_edge)
        bus.on_connect = on_connect
