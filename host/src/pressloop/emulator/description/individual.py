"""How one emulated specimen differs from the data sheet of its press."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pressloop.emulator.description.section import Section

ErrorPercent = Annotated[float, Field(ge=-50, le=50, allow_inf_nan=False)]


class IndividualSection(Section):
    """Errors of this specimen against its data sheet; the controller does not know them."""

    pump_dead_band_error_percent: ErrorPercent = Field(default=1.5, description="Of stroke.")
    release_dead_band_error_percent: ErrorPercent = Field(default=-1.5, description="Of stroke.")
    pump_flow_error_percent: ErrorPercent = Field(
        default=4.0, description="Of the data-sheet flow."
    )
    release_flow_error_percent: ErrorPercent = Field(
        default=-5.0, description="Of the data-sheet flow."
    )
    oil_volume_error_percent: ErrorPercent = Field(
        default=5.0, description="Of the nominal volume."
    )
    frame_stiffness_error_percent: ErrorPercent = Field(
        default=-4.0, description="Of the nominal value."
    )
    sensor_offset_percent: ErrorPercent = Field(default=0.02, description="Of full scale.")
    sensor_span_error_percent: ErrorPercent = Field(default=-0.03, description="Of the reading.")
    second_offset_percent: ErrorPercent = Field(default=-0.2, description="Of full scale.")
    second_span_error_percent: ErrorPercent = Field(default=0.3, description="Of the reading.")
    load_cell_zero_percent: ErrorPercent = Field(default=0.01, description="Of the capacity.")
    load_cell_gain_error_percent: ErrorPercent = Field(
        default=0.02, description="Of the reading of the load cell."
    )


def error_factor(error_percent: float) -> float:
    """Return the factor by which a value with this error is wrong."""
    return 1 + error_percent / 100
