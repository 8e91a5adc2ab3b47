"""Boot an image on an emulated Pico: `python -m pressloop.emulator.pico CONFIG.json`.

Prints one JSON line with the ports on stdout once the board is on the bus. What is sent to the
link's port goes into the board's USB port, prompt and all.
"""

from __future__ import annotations

import json
import selectors
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from pressloop_sim.board.lifetime import Lifetime, clear

from pressloop.emulator.pico.bench import TICK_S, Bench, load_wiring
from pressloop.emulator.pico.chip import Chip
from pressloop.emulator.pico.pacing import Conversation, Pacing
from pressloop.emulator.pico.ports import Port
from pressloop.emulator.pico.usb_host import UsbHost
from pressloop.wire.schema import State

# Longest wait for a host's bytes while time stands still.
_WAIT_S: Final = 0.002
_BOOT_LIMIT_S: Final = 10.0
# The device takes in 256 bytes at a time; the rest waits at the host's end of the cable.
_MAX_WAITING: Final = 1024


class EmulatedPicoProcess:
    """Chip, press, ports and the passing of time."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Build everything from what `process` wrote."""
        self._selector = selectors.DefaultSelector()
        self.link = Port(self._selector)
        self.control = Port(self._selector)
        self._conversation = Conversation()
        self._pacing = Pacing(config["pacing"] == "lockstep", config["speed"], config["silence_s"])
        self._chip = Chip(Path(config["image"]), Path(config["flash_dir"]) / "flash.bin")
        self._usb = UsbHost(self._chip.mcu, self._on_board_data)
        wiring = load_wiring(Path(config["firmware_path"]))
        self._bench = Bench(self._chip.mcu, wiring, config)
        self._lifetime = Lifetime(round(config["orphan_s"] * 1000), round(time.monotonic() * 1000))
        self._commands = b""
        # The host holds the port open and does not read.
        self._stalled = False
        self._resets = 0
        self._slices = 0
        self.stopping = False
        self.abandoned = False

    def boot(self) -> None:
        """Let time pass until the board is on the bus.

        Raises:
            SystemExit: The image does not get that far.
        """
        while not self._usb.connected:
            if self._chip.now_s > _BOOT_LIMIT_S:
                raise SystemExit("the image does not bring up its USB port")
            self._chip.run(TICK_S)

    def run(self) -> None:
        """Run until told to stop."""
        while not self.stopping:
            now = time.monotonic()
            self._serve(now)
            if self._pacing.may_run(self._conversation, self._slices, now):
                self._slices += 1
                self._chip.run(TICK_S)
                self._after_slice()
            else:
                self._bench.flush()
                self._selector.select(_WAIT_S)
        self._bench.flush()

    def _serve(self, now: float) -> None:
        if self._usb.backlog < _MAX_WAITING:
            data = self.link.receive()
            if data:
                self._conversation.host_said(data)
                self._watch()
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
        # Without a host there is no telemetry to go by; the lamp is lit while a valve has current.
        if self._lifetime.is_over(round(now * 1000), self.link.connected, self._bench.lamp):
            self.stopping = self.abandoned = True

    def _watch(self) -> None:
        """See whether there is a run, or will be in the next slice."""
        talk = self._conversation
        self._bench.running = self._bench.lamp or talk.starting or talk.state != State.IDLE

    def _after_slice(self) -> None:
        self._bench.catch_up()
        self._watch()
        if self._chip.resets != self._resets:
            self._resets = self._chip.resets
            self._conversation.forget()
            self._bench.restart()

    def _on_board_data(self, data: bytes) -> None:
        # Before the host hears of a tick, its truth is on disk.
        self._bench.flush()
        talk = self._conversation
        talk.board_said(data)
        if talk.die_um:
            # As the operator puts in the die of the plan: on another all pressures are wrong.
            self._bench.plant.put_in(talk.die_um)
        self.link.send(data)

    def _do(self, command: object) -> dict[str, Any]:
        """Carry out one command of docs/emulated-press.md; return what to answer besides "ok"."""
        if not isinstance(command, dict) or len(command) != 1:
            raise ValueError("expected an object with one command")
        bench = self._bench
        ((verb, argument),) = command.items()
        if verb == "set" and isinstance(argument, dict):
            for name, active in argument.items():
                bench.contact(name, active)
        elif verb == "sensor":
            bench.break_sensor(argument)
        elif verb == "break":
            bench.break_down(argument)
        elif verb == "stall" and isinstance(argument, bool):
            self._stalled = argument
        elif verb == "reset":
            self._chip.reset()
        elif verb == "hang":
            self._chip.hang(argument)
        elif verb == "stop":
            self.stopping = True
        elif verb == "get":
            return {
                "tick": bench.tick,
                **bench.plant.state(),
                "pump": bench.pump,
                "release": bench.release,
                "lamp": bench.lamp,
                "resets": self._chip.resets,
                "time_s": self._chip.now_s,
            }
        else:
            raise ValueError(f"no such command: {verb}")
        return {}


def main(config_path: str) -> None:
    """Boot the image and serve until told to stop."""
    config = json.loads(Path(config_path).read_text(encoding="utf-8"))
    board = EmulatedPicoProcess(config)

    def stop(_signal: int, _frame: object) -> None:
        board.stopping = True

    signal.signal(signal.SIGTERM, stop)
    board.boot()
    ports = {"port": board.link.number, "control_port": board.control.number}
    print(json.dumps(ports), flush=True)
    board.run()
    if board.abandoned and config["own_folder"]:
        clear(config["own_folder"])


if __name__ == "__main__":
    main(sys.argv[1])
