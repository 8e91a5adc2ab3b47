"""Reads what the emulated chip drives: the duty of each output, and the supply of the coils.

The deadman circuit supplies the coils for a while after each edge of its output.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from pressloop_sim.board import field_wiring
from pressloop_sim.board.field_wiring import FieldWiring
from rp2040py import RP2040, GPIOPinState
from rp2040py.peripherals.pwm import PWMChannel

from pressloop.wire.schema import TICK_HZ

# Functions of a pin, by GPIO_CTRL.FUNCSEL (RP2040 data sheet, section 2.19.2).
_PWM: Final = 4
_SIO: Final = 5
_SLICE_ENABLED: Final = 1
# After an edge the deadman circuit supplies the coils for this long.
_DEADMAN_S: Final = 0.05
# An output of the deadman that has not toggled for longer gives no edges.
_TOGGLED_S: Final = 2 / TICK_HZ


class ChipOutputs:
    """The outputs of a chip by the terminals that they are wired to."""

    def __init__(self, chip: RP2040, wiring: ModuleType, field: FieldWiring) -> None:
        """Listen to the deadman output of `chip`, whose pins are constants of `wiring`."""
        self._chip = chip
        self._wiring = wiring
        self._field = field
        self._edge_at_s = self._toggled_at_s = -2 * _DEADMAN_S
        self._connect_deadman()
        self._ignore_coil_edges()

    @property
    def lamp(self) -> bool:
        """Whether the lamp's output is on."""
        return self._is_high(self._wiring.LAMP_PIN)

    def duties(self) -> dict[str, float]:
        """Return the share of time that each output is high, by its terminal."""
        wiring = self._wiring
        toggles = self._now_s() - self._toggled_at_s <= _TOGGLED_S
        return {
            field_wiring.PUMP: self._duty(wiring.PUMP_PIN),
            field_wiring.RELEASE: self._duty(wiring.RELEASE_PIN),
            field_wiring.DUMP: 1.0 if self._is_high(wiring.DUMP_PIN) else 0.0,
            field_wiring.CONTACTOR: 1.0 if self._is_high(wiring.CONTACTOR_PIN) else 0.0,
            field_wiring.LAMP: 1.0 if self.lamp else 0.0,
            field_wiring.BUZZER: 1.0 if self._is_high(wiring.BUZZER_PIN) else 0.0,
            field_wiring.DEADMAN: 0.5 if toggles else 0.0,
        }

    def feed_deadman(self, duties: dict[str, float]) -> None:
        """Let another output that was wired to the deadman circuit supply the coils."""
        if not self._field.right and self._field.deadman_is_fed(duties):
            self._edge_at_s = self._now_s()

    def powered(self, at_s: float) -> bool:
        """Return whether the deadman circuit supplies the coils at a time of the chip."""
        return at_s - self._edge_at_s <= _DEADMAN_S

    def openings(self) -> tuple[float, float, float]:
        """Return how far the valves are commanded open now, as `FieldWiring.openings`."""
        return self._field.openings(self.duties(), self.powered(self._now_s()))

    def seen(self) -> dict[str, object]:
        """Return what a person at the press sees and hears, as `FieldWiring.seen`."""
        return self._field.seen(self.duties(), self.powered(self._now_s()))

    def _now_s(self) -> float:
        return self._chip.clock.nanos / 1e9

    def _duty(self, pin: int) -> float:
        """Return the share of time that a pin is high, 0..1."""
        gpio = self._chip.gpio[pin]
        if gpio.function_select == _SIO:
            return 1.0 if gpio.value == GPIOPinState.HIGH else 0.0
        channel = self._slice(pin)
        if gpio.function_select != _PWM or not channel.csr & _SLICE_ENABLED:
            # The pin is not driven: the valve driver's pull-down keeps it low.
            return 0.0
        compare = channel.cc >> 16 if pin % 2 else channel.cc & 0xFFFF
        return min(compare / (channel.top + 1), 1.0)

    def _is_high(self, pin: int) -> bool:
        return bool(self._chip.gpio[pin].value == GPIOPinState.HIGH)

    def _slice(self, pin: int) -> PWMChannel:
        return self._chip.pwm.channels[pin // 2 % 8]

    def _ignore_coil_edges(self) -> None:
        """Disable the PWM edges of both coils: only their duty matters, and edges cost time."""
        for pin in (self._wiring.PUMP_PIN, self._wiring.RELEASE_PIN):
            drive = self._slice(pin)
            for edge in (drive.alarm_a, drive.alarm_b, drive.alarm_bottom):
                edge.enable = False

    def _connect_deadman(self) -> None:
        """Let each edge of the deadman output supply the coils for a while."""

        def retrigger(value: GPIOPinState, before: GPIOPinState) -> None:
            if value != before:
                self._toggled_at_s = self._now_s()
                if self._field.right:
                    self._edge_at_s = self._toggled_at_s

        self._chip.gpio[self._wiring.DEADMAN_PIN].add_listener(retrigger)
