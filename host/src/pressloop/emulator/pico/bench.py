"""What the emulated chip is wired to: transducer, valves, contacts, and behind them the press.

The press moves when the firmware reads the transducer, by the time since the last reading and under
the openings set since then. That is the order of the emulated board, so the same readings follow
from the same outputs. A firmware that no longer reads does not stop the press.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from pressloop_sim.board.truth_file import TruthFile
from pressloop_sim.plant import damage, transducer
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.transducer import Transducer
from rp2040py import RP2040, GPIOPinState
from rp2040py.peripherals.pwm import PWMChannel

from pressloop.emulator.pico.ads1115 import Ads1115
from pressloop.wire.schema import TICK_HZ

TICK_S: Final = 1 / TICK_HZ
# A reading that is this late still belongs to its own tick.
_PATIENCE_TICKS: Final = 0.3
_PWM: Final = 4
_SIO: Final = 5
_SLICE_ENABLED: Final = 1
# The ADS1115 counts 125 uV, the chip's own converter 3.3 V / 4096.
_ADC_COUNTS_PER_COUNT: Final = 125e-6 * 4096 / 3.3


def load_wiring(firmware: Path) -> ModuleType:
    """Return the firmware's own wiring constants, from the folder of the firmware."""
    sys.path.insert(0, str(firmware))
    try:
        return importlib.import_module("pressloop_fw.boards.wiring")
    finally:
        sys.path.pop(0)


