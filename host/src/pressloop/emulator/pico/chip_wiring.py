"""Wires the emulated chip to the press: transducer, valves, contacts, lamp.

The press is stepped when the firmware reads the transducer, by the time since the last reading and
with the valve openings set since then. This is the order of the emulated board, so the same outputs
give the same readings. If the firmware stops reading, `catch_up` keeps the press moving.
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
from pressloop_sim.plant.ram_with_friction import build_plant
from pressloop_sim.plant.second_transducer import SecondTransducer, is_fitted
from pressloop_sim.plant.transducer import Transducer
from rp2040py import RP2040, GPIOPinState
from rp2040py.peripherals.pwm import PWMChannel

from pressloop.emulator.pico.ads1115 import Ads1115
from pressloop.emulator.pico.pico_faults import ChipFaults, pico_schedule
from pressloop.wire.schema import TICK_HZ

TICK_S: Final = 1 / TICK_HZ
# Jitter of a reading, in ticks: one that follows 0.7 ticks after the last starts a new tick.
_TICK_TOLERANCE: Final = 0.3
# Functions of a pin, by GPIO_CTRL.FUNCSEL (RP2040 data sheet, section 2.19.2).
_PWM: Final = 4
_SIO: Final = 5
_SLICE_ENABLED: Final = 1
# After an edge the deadman circuit supplies the coils for this long.
_DEADMAN_S: Final = 0.05
# One count of the ADS1115 is 125 uV, one of the chip's own converter 3.3 V / 4096.
_ADC_COUNTS_PER_COUNT: Final = 125e-6 * 4096 / 3.3


def load_wiring(firmware: Path) -> ModuleType:
    """Import the firmware's wiring constants, such as pin numbers, from its folder."""
    sys.path.insert(0, str(firmware))
    try:
        return importlib.import_module("pressloop_fw.boards.wiring")
    finally:
        sys.path.pop(0)


