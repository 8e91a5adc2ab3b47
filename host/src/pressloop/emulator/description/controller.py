"""What a technician sets in a press description: limits, and the controller's behaviour."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pressloop.emulator.description.section import NonNegative, Positive, Section
from pressloop.machine.part_codes import AuxiliaryName


class LimitsSection(Section):
    """Limits of the press and its hoses."""

    max_oil_bar: Positive = Field(default=350.0, le=6000, description="Set by the technician.")
    single_channel_bar: Positive | None = Field(
        default=None,
        ge=2,
        le=6000,
        description="Limit as long as there is one pressure channel; None: max_oil_bar.",
    )


class ControllerSection(Section):
    """Settings of the controller, entered by the technician."""

    board: Literal["pico", "pico2", "pico-w"] | None = Field(
        default=None,
        description="Controller board, whose pins must serve the kinds of parts above; None: any.",
    )
    auxiliary: AuxiliaryName | None = Field(
        default=None,
        description="What the board's third analogue input reads from its next start on: "
        "displacement, or oil-temperature; None: nothing.",
    )
    approach_opening_percent: Positive = Field(
        default=60.0, le=100, description="Pump valve while the ram travels."
    )
    contact_bar: Positive = Field(
        default=2.0, le=200, description="Reading that counts as contact."
    )
    approach_timeout_s: Positive = Field(
        default=60.0, ge=0.1, le=600, description="Longest time to contact."
    )
    hold_to_run: bool | None = Field(
        default=None,
        description="Whether the ram approaches the sample only while a person holds the button; "
        "None: if one pressure channel alone watches it and the press is real.",
    )
    no_gain_window_s: Positive = Field(
        default=5.0,
        ge=0.1,
        le=60,
        description="Platens that close this long must raise the pressure.",
    )
    kp_per_s: Positive = Field(
        default=12.0, ge=1 / 256, le=8191 / 256, description="Pressure rate per error."
    )
    ki_per_s2: NonNegative = Field(
        default=8.0, le=16383 * 100 / 65536, description="Integral gain."
    )
    kd: NonNegative = Field(
        default=0.0, le=4095 / 256, description="Derivative gain, on the reading."
    )
    filter_shift: int = Field(default=1, ge=0, le=8, description="Smoothing over 2^n ticks.")
