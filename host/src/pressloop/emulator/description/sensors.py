"""The sensors in a press description: two pressure transducers, displacement, load cell.

Each number has its range, its default and the source of the default.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from pressloop.emulator.description.individual import IndividualSection, error_factor
from pressloop.emulator.description.section import NonNegative, Positive, Section
from pressloop.hardware.kinds import SIGNAL_KINDS, SignalKind
from pressloop.machine.part_codes import CellConverterName, PressureConverterName, SignalName

_USUAL_SIGNAL: Final = "4-20mA"


class TransducerSection(Section):
    """Oil-pressure transducer: 4-20 mA over 150 ohm into an ADS1115."""

    signal: SignalName | None = Field(
        default=None,
        description="4-20mA, 0-10V or ratiometric (0.5-4.5 V of a supply of 5 V); None: not "
        "stated, as 4-20mA.",
    )
    full_scale_bar: Positive = Field(
        default=400.0, ge=10, le=6000, description="Range. Reference wiring."
    )
    accuracy_percent: Positive = Field(
        default=0.1,
        ge=0.0001,
        le=2,
        description="Data-sheet accuracy, of full scale. Reference wiring.",
    )
    noise_percent: NonNegative = Field(
        default=0.006,
        le=5,
        description="One sigma, of full scale. Source: ADS1115 data sheet, about 1 LSB at 860/s "
        "and 4.096 V.",
    )
    lag_ms: NonNegative = Field(
        default=2.0, le=1000, description="First-order lag. Source: data sheets."
    )
    repeatability_percent: NonNegative | None = Field(
        default=None,
        le=10,
        description="Limits (+-) within which readings of one pressure agree, of full scale; None: "
        "a fifth of the accuracy is assumed.",
    )
    zero_drift_percent: NonNegative | None = Field(
        default=None,
        le=10,
        description="Limits (+-) of the zero's drift with temperature, of full scale; None: 0.2 % "
        "is assumed.",
    )
    converter: PressureConverterName | None = Field(
        default=None,
        description="Converter of the signal: ads1115, or adc for the chip's own; None: whichever "
        "the board finds. No run starts on a board that finds another one.",
    )

    @property
    def kind(self) -> SignalKind:
        """How it signals, with its counts."""
        return SIGNAL_KINDS[self.signal or _USUAL_SIGNAL]

    def plant_config(self, individual: IndividualSection) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.transducer`."""
        full_scale_mpa = self.full_scale_bar / 10
        return {
            "sensor_full_scale_mpa": full_scale_mpa,
            **_counts("sensor_", self.kind),
            "sensor_offset_mpa": individual.sensor_offset_percent / 100 * full_scale_mpa,
            "sensor_span_factor": error_factor(individual.sensor_span_error_percent),
            "sensor_noise_mpa": self.noise_percent / 100 * full_scale_mpa,
            "sensor_lag_s": self.lag_ms / 1000,
        }


