"""Wires the emulated chip to the press: transducers, load cell, valves, contacts, lamp.

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

from pressloop_sim.board import field_wiring, rewiring
from pressloop_sim.board.field_wiring import FieldWiring
from pressloop_sim.board.truth_file import TruthFile
from pressloop_sim.plant import damage, transducer
from pressloop_sim.plant.load_cell import LoadCell
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.ram_with_friction import build_plant
from pressloop_sim.plant.second_transducer import SecondTransducer, is_fitted
from pressloop_sim.plant.transducer import Transducer
from pressloop_sim.plant.vessel import VesselPlant
from rp2040py import RP2040, GPIOPinState
from rp2040py.peripherals.pwm import PWMChannel

from pressloop.emulator.pico.ads1115 import AIN0, AIN1, Ads1115
from pressloop.emulator.pico.auxiliary import AuxiliaryInput
from pressloop.emulator.pico.hx711 import Hx711
from pressloop.emulator.pico.i2c_bus import I2cBus
from pressloop.emulator.pico.nau7802 import Nau7802
from pressloop.emulator.pico.pico_faults import ChipFaults, pico_schedule
from pressloop.emulator.pico.run_extremes import RunExtremes
from pressloop.hardware.kinds import SUPPLY_COUNTS
from pressloop.wire.schema import TICK_HZ

TICK_S: Final = 1 / TICK_HZ
# Jitter of a reading, in ticks: one that follows 0.7 ticks after the last starts a new tick.
_TICK_TOLERANCE: Final = 0.3
# Functions of a pin, by GPIO_CTRL.FUNCSEL (RP2040 data sheet, section 2.19.2).
_PWM: Final = 4
_SIO: Final = 5
_SLICE_ENABLED: Final = 1
# Nominal supply of a ratiometric transducer.
_SUPPLY_V: Final = 5.0
# After an edge the deadman circuit supplies the coils for this long.
_DEADMAN_S: Final = 0.05
# Contacts by their names on the control port.
_CONTACTS: Final = {
    "emergency_stop": field_wiring.EMERGENCY_STOP,
    "guard_open": field_wiring.GUARD,
    "button": field_wiring.BUTTON,
}
# One count of the ADS1115 is 125 uV, one of the chip's own converter 3.3 V / 4096.
_ADC_COUNTS_PER_COUNT: Final = 125e-6 * 4096 / 3.3
# Largest reading of a converter of 24 bits: what a cell with a broken wire reads.
_CELL_MOST: Final = 0x7FFFFF


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
        load_cell: The load cell under the die; there is none if its capacity is 0.
        buses: The I2C buses.
        supply_v: Supply of a ratiometric transducer, V; its signal follows it.
        running: Whether truth is recorded.
        faults: The faults that are injected in a run.
        chip_faults: Those of them that strike chip and supply.
        extremes: What the run did to the sample, and until when a coil had current.
        field: The wires between the terminals and the devices of the press.
    """

    def __init__(self, chip: RP2040, wiring: ModuleType, config: dict[str, Any]) -> None:
        """Build the press from `config`, which `process` wrote, and connect it to `chip`."""
        press = config["plant"]
        self.plant = build_plant(press, seed=config["seed"])
        self.transducer = Transducer.of(press, Rng(config["seed"]), TICK_S)
        self.running = False
        self.chip_faults = ChipFaults()
        self.extremes = RunExtremes()
        self.faults = pico_schedule(self, self.plant, press, TICK_S, self.chip_faults)
        self._ran = False
        self._run_start_tick = 0
        self._truth = TruthFile(config["truth_path"]) if config["truth_path"] else None
        # Whether the device clock has begun anew since the truth file has.
        self._was_reset = False
        self._chip = chip
        self._wiring = wiring
        self.field = FieldWiring()
        # The firmware's first reading is that of tick 0.
        self._tick = -1
        self._tick_at_s = 0.0
        self._counts = self.transducer.sample(0.0)
        self.second_transducer: SecondTransducer | None = None
        self._second_counts = 0
        if is_fitted(press):
            self.second_transducer = SecondTransducer(press, config["seed"], TICK_S)
        self.supply_v = _SUPPLY_V
        self._auxiliary = AuxiliaryInput(
            config["parts"]["auxiliary"], wiring, self.field, press, config["seed"]
        )
        self.buses: list[I2cBus] = []
        self._has_converter = config["ads1115"]
        self._connect_converters(config["parts"], config["ads1115"])
        self.load_cell = LoadCell(press, config["seed"])
        self._connect_load_cell(config["parts"])
        self._on_adc_read = chip.adc.on_adc_read
        chip.adc.on_adc_read = self._convert
        self._connect_tick_pin()
        self._edge_at_s = self._toggled_at_s = -2 * _DEADMAN_S
        self._connect_deadman()
        self._ignore_coil_edges()
        chip.gpio[wiring.SIMULATED_PIN].set_input_value(False)
        self._watched_vessel: VesselPlant | None = None
        if isinstance(self.plant, VesselPlant) and press.get("vessel_lid_switch"):
            self._watched_vessel = self.plant
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
        return self.field.openings(self._duties(), self._powered(self._now_s()))[0]

    @property
    def release(self) -> float:
        """Opening of the release valve, 0..1: open without current."""
        return self.field.openings(self._duties(), self._powered(self._now_s()))[1]

    @property
    def lamp(self) -> bool:
        """Whether the lamp's output is on."""
        return self._is_high(self._wiring.LAMP_PIN)

    def contact(self, name: str, active: bool) -> None:
        """Activate or deactivate `emergency_stop`, `guard_open` or `button`.

        Raises:
            ValueError: There is no such contact.
        """
        if name not in _CONTACTS or not isinstance(active, bool):
            raise ValueError("set: booleans for " + ", ".join(sorted(_CONTACTS)))
        self.field.operated[_CONTACTS[name]] = active
        self._set_levels()

    def rewire(self, command: dict[str, Any]) -> None:
        """Change the wires, as `rewiring.rewire` says.

        Raises:
            ValueError: It is no such command.
        """
        rewiring.rewire(self.field, command)
        self.converter.present = self._has_converter and self.field.converter
        self._set_levels()

    def seen(self) -> dict[str, Any]:
        """Return what a person at the press sees and hears, as `FieldWiring.seen`."""
        return self.field.seen(self._duties(), self._powered(self._now_s()))

    def _set_levels(self) -> None:
        """Set the chip's digital inputs to what their contacts and wires give."""
        for terminal, pin in (
            (field_wiring.EMERGENCY_STOP, self._wiring.EMERGENCY_STOP_PIN),
            (field_wiring.GUARD, self._wiring.GUARD_PIN),
            (field_wiring.BUTTON, self._wiring.BUTTON_PIN),
        ):
            self._chip.gpio[pin].set_input_value(self.field.is_high(terminal))
        self._set_lid_level()

    def _set_lid_level(self) -> None:
        """Set the input of a vessel's lid; on a press with a ram nothing is connected to it."""
        level = True
        if self._watched_vessel is not None:
            contact = field_wiring.VESSEL_PRESSURE
            self.field.operated[contact] = self._watched_vessel.has_lid_pressure()
            level = self.field.is_high(contact)
        self._chip.gpio[self._wiring.VESSEL_PRESSURE_PIN].set_input_value(level)

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
        """Restart the device clock: the chip was reset."""
        self._tick = -1
        self._was_reset = True

    def prepare_run(self) -> None:
        """Let the next run have the ticks of its truth, and its extremes, for itself.

        Not at the reset: the host still reads the truth of the run that the reset has cut off.
        """
        if self._truth and self._was_reset:
            self._truth.restart()
        self._was_reset = False
        self.extremes.begin()

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
        field, duties = self.field, self._duties()
        if not field.right and field.deadman_is_fed(duties):
            self._edge_at_s = self._now_s()
        powered = self._powered(now_s) and not dip
        plant.pump.command, plant.release.command, on_off = field.openings(duties, powered)
        plant.release.open_on_off(on_off)
        plant.step(TICK_S)
        driven = duties[field_wiring.PUMP] > 0.0 or duties[field_wiring.RELEASE] > 0.0
        self.extremes.note(
            self.elapsed_ticks, plant.pellet_mpa, on_off < 1.0 or (powered and driven)
        )
        if self._watched_vessel is not None:
            self._set_lid_level()
        self._counts = self.transducer.sample(plant.oil_mpa + plant.warming.zero_mpa)
        if self.second_transducer is not None:
            self._second_counts = self.second_transducer.sample(plant.oil_mpa)
        if not field.right:
            field.note_ram(plant.ram_mm())
            self._counts, self._second_counts = (
                field.counts(terminal, self._counts, self._second_counts)
                for terminal in (field_wiring.PRESSURE, field_wiring.SECOND_PRESSURE)
            )
        if dip:
            self.chip_faults.dip_ticks = dip - 1
            self._counts = self._second_counts = 0
        if self.load_cell.present:
            self._convert_force()
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
        elif channel == self._wiring.AUXILIARY_PIN - 26:
            self._chip.adc.channel_values[channel] = self._auxiliary.counts(self.plant)
        self._on_adc_read(channel)

    def _show(self, channel: int, counts: int) -> None:
        """Give the chip's own converter the value of a transducer's counts."""
        value = round(counts * _ADC_COUNTS_PER_COUNT)
        self._chip.adc.channel_values[channel] = min(value, 4095)

    def _powered(self, at_s: float) -> bool:
        """Return whether the deadman circuit supplies the coils at a time of the chip."""
        return at_s - self._edge_at_s <= _DEADMAN_S

    def _duties(self) -> dict[str, float]:
        """Return the share of time that each output is high, by its terminal."""
        return {
            field_wiring.PUMP: self._duty(self._wiring.PUMP_PIN),
            field_wiring.RELEASE: self._duty(self._wiring.RELEASE_PIN),
            field_wiring.DUMP: 1.0 if self._is_high(self._wiring.DUMP_PIN) else 0.0,
            field_wiring.CONTACTOR: 1.0 if self._is_high(self._wiring.CONTACTOR_PIN) else 0.0,
            field_wiring.LAMP: 1.0 if self.lamp else 0.0,
            field_wiring.BUZZER: 1.0 if self._is_high(self._wiring.BUZZER_PIN) else 0.0,
            field_wiring.DEADMAN: 0.5 if self._now_s() - self._toggled_at_s <= TICK_S * 2 else 0.0,
        }

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

    def _connect_converters(self, parts: dict[str, Any], present: bool) -> None:
        """Put the converters of the transducers onto the sensor bus."""
        wiring = self._wiring
        inputs = {AIN0: self._sample}
        if parts["transducer"] == "ratiometric":
            inputs = {AIN0: self._sample_by_supply, AIN1: lambda: self._supply_counts}
        self.converter = Ads1115(wiring.ADS1115_ADDRESS, inputs)
        self.converter.present = present
        # The firmware reads the first transducer before, which has stepped the press.
        second = Ads1115(wiring.SECOND_ADS1115_ADDRESS, {AIN0: lambda: self._second_counts})
        second.present = parts["second_converter"] == "ads1115"
        bus = I2cBus(self._chip.clock, self._chip.i2c[wiring.I2C_ID], self.converter, second)
        self.buses.append(bus)

    def _connect_load_cell(self, parts: dict[str, Any]) -> None:
        """Connect the load cell's converter: the one that the press names, else an NAU7802."""
        wiring, fitted = self._wiring, self.load_cell.present
        self._force = 0
        nau7802 = Nau7802(wiring.NAU7802_ADDRESS, lambda: self._force)
        nau7802.present = fitted and parts["cell_converter"] in (None, "nau7802")
        self.buses.append(I2cBus(self._chip.clock, self._chip.i2c[wiring.CELL_I2C_ID], nau7802))
        self._hx711 = Hx711(self._chip, wiring.HX711_CLOCK_PIN, wiring.HX711_DATA_PIN)
        self._hx711.present = fitted and parts["cell_converter"] == "hx711"
        # Its first conversion is done when the firmware looks for it.
        self._hx711.offer(0)

    def _convert_force(self) -> None:
        """Let the load cell's converter go on for a tick."""
        cell = self.load_cell
        conversions = cell.conversions
        cell.step(self.plant.punch_n() + self.field.hand_n, TICK_S)
        if cell.conversions != conversions:
            own = cell.reading if cell.answers else _CELL_MOST
            self._force = self.field.cell_counts(own, _CELL_MOST)
            self._hx711.offer(self._force)

    @property
    def _supply_counts(self) -> int:
        """Supply of a ratiometric transducer behind its divider, counts."""
        return round(self.supply_v / _SUPPLY_V * SUPPLY_COUNTS)

    def _sample_by_supply(self) -> int:
        """Return the counts of a ratiometric transducer, which follow its supply."""
        return round(self._sample() * self.supply_v / _SUPPLY_V)

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
                if self.field.right:
                    self._edge_at_s = self._toggled_at_s

        self._chip.gpio[self._wiring.DEADMAN_PIN].add_listener(retrigger)

    def _connect_tick_pin(self) -> None:
        """Feed the tick pin's output back to its input, as on the chip; rp2040py does not."""
        gpio = self._chip.gpio[self._wiring.TICK_PIN]

        def follow(value: GPIOPinState, _before: GPIOPinState) -> None:
            gpio.set_input_value(value == GPIOPinState.HIGH)

        gpio.add_listener(follow)
