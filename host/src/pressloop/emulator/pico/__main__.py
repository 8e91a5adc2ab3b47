"""Boot an image on an emulated Pico: `python -m pressloop.emulator.pico CONFIG.json`.

Prints one JSON line with the ports on stdout once the board is on the USB bus. Bytes sent to the
link's port go to the board's USB port, so MicroPython's prompt can be reached there, too.
"""

from __future__ import annotations

import json
import selectors
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from pressloop_sim.board.lifetime import Lifetime, remove_folder
from pressloop_sim.plant.fault_kinds import PICO, ScheduledFault, parse

from pressloop.emulator.pico.chip import Chip
from pressloop.emulator.pico.chip_wiring import TICK_S, ChipWiring, load_wiring
from pressloop.emulator.pico.pacing import PicoPacing, WireMonitor
from pressloop.emulator.pico.ports import Port
from pressloop.emulator.pico.usb_host import UsbHost
from pressloop.wire.schema import State

# Longest wait for bytes from the host while emulated time is stopped.
_MAX_WAIT_S: Final = 0.002
_MAX_BOOT_S: Final = 10.0
# Bytes queued for the device, which takes 256 at a time; the rest stays in the host's socket.
_MAX_QUEUED: Final = 1024


class EmulatedPicoProcess:
    """Runs the chip and the press, serves their ports, and decides when time passes."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Build everything from `config`, which `process` wrote."""
        self._selector = selectors.DefaultSelector()
        self.link = Port(self._selector)
        self.control = Port(self._selector)
        self._monitor = WireMonitor()
        self._pacing = PicoPacing(
            config["pacing"] == "lockstep", config["speed"], config["silence_s"]
        )
        self._chip = Chip(Path(config["image"]), Path(config["flash_dir"]) / "flash.bin")
        self._usb = UsbHost(self._chip.mcu, self._on_board_data)
        pins = load_wiring(Path(config["firmware_path"]))
        self._wiring = ChipWiring(self._chip.mcu, pins, config)
        self._lifetime = Lifetime(round(config["orphan_s"] * 1000), round(time.monotonic() * 1000))
        self._last_host_s = 0.0
        self._commands = b""
        # The host holds the port open but does not read from it.
        self._stalled = False
        self._resets = 0
        self._slices = 0
        self.stopping = False

    def boot(self) -> None:
        """Let time pass until the board is on the USB bus.

        Raises:
            SystemExit: The image did not bring up its USB port in time.
        """
        while not self._usb.connected:
            if self._chip.now_s > _MAX_BOOT_S:
                raise SystemExit("the image does not bring up its USB port")
            self._chip.run(TICK_S)

    def run(self) -> None:
        """Run until a command or a signal sets `stopping`, or until the lifetime is over."""
        while not self.stopping:
            now = time.monotonic()
            self._serve(now)
            if self._pacing.may_run(self._monitor, self._slices, now):
                self._slices += 1
                self._chip.run(TICK_S)
                self._after_slice()
            else:
                self._wiring.flush()
                self._selector.select(_MAX_WAIT_S)
        self._wiring.flush()

    def _serve(self, now: float) -> None:
        """Pass on the host's bytes, carry out commands, and check whether the board should end."""
        if self._usb.backlog < _MAX_QUEUED:
            data = self.link.receive()
            if data:
                self._monitor.from_host(data)
                self._update_running()
                self._usb.send(data)
        self._usb.open(self.link.connected)
        self._usb.stalled = self._stalled or self.link.full
        self.link.send(b"")
        self._commands += self.control.receive()
        while b"\n" in self._commands:
            line, self._commands = self._commands.split(b"\n", 1)
            try:
                answer = {"ok": True, **self._do(json.loads(line))}
            except ValueError as error:
                answer = {"ok": False, "error": str(error)}
            self.control.send(json.dumps(answer).encode() + b"\n")
        running = self._wiring.lamp or self._prompts_at_rest()
        if self._lifetime.is_over(round(now * 1000), self.link.connected, running):
            self.stopping = True

    def _prompts_at_rest(self) -> bool:
        """Return whether a run without a host may wait at a prompt, without current in a valve.

        Without a host there is no telemetry; elsewhere in a run the lamp shows that a valve has
        current. The wait ends with the limit of the plan's `on_host_loss`, in the chip's time.
        """
        if self.link.connected or self._monitor.state != State.PROMPTING:
            self._last_host_s = self._chip.now_s
        return (
            self._monitor.state == State.PROMPTING
            and self._chip.now_s - self._last_host_s < self._monitor.host_loss_s
        )

    def owner_has_ended(self) -> bool:
        """Return whether the program that started this process has ended."""
        return self._lifetime.owner_has_ended()

    def _update_running(self) -> None:
        """Record truth if there is a run, or if one may start in the next slice."""
        monitor = self._monitor
        self._wiring.running = (
            self._wiring.lamp or monitor.start_pending or monitor.state != State.IDLE
        )

    def _after_slice(self) -> None:
        self._wiring.catch_up()
        self._wiring.chip_faults.act(self._chip)
        self._update_running()
        self._follow_resets()

    def _follow_resets(self) -> None:
        """Begin anew what counts from the chip's reset."""
        if self._chip.resets != self._resets:
            self._resets = self._chip.resets
            self._monitor.clear()
            self._wiring.restart()

    def _on_board_data(self, data: bytes) -> None:
        # The truth of a tick is on disk before the host learns of the tick.
        self._wiring.flush()
        self._monitor.from_board(data)
        if self._monitor.die_um:
            # The operator would insert the plan's die: with another, all pressures are wrong.
            self._wiring.plant.change_die(self._monitor.die_um)
        self.link.send(data)

    def _do(self, command: object) -> dict[str, Any]:
        """Carry out one command of docs/emulated-press.md; return the answer's further fields."""
        if not isinstance(command, dict) or len(command) != 1:
            raise ValueError("expected an object with one command")
        wiring = self._wiring
        ((verb, argument),) = command.items()
        if verb == "set" and isinstance(argument, dict):
            for name, active in argument.items():
                wiring.contact(name, active)
        elif verb == "sensor":
            wiring.break_sensor(argument)
        elif verb == "break":
            wiring.break_down(argument)
        elif verb == "stall" and isinstance(argument, bool):
            self._stalled = argument
        elif verb == "supply" and isinstance(argument, int | float):
            wiring.supply_v = float(argument)
        elif verb == "strap" and isinstance(argument, bool):
            wiring.set_strap(argument)
        elif verb == "fault":
            wiring.faults.add(_fault(argument), wiring.elapsed_ticks)
        elif verb == "faults" and isinstance(argument, list):
            wiring.faults.load([_fault(text) for text in argument])
            wiring.prepare_run()
        elif verb == "wiring" and isinstance(argument, dict):
            wiring.rewire(argument)
        elif verb == "reset":
            self._chip.reset()
            # At once: what is asked next must not be answered with a tick from before.
            self._follow_resets()
        elif verb == "flash_times":
            self._chip.program_s, self._chip.erase_s = (float(ms) / 1000 for ms in argument)
        elif verb == "hang":
            self._chip.hang(argument)
        elif verb == "stop":
            self.stopping = True
        elif verb == "get":
            return {
                "tick": wiring.tick,
                "injected": [[ticks, fault.text()] for ticks, fault in wiring.faults.injected],
                **wiring.plant.state(),
                "peak_mpa": wiring.extremes.peak_mpa,
                "current_until": wiring.extremes.current_until,
                "pump": wiring.pump,
                "release": wiring.release,
                **wiring.seen(),
                "resets": self._chip.resets,
                "time_s": self._chip.now_s,
            }
        else:
            raise ValueError(f"no such command: {verb}")
        return {}


def _fault(text: object) -> ScheduledFault:
    """Read a fault that can be injected here.

    Raises:
        ValueError: It is none, or not on this board.
    """
    if not isinstance(text, str):
        raise ValueError("fault: a text KIND[=VALUE][@SECONDS]")
    fault = parse(text)
    if PICO not in fault.kind.boards:
        raise ValueError(f"{fault.kind.name} cannot be injected on {PICO}")
    return fault


def main(config_path: str) -> None:
    """Boot the image and serve until the board is stopped."""
    config = json.loads(Path(config_path).read_text(encoding="utf-8"))
    board = EmulatedPicoProcess(config)

    def stop(_signal: int, _frame: object) -> None:
        board.stopping = True

    signal.signal(signal.SIGTERM, stop)
    board.boot()
    ports = {"port": board.link.number, "control_port": board.control.number}
    print(json.dumps(ports), flush=True)
    board.run()
    if config["own_folder"] and board.owner_has_ended():
        remove_folder(config["own_folder"])


if __name__ == "__main__":
    main(sys.argv[1])
