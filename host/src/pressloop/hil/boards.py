"""Opens the boards that the suite runs on, and does to each what its bench can do from outside.

A board is opened by the name given to `--pressloop-board`. What a bench cannot do to its board is
not among its `offers`, and the cases that need it are reported as not run.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from struct import iter_unpack
from typing import Any, Final, Literal

from pressloop_sim.plant.truth_format import MAGIC, RECORD

from pressloop.connect import EMULATED
from pressloop.errors import CommandRefusedError
from pressloop.hil import wiring
from pressloop.hil.watching import until
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.run.run import Run
from pressloop.validation import ProtocolSource
from pressloop.wire.schema import TICK_HZ, DumpRequest, HelloReply, State

PRESSING: Final = "pressing"
SENSOR_FAULT: Final = "sensor-fault"
INPUTS: Final = "inputs"
POWER_CUT: Final = "power-cut"
TRUTH: Final = "truth"
BREAKAGE: Final = "breakage"
HANG: Final = "hang"
STALL: Final = "stall"
RESET_BUTTON: Final = "reset-button"
OUTPUTS: Final = "outputs"
WIRES: Final = "wires"

NEEDS: Final = {
    PRESSING: "the press to move; allow it with --pressloop-press-for-real",
    SENSOR_FAULT: "a transducer whose wire can be broken and shorted by the suite",
    INPUTS: "an emergency stop and a guard that the suite can operate",
    POWER_CUT: "a controller whose power the suite can cut",
    BREAKAGE: "a pellet and a die that the suite can break",
    TRUTH: "a press whose true pressure is known",
    HANG: "a chip whose program the suite can catch in an endless loop",
    STALL: "a USB host that the suite can stop from reading what the board sends",
    RESET_BUTTON: "a controller whose reset button the suite can press",
    OUTPUTS: "a contactor, a buzzer and an on/off release whose outputs the suite can see",
    WIRES: "wires at the terminals that the suite can cut",
}
"""What a case can need, and what the reason for skipping it says."""

_NO_PROFILE: Final = bytes(8)
_RECONNECT_TIMEOUT_S: Final = 2.0
_MAX_BRIDGE_DELAY_S: Final = 1.0
"""A board behind a serial-to-network bridge may notice a silence this much later."""

Breakage = Literal["pellet", "die"]
SensorFault = Literal["ok", "broken", "short"]
Part = Literal["tick", "foreground"]


@dataclass(frozen=True)
class SwitchedOutputs:
    """What has current now of the parts that are on or off.

    Attributes:
        contactor: The contactor of the pump motor.
        buzzer: The buzzer.
        on_off_release: The on/off release valve, which is shut then.
    """

    contactor: bool
    buzzer: bool
    on_off_release: bool


class BenchPress(Press):
    """A press whose die the bench states: the person who started the suite has confirmed it."""

    def start(self, protocol: ProtocolSource, *, die: str | None = None, **more: Any) -> Run:
        """Start a protocol on the die of the wiring."""
        return super().start(protocol, die=die or f"{wiring.current().die_mm} mm", **more)


class HilBench:
    """One board with its press. What it does not offer raises `NotImplementedError`."""

    def __init__(self, url: str) -> None:
        """Keep the address of the board; `start` starts it."""
        self._url = url
        self.hello: HelloReply | None = None

    @property
    def url(self) -> str:
        """Address that `Press.open` takes; it may change with a power cut."""
        return self._url

    def start(self) -> None:
        """Start the board, if the suite starts boards of this kind."""

    def stop(self) -> None:
        """End the board, if the suite has started it."""

    def open_press(self, reconnect_timeout_s: float = _RECONNECT_TIMEOUT_S) -> Press:
        """Open the press as a host would. Close it before another host opens the board."""
        return BenchPress.open(self.url, reconnect_timeout_s=reconnect_timeout_s)

    def console(self) -> str:
        """Return the console that the board kept; empty if the bench cannot read it."""
        return ""

    def stay_silent(self, press_s: float) -> None:
        """Let the press run for some press time while no host sends anything."""
        raise NotImplementedError

    def break_sensor(self, fault: SensorFault) -> None:
        """Break or short the transducer's wire, or repair it."""
        raise NotImplementedError

    def break_down(self, what: Breakage) -> None:
        """Crack the pellet or burst the die."""
        raise NotImplementedError

    def set_inputs(self, *, emergency_stop: bool = False, guard_open: bool = False) -> None:
        """Set emergency stop and guard switch."""
        raise NotImplementedError

    def outputs(self) -> SwitchedOutputs:
        """Return which of the switched outputs are on."""
        raise NotImplementedError

    def cut_wire(self, terminal: str) -> None:
        """Take the wire off a terminal, by its name in the drawing of docs/commissioning.md."""
        raise NotImplementedError

    def power_cut(self) -> None:
        """Cut the controller's power and restore it."""
        raise NotImplementedError

    def true_pressure_mpa(self) -> float:
        """Return the true pressure on the pellet, MPa."""
        raise NotImplementedError

    def true_pressures_mpa(self) -> dict[int, float]:
        """Return the true pressure on the pellet in the last runs: MPa by controller tick."""
        raise NotImplementedError

    def hang(self, part: Part) -> None:
        """Put a part of the firmware into an endless loop."""
        raise NotImplementedError

    def stall(self, stalled: bool) -> None:
        """Stop reading what the board sends, with the port open; or start again."""
        raise NotImplementedError

    def press_reset(self) -> None:
        """Press the controller's reset button."""
        raise NotImplementedError

    def repair(self) -> None:
        """Undo what a case has done to the wiring."""

    def make_ready(self) -> None:
        """Bring the board to rest, without faults and with a profile.

        Raises:
            AssertionError: It does not come to rest, or it has no machine profile and the suite
                may not write one.
        """
        self.repair()
        with self.open_press() as press:
            if press.hello.profile_hash != _NO_PROFILE:
                self._come_to_rest(press)
                return
            self._give_profile(press)
        # The board may have been started anew, and found more parts then.
        with self.open_press() as press:
            self._come_to_rest(press)

    def _come_to_rest(self, press: Press) -> None:
        self.hello = press.hello
        bring_to_rest(press)

    def _give_profile(self, press: Press) -> None:
        raise AssertionError(
            f"the board at {self.url} has no machine profile: write one before you run the suite"
        )


