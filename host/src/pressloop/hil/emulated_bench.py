"""Works on an emulated board and its press, whose wires and program the suite can reach."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from struct import iter_unpack

from pressloop_sim.plant.truth_format import MAGIC, RECORD

from pressloop.connect import EMULATED
from pressloop.hil import wiring
from pressloop.hil.bench import Breakage, HilBench, Part, SensorFault, SwitchedOutputs
from pressloop.hil.needs import HANG, NEEDS, RESET_BUTTON, STALL
from pressloop.hil.watching import until
from pressloop.machine.profile import MachineProfile
from pressloop.press import Press
from pressloop.wire.schema import TICK_HZ


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