class Bench:
    """Wires a chip to a press.

    Attributes:
        plant: The true press.
        transducer: Its sensor; `fault` breaks it.
        converter: The ADS1115 on the bus.
        running: True while truth is worth recording.
    """

    def __init__(self, chip: RP2040, wiring: ModuleType, config: dict[str, Any]) -> None:
        """Build the press from `config`, as `process` wrote it, and connect it to `chip`."""
        press = config["plant"]
        self.plant = Plant(press)
        self.transducer = Transducer.of(press, Rng(config["seed"]), TICK_S)
        self.running = False
        self._truth_path = config["truth_path"]
        self._truth = TruthFile(self._truth_path) if self._truth_path else None
        self._chip = chip
        self._wiring = wiring
        # The firmware's first reading is that of its tick 0.
        self._tick = -1
        self._tick_at_s = 0.0
        self._counts = self.transducer.sample(0.0)
        self.converter = Ads1115(chip.i2c[wiring.I2C_ID], wiring.ADS1115_ADDRESS, self._sample)
        self.converter.present = config["ads1115"]
        self._on_adc_read = chip.adc.on_adc_read
        chip.adc.on_adc_read = self._convert
        self._connect_tick_pin()
        self._ignore_coil_edges()
        chip.gpio[wiring.SIMULATED_PIN].set_input_value(False)
        # Contacts to ground; at rest emergency stop and guard are closed, the button is not.
        self.contact("emergency_stop", False)
        self.contact("guard_open", False)
        self.contact("button", False)

    @property
    def tick(self) -> int:
        """Device clock: ticks since the firmware's first."""
        return self._tick

    @property
    def pump(self) -> float:
        """Opening of the pump valve, 0..1: it opens with the current."""
        return self._coil(self._wiring.PUMP_PIN)

    @property
    def release(self) -> float:
        """Opening of the release valve, 0..1: without current it is open."""
        return 1.0 - self._coil(self._wiring.RELEASE_PIN)

    @property
    def lamp(self) -> bool:
        """Whether the lamp is lit."""
        return bool(self._chip.gpio[self._wiring.LAMP_PIN].value == GPIOPinState.HIGH)

    def contact(self, name: str, active: bool) -> None:
        """Press the emergency stop or the button, open the guard, or undo it.

        Raises:
            ValueError: There is no such contact.
        """
        pins = {
            "emergency_stop": (self._wiring.EMERGENCY_STOP_PIN, active),
            "guard_open": (self._wiring.GUARD_PIN, active),
            "button": (self._wiring.BUTTON_PIN, not active),
        }
        if name not in pins or not isinstance(active, bool):
            raise ValueError("set: booleans for " + ", ".join(sorted(pins)))
        pin, high = pins[name]
        self._chip.gpio[pin].set_input_value(high)

    def break_sensor(self, fault: str) -> None:
        """Break the transducer's loop or mend it.

        Raises:
            ValueError: There is no such fault.
        """
        if fault not in transducer.FAULTS:
            raise ValueError("sensor: one of " + ", ".join(transducer.FAULTS))
        self.transducer.fault = fault

    def break_down(self, what: object) -> None:
        """Crack the pellet or burst the die.

        Raises:
            ValueError: There is no such thing to break.
        """
        if not isinstance(what, str) or what not in damage.BREAKS:
            raise ValueError("break: one of " + ", ".join(sorted(damage.BREAKS)))
        self.plant.give_way(damage.BREAKS[what])

    def catch_up(self) -> None:
        """Let the press have the time that passed while nobody read the transducer."""
        while self._tick >= 0 and self._now_s() - self._tick_at_s > 2 * TICK_S:
            self._step(self._tick_at_s + TICK_S)

    def flush(self) -> None:
        """Hand the recorded truth to the operating system."""
        if self._truth:
            self._truth.flush()

    def restart(self) -> None:
        """Begin the device clock anew: the chip was reset. Truth goes by that clock."""
        self._tick = -1
        if self._truth:
            self._truth.close()
            # Whoever reads them has them open, and reads them to their end.
            for old in Path(self._truth_path).parent.glob(Path(self._truth_path).name + "*"):
                old.unlink()
            self._truth = TruthFile(self._truth_path)

    def _now_s(self) -> float:
        return self._chip.clock.nanos / 1e9

    def _sample(self) -> int:
        """Return what the converter finds: a new tick, or the counts of the one that is on."""
        now = self._now_s()
        if self._tick < 0:
            self._tick_at_s = now - TICK_S
        ticks = int((now - self._tick_at_s) / TICK_S + _PATIENCE_TICKS)
        for remaining in range(ticks - 1, -1, -1):
            self._step(now - remaining * TICK_S)
        return self._counts

    def _step(self, now_s: float) -> None:
        plant = self.plant
        plant.pump.command = self.pump
        plant.release.command = self.release
        plant.step(TICK_S)
        self._counts = self.transducer.sample(plant.oil_mpa)
        self._tick_at_s = now_s
        self._tick += 1
        if self._truth and self.running:
            self._truth.record(self._tick, plant)

    def _convert(self, channel: int) -> None:
        if channel == self._wiring.ADC_PIN - 26:
            value = round(self._sample() * _ADC_COUNTS_PER_COUNT)
            self._chip.adc.channel_values[channel] = min(value, 4095)
        self._on_adc_read(channel)

    def _coil(self, pin: int) -> float:
        """Return the share of time that a pin is high, 0..1."""
        gpio = self._chip.gpio[pin]
        if gpio.function_select == _SIO:
            return 1.0 if gpio.value == GPIOPinState.HIGH else 0.0
        channel = self._slice(pin)
        if gpio.function_select != _PWM or not channel.csr & _SLICE_ENABLED:
            # Nobody drives the pin, and the driver's pull-down keeps the coil off.
            return 0.0
        compare = channel.cc >> 16 if pin % 2 else channel.cc & 0xFFFF
        return min(compare / (channel.top + 1), 1.0)

    def _slice(self, pin: int) -> PWMChannel:
        return self._chip.pwm.channels[pin // 2 % 8]

    def _ignore_coil_edges(self) -> None:
        """A coil averages, so its duty is what counts; edges would cost three calls a period."""
        for pin in (self._wiring.PUMP_PIN, self._wiring.RELEASE_PIN):
            drive = self._slice(pin)
            for edge in (drive.alarm_a, drive.alarm_b, drive.alarm_bottom):
                edge.enable = False

    def _connect_tick_pin(self) -> None:
        """On the chip a pin's input sees what its output drives; in the package it does not."""
        gpio = self._chip.gpio[self._wiring.TICK_PIN]

        def follow(value: GPIOPinState, _before: GPIOPinState) -> None:
            gpio.set_input_value(value == GPIOPinState.HIGH)

        gpio.add_listener(follow)