class SecondTransducerSection(Section):
    """Second oil-pressure transducer, on the chip's own converter: the second channel."""

    fitted: bool = Field(
        default=True, description="Whether the press has one; false: a single-channel press."
    )
    signal: SignalName | None = Field(
        default=None, description="4-20mA or 0-10V; None: not stated, as 4-20mA."
    )
    converter: PressureConverterName | None = Field(
        default=None,
        description="Converter of its signal: adc for the chip's own, or a second ads1115; None: "
        "whichever the board finds.",
    )
    full_scale_bar: Positive | None = Field(
        default=None, ge=10, le=6000, description="Range; None: that of the first transducer."
    )
    accuracy_percent: Positive = Field(
        default=1.0,
        ge=0.0001,
        le=5,
        description="Stated error with the converter's, of full scale. Assumption: a transducer "
        "of 0.5 % and the 8.7 effective bits of the RP2040's converter.",
    )
    noise_percent: NonNegative = Field(
        default=0.05, le=5, description="One sigma, of full scale. Assumption."
    )
    lag_ms: NonNegative = Field(
        default=5.0, le=1000, description="First-order lag. Source: data sheets."
    )
    channel_lag_ms: Annotated[int, Field(ge=0, le=100)] | None = Field(
        default=None,
        description="By how much the lags of both channels may differ; None: the board's 30 ms.",
    )
    channel_friction_percent: NonNegative | None = Field(
        default=None,
        le=10,
        description="Friction between the places where they measure, of the reading; None: none.",
    )
    channel_noise_percent: NonNegative | None = Field(
        default=None,
        le=1,
        description="One sigma of a reading of either, of full scale; None: the board's 0.1 %.",
    )

    @property
    def kind(self) -> SignalKind:
        """How it signals, with its counts."""
        return SIGNAL_KINDS[self.signal or _USUAL_SIGNAL]

    def plant_config(
        self, individual: IndividualSection, full_scale_bar: float
    ) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.second_transducer`; 0 bar: there is none."""
        full_scale_mpa = full_scale_bar / 10
        return {
            "second_sensor_full_scale_mpa": full_scale_mpa,
            **_counts("second_sensor_", self.kind),
            "second_sensor_bits": 16 if self.converter == "ads1115" else 12,
            "second_sensor_offset_mpa": individual.second_offset_percent / 100 * full_scale_mpa,
            "second_sensor_span_factor": error_factor(individual.second_span_error_percent),
            "second_sensor_noise_mpa": self.noise_percent / 100 * full_scale_mpa,
            "second_sensor_lag_s": self.lag_ms / 1000,
        }


class DisplacementSection(Section):
    """Displacement sensor between the platens. The reference press has none."""

    resolution_um: NonNegative = Field(
        default=0.0, le=1000, description="Smallest step of its reading; 0: there is no sensor."
    )
    noise_um: NonNegative = Field(
        default=0.5, le=1000, description="One sigma. Assumption: a potentiometric or LVDT sensor."
    )

    def plant_config(self) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.displacement_sensor`."""
        return {
            "displacement_resolution_um": self.resolution_um,
            "displacement_noise_um": self.noise_um,
        }


class LoadCellSection(Section):
    """Load cell under the die. The reference press has none."""

    converter: CellConverterName | None = Field(
        default=None,
        description="nau7802 or hx711; None: an NAU7802 if the board finds one.",
    )
    capacity_kn: NonNegative = Field(
        default=0.0, le=10_000, description="Largest force; 0: there is no load cell."
    )
    rate_hz: Positive = Field(
        default=80.0,
        ge=1,
        le=1000,
        description="Readings a second: HX711 10 or 80, NAU7802 10-320.",
    )
    lag_ms: NonNegative = Field(
        default=5.0, le=1000, description="First-order lag of cell and filter. Assumption."
    )
    accuracy_percent: Positive = Field(
        default=0.05,
        ge=0.0001,
        le=10,
        description="Data-sheet accuracy, of the capacity. Assumption.",
    )
    noise_percent: NonNegative = Field(
        default=0.005, le=5, description="One sigma, of the capacity. Assumption."
    )

    def plant_config(self, individual: IndividualSection) -> dict[str, float]:
        """Return the numbers for `pressloop_sim.plant.load_cell`."""
        capacity_n = self.capacity_kn * 1000
        return {
            "load_cell_capacity_n": capacity_n,
            "load_cell_rate_hz": self.rate_hz,
            "load_cell_lag_s": self.lag_ms / 1000,
            "load_cell_noise_n": self.noise_percent / 100 * capacity_n,
            "load_cell_zero_n": individual.load_cell_zero_percent / 100 * capacity_n,
            "load_cell_gain": error_factor(individual.load_cell_gain_error_percent),
        }


def _counts(prefix: str, kind: SignalKind) -> dict[str, float]:
    """Return the counts of the emulated transducer whose keys begin with `prefix`."""
    return {
        f"{prefix}raw_zero": kind.raw_zero,
        f"{prefix}raw_full": kind.raw_full,
        f"{prefix}raw_broken": kind.raw_broken,
        f"{prefix}raw_short": kind.raw_short,
    }
