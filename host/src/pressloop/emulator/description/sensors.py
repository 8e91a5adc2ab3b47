"""The sensors in a press description: two pressure transducers, displacement, load cell.

Each number has its range, its default and the source of the default.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pressloop.emulator.description.section import NonNegative, Positive, Section
from pressloop.machine.part_codes import CellConverterName, PressureConverterName, SignalName


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


class DisplacementSection(Section):
    """Displacement sensor between the platens. The reference press has none."""

    resolution_um: NonNegative = Field(
        default=0.0, le=1000, description="Smallest step of its reading; 0: there is no sensor."
    )
    noise_um: NonNegative = Field(
        default=0.5, le=1000, description="One sigma. Assumption: a potentiometric or LVDT sensor."
    )


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
