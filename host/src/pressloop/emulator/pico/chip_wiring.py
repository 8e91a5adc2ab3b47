"""Wires the emulated chip to the press, and steps the press.

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

from pressloop.emulator.pico.ads1115 import AIN0, AIN1, Ads1115
from pressloop.emulator.pico.auxiliary import AuxiliaryInput
from pressloop.emulator.pico.cell_converter import CellConverter
from pressloop.emulator.pico.chip_contacts import ChipContacts
from pressloop.emulator.pico.chip_outputs import ChipOutputs
from pressloop.emulator.pico.i2c_bus import I2cBus
from pressloop.emulator.pico.pico_faults import ChipFaults, pico_schedule
from pressloop.emulator.pico.run_extremes import RunExtremes
from pressloop.hardware.kinds import SUPPLY_COUNTS
from pressloop.wire.schema import TICK_HZ

TICK_S: Final = 1 / TICK_HZ
# Jitter of a reading, in ticks: one that follows 0.7 ticks after the last starts a new tick.
_TICK_TOLERANCE: Final = 0.3
# Nominal supply of a ratiometric transducer.
_SUPPLY_V: Final = 5.0
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
        self.chip_faults = ChipFaults(config["seed"])
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
        self._cell = CellConverter(
            chip,
            wiring,
            self.field,
            LoadCell(press, config["seed"]),
            config["parts"]["cell_converter"],
        )
        self.buses.append(self._cell.bus)
        self._on_adc_read = chip.adc.on_adc_read
        chip.adc.on_adc_read = self._convert
        self._connect_tick_pin()
        self._outputs = ChipOutputs(chip, wiring, self.field)
        self.set_strap(True)
        vessel = None
        if isinstance(self.plant, VesselPlant) and press.get("vessel_lid_switch"):
            vessel = self.plant
        self._contacts = ChipContacts(chip, wiring, self.field, vessel)

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
        return self._outputs.openings()[0]

    @property
    def release(self) -> float:
        """Opening of the release valve, 0..1: open without current."""
        return self._outputs.openings()[1]

    @property
    def lamp(self) -> bool:
        """Whether the lamp's output is on."""
        return self._outputs.lamp

    def set_strap(self, connected: bool) -> None:
        """Connect or open the wire that says that the press is simulated; read at a start.

        Open it only to test what a real board asks of a person: its records say nothing of an
        emulator then.
        """
        self._chip.gpio[self._wiring.SIMULATED_PIN].set_input_value(not connected)

    def contact(self, name: str, active: bool) -> None:
        """Activate or deactivate `emergency_stop`, `guard_open` or `button`.

        Raises:
            ValueError: There is no such contact.
        """
        self._contacts.operate(name, active)

    def rewire(self, command: dict[str, Any]) -> None:
        """Change the wires, as `rewiring.rewire` says.

        Raises:
            ValueError: It is no such command.
        """
        rewiring.rewire(self.field, command)
        self.converter.present = self._has_converter and self.field.converter
        self._contacts.set_levels()

    def seen(self) -> dict[str, object]:
        """Return what a person at the press sees and hears, as `FieldWiring.seen`."""
        return self._outputs.seen()

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
        field, duties = self.field, self._outputs.duties()
        self._outputs.feed_deadman(duties)
        powered = self._outputs.powered(now_s) and not dip
        plant.pump.command, plant.release.command, on_off = field.openings(duties, powered)
        plant.release.open_on_off(on_off)
        plant.step(TICK_S)
        driven = duties[field_wiring.PUMP] > 0.0 or duties[field_wiring.RELEASE] > 0.0
        self.extremes.note(
            self.elapsed_ticks, plant.pellet_mpa, on_off < 1.0 or (powered and driven)
        )
        self._contacts.follow_lid()
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
        self._cell.step(plant, TICK_S)
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

    @property
    def _supply_counts(self) -> int:
        """Supply of a ratiometric transducer behind its divider, counts."""
        return round(self.supply_v / _SUPPLY_V * SUPPLY_COUNTS)

    def _sample_by_supply(self) -> int:
        """Return the counts of a ratiometric transducer, which follow its supply."""
        return round(self._sample() * self.supply_v / _SUPPLY_V)

    def _connect_tick_pin(self) -> None:
        """Feed the tick pin's output back to its input, as on the chip; rp2040py does not.

        Each rising edge is a tick, unless a fault keeps it from the processor.
        """
        gpio = self._chip.gpio[self._wiring.TICK_PIN]

        def follow(value: GPIOPinState, _before: GPIOPinState) -> None:
            high = value == GPIOPinState.HIGH
            if not (high and self.chip_faults.loses_tick()):
                gpio.set_input_value(high)

        gpio.add_listener(follow)
