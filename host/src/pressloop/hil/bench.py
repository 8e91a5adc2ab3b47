"""Says what a bench can do to its board from outside, and brings the board to rest."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final, Literal

from pressloop.errors import CommandRefusedError
from pressloop.hil import wiring
from pressloop.hil.watching import until
from pressloop.press import Press
from pressloop.run.run import Run
from pressloop.validation import ProtocolSource
from pressloop.wire.schema import DumpRequest, HelloReply, State

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