class ChipWiring:
    """Connects the pins and buses of a chip to a simulated press.

    Attributes:
        plant: The true press.
        transducer: The pressure transducer; set its `fault` to break it.
        converter: The ADS1115 on the bus.
        running: Whether truth is recorded.
        faults: The faults that are injected in a run.
        chip_faults: Those of them that strike chip and supply.
    """

    def __init__(self, chip: RP2040, wiring: ModuleType, config: dict[str, Any]) -> None:
        """Build the press from `config`, which `process` wrote, and connect it to `chip`."""
        press = config["plant"]
        self.plant = build_plant(press, seed=config["seed"])
        self.transducer = Transducer.of(press, Rng(config["seed"]), TICK_S)
        self.running = False
        self.chip_faults = ChipFaults()
        self.faults = pico_schedule(self, self.plant, press, TICK_S, self.chip_faults)
        self._ran = False
        self._run_start_tick = 0
        self._truth_path = config["truth_path"]
        self._truth = TruthFile(self._truth_path) if self._truth_path else None
        self._chip = chip
        self._wiring = wiring
        # The firmware's first reading is that of tick 0.
        self._tick = -1
        self._tick_at_s = 0.0
        self._counts = self.transducer.sample(0.0)
        self.second_transducer: SecondTransducer | None = None
        self._second_counts = 0
        if is_fitted(press):
            self.second_transducer = SecondTransducer(press, config["seed"], TICK_S)
        self.converter = Ads1115(chip.i2c[wiring.I2C_ID], wiring.ADS1115_ADDRESS, self._sample)
        self.converter.present = config["ads1115"]
        self._on_adc_read = chip.adc.on_adc_read
        chip.adc.on_adc_read = self._convert
        self._connect_tick_pin()
        self._edge_at_s = -_DEADMAN_S
        self._connect_deadman()
        self._ignore_coil_edges()
        chip.gpio[wiring.SIMULATED_PIN].set_input_value(False)
        # Contacts to ground: emergency stop and guard are closed when inactive, the button open.
        self.contact("emergency_stop", False)
        self.contact("guard_open", False)
        self.contact("button", False)

    @property
    def tick(self) -> int:
        """Device clock: ticks since the firmware's first reading."""
        return self._tick

    @property
    def elapsed_ticks(self) -> int:
        """Ticks since the start of the run, or since that of the run before."""
        return self._tick - self._run_start_tick

    @property
    def pump(self) -> float:
        """Opening of the pump valve, 0..1: closed without current."""
        return self._coil(self._wiring.PUMP_PIN)

    @property
    def release(self) -> float:
        """Opening of the release valve, 0..1: open without current."""
        return 1.0 - self._coil(self._wiring.RELEASE_PIN)

    @property
    def lamp(self) -> bool:
        """Whether the lamp is lit."""
        return bool(self._chip.gpio[self._wiring.LAMP_PIN].value == GPIOPinState.HIGH)

    def contact(self, name: str, active: bool) -> None:
        """Activate or deactivate `emergency_stop`, `guard_open` or `button`.

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
        """Break the transducer's current loop, or repair it with "ok".

        Raises:
            ValueError: There is no such fault.
        """
        if fault not in transducer.FAULTS:
            raise ValueError("sensor: one of " + ", ".join(transducer.FAULTS))
        self.transducer.fault = fault

    def break_down(self, what: object) -> None:
        """Crack the pellet or burst the die; `what` is "pellet" or "die".

        Raises:
            ValueError: `what` is neither.
        """
        if not isinstance(what, str) or what not in damage.BREAKS:
            raise ValueError("break: one of " + ", ".join(sorted(damage.BREAKS)))
        self.plant.apply_damage(damage.BREAKS[what])

    def catch_up(self) -> None:
        """Step the press through time that has passed without a reading of the transducer."""
        while self._tick >= 0 and self._now_s() - self._tick_at_s > 2 * TICK_S:
            self._step(self._tick_at_s + TICK_S)

    def flush(self) -> None:
        """Write the buffered truth records to the file."""
        if self._truth:
            self._truth.flush()

    def restart(self) -> None:
        """Restart the device clock, and the truth file with it: the chip was reset."""
        self._tick = -1
        if self._truth:
            self._truth.close()
            # A process that is reading the old files has them open and can finish.
            for old in Path(self._truth_path).parent.glob(Path(self._truth_path).name + "*"):
                old.unlink()
            self._truth = TruthFile(self._truth_path)

    def _now_s(self) -> float:
        return self._chip.clock.nanos / 1e9

    def _sample(self) -> int:
        """Return the transducer's counts, after stepping the press up to now in whole ticks."""
        now = self._now_s()
        if self._tick < 0:
            self._tick_at_s = now - TICK_S
        ticks = int((now - self._tick_at_s) / TICK_S + _TICK_TOLERANCE)
        for remaining in range(ticks - 1, -1, -1):
            self._step(now - remaining * TICK_S)
        return self._counts

    def _step(self, now_s: float) -> None:
        """Step the press by one tick and sample the transducer."""
        plant = self.plant
        if self.running and not self._ran:
            self._run_start_tick = self._tick
            plant.begin_run()
        self._ran = self.running
        if self.running and self.elapsed_ticks >= self.faults.due_tick:
            self.faults.step(self.elapsed_ticks)
        dip = self.chip_faults.dip_ticks
        plant.pump.command = 0.0 if dip else self.pump
        plant.release.command = 1.0 if dip else self.release
        plant.step(TICK_S)
        self._counts = self.transducer.sample(plant.oil_mpa + plant.warming.zero_mpa)
        if self.second_transducer is not None:
            self._second_counts = self.second_transducer.sample(plant.oil_mpa)
        if dip:
            self.chip_faults.dip_ticks = dip - 1
            self._counts = self._second_counts = 0
        self._tick_at_s = now_s
        self._tick += 1
        if self._truth and self.running:
            self._truth.record(self._tick, plant)

    def _convert(self, channel: int) -> None:
        """Answer a conversion of the chip's own converter."""
        if channel == self._wiring.ADC_PIN - 26:
            self._show(channel, self._sample())
        elif channel == self._wiring.SECOND_ADC_PIN - 26:
            # The firmware reads the first transducer before, which has stepped the press.
            self._show(channel, self._second_counts)
        self._on_adc_read(channel)

    def _show(self, channel: int, counts: int) -> None:
        """Give the chip's own converter the value of a transducer's counts."""
        value = round(counts * _ADC_COUNTS_PER_COUNT)
        self._chip.adc.channel_values[channel] = min(value, 4095)

    def _coil(self, pin: int) -> float:
        """Return the share of time that a coil has current, 0..1: its pin's, with a supply."""
        if self._now_s() - self._edge_at_s > _DEADMAN_S:
            return 0.0
        gpio = self._chip.gpio[pin]
        if gpio.function_select == _SIO:
            return 1.0 if gpio.value == GPIOPinState.HIGH else 0.0
        channel = self._slice(pin)
        if gpio.function_select != _PWM or not channel.csr & _SLICE_ENABLED:
            # The pin is not driven: the valve driver's pull-down keeps the coil off.
            return 0.0
        compare = channel.cc >> 16 if pin % 2 else channel.cc & 0xFFFF
        return min(compare / (channel.top + 1), 1.0)

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
                self._edge_at_s = self._now_s()

        self._chip.gpio[self._wiring.DEADMAN_PIN].add_listener(retrigger)

    def _connect_tick_pin(self) -> None:
        """Feed the tick pin's output back to its input, as on the chip; rp2040py does not."""
        gpio = self._chip.gpio[self._wiring.TICK_PIN]

        def follow(value: GPIOPinState, _before: GPIOPinState) -> None:
            gpio.set_input_value(value == GPIOPinState.HIGH)

        gpio.add_listener(follow)