class PortBench(HilBench):
    """A real board at a port, or any board behind a socket: the suite cannot reach its wiring."""

    def stay_silent(self, press_s: float) -> None:
        """Wait in real time: the silence itself is what the case tests."""
        time.sleep(press_s + _MAX_BRIDGE_DELAY_S)


class EmulatedBench(HilBench):
    """A board and a press in a process that the suite starts and fully controls."""

    OFFERS = frozenset(NEEDS) - {HANG, STALL, RESET_BUTTON}

    def __init__(self, name: str, folder: Path) -> None:
        """Keep the board's flash in `folder`."""
        super().__init__(name)
        self._board = EMULATED[name](wiring.current().emulated_press, work_dir=folder)
        self._broken = False

    @property
    def url(self) -> str:
        """Address where the board's link listens now."""
        return self._board.url

    def start(self) -> None:
        """Start the board."""
        self._board.start()

    def stop(self) -> None:
        """End the board."""
        self._board.stop()

    def console(self) -> str:
        """Return the console of this boot."""
        return self._board.log_path.read_text(encoding="utf-8", errors="replace")

    def stay_silent(self, press_s: float) -> None:
        """Wait on the board's clock, read through the control port: that is no host."""
        end = self._tick() + round(press_s * TICK_HZ)
        until(lambda: self._tick() >= end, f"{press_s:g} s of press time without a host")

    def break_sensor(self, fault: SensorFault) -> None:
        """Break or short the transducer's current loop, or repair it."""
        self._board.control({"sensor": fault})

    def break_down(self, what: Breakage) -> None:
        """Crack the pellet or burst the die; `repair` puts in a new one."""
        self._board.control({"break": what})
        self._broken = True

    def set_inputs(self, *, emergency_stop: bool = False, guard_open: bool = False) -> None:
        """Set both inputs."""
        self._board.control({"set": {"emergency_stop": emergency_stop, "guard_open": guard_open}})

    def outputs(self) -> SwitchedOutputs:
        """Ask the control port."""
        state = self._board.control({"get": True})
        return SwitchedOutputs(
            contactor=state["contactor"],
            buzzer=state["buzzer"],
            on_off_release=state["on_off_release_shut"],
        )

    def cut_wire(self, terminal: str) -> None:
        """Take the wire off a terminal; `repair` puts all wires back."""
        self._board.control({"wiring": {"cut": terminal}})

    def power_cut(self) -> None:
        """Kill the board's process and start it again on the same flash."""
        os.kill(self._board.pid, signal.SIGKILL)
        self._board.stop()
        self._board.start()

    def true_pressure_mpa(self) -> float:
        """Return the plant's pressure on the pellet."""
        return float(self._board.control({"get": True})["pellet_mpa"])

    def true_pressures_mpa(self) -> dict[int, float]:
        """Read the true pressures that the plant recorded, MPa, by tick."""
        assert self._board.truth_path is not None
        rows = iter_unpack(RECORD, self._board.truth_path.read_bytes()[len(MAGIC) :])
        return {tick: pellet_mpa for tick, pellet_mpa, *_ in rows}

    def repair(self) -> None:
        """Start a board that has ended; set sensor, inputs and wires to normal."""
        if self._broken or not self._board.running:
            self._board.stop()
            self._board.start()
            self._broken = False
        self.break_sensor("ok")
        self.set_inputs()
        self._board.control({"wiring": {"mend": True}})

    def _tick(self) -> int:
        return int(self._board.control({"get": True})["tick"])

    def _give_profile(self, press: Press) -> None:
        press.write_profile(MachineProfile.from_fields(self._board.press.nominal_profile()))
        self._board.look_for_parts()


class EmulatedPicoBench(EmulatedBench):
    """The flash image on an emulated chip, which the suite can hang, stall and reset as well."""

    OFFERS = frozenset(NEEDS)

    def hang(self, part: Part) -> None:
        """Overwrite the running code with a branch to itself; only the watchdog ends it."""
        self._board.control({"hang": part})

    def stall(self, stalled: bool) -> None:
        """Stop or start reading at the host's end of the cable."""
        self._board.control({"stall": stalled})

    def press_reset(self) -> None:
        """Reset the chip; the USB cable stays plugged in."""
        self._board.control({"reset": True})

    def repair(self) -> None:
        """Read again what the board sends, and repair what an `EmulatedBench` repairs."""
        super().repair()
        self.stall(False)


BENCHES: Final[dict[str, type[EmulatedBench]]] = {
    "emulated": EmulatedBench,
    "emulated:pico": EmulatedPicoBench,
}
"""Boards that the suite starts itself, by their names in `Press.open`."""


def offers(name: str, *, press_for_real: bool) -> frozenset[str]:
    """Return which of `NEEDS` the bench of a board offers."""
    if name in BENCHES:
        return BENCHES[name].OFFERS
    return frozenset({PRESSING} if press_for_real else ())


def open_bench(name: str, folder: Path) -> HilBench:
    """Return the test bench of a board; an emulated board keeps its flash in `folder`."""
    return BENCHES[name](name, folder) if name in BENCHES else PortBench(name)


def bring_to_rest(press: Press) -> None:
    """Abort a run that is active and clear a fault.

    Raises:
        AssertionError: The press is not idle within 20 s.
    """
    if press.status().state not in (State.IDLE, State.FAULT):
        press.abort()
        # The valve fully open, so that no case waits for a slow release.
        try:
            press.session.request(DumpRequest())
        except CommandRefusedError as refusal:
            assert refusal.code == "bad-state", refusal
    until(lambda: press.status().state in (State.IDLE, State.FAULT), "the press at rest")
    until(lambda: _is_clear(press), "the fault cleared")


def _is_clear(press: Press) -> bool:
    """Try to clear the fault, which the board refuses while there is pressure."""
    try:
        press.clear_fault()
    except CommandRefusedError as refusal:
        assert refusal.code == "pressurised", refusal
        return False
    return press.status().state is State.IDLE
