"""The section `measured` of a press file: what tuning and calibration found on this press.

Each value replaces the one that follows from the data sheet, so that a tuned profile is kept
exactly. Names and units are those of the machine profile.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from pressloop.emulator.description.section import NonNegative, Positive, Section
from pressloop.machine.storable_text import iso_day, reference_fits

Counts = Annotated[int, Field(ge=0, le=65535)]
CellCounts = Annotated[int, Field(ge=-16_000_000, le=16_000_000)]
CurveKnot = Annotated[float, Field(ge=0.001, le=10_000, allow_inf_nan=False)]

UNKNOWN = "unknown"
"""Written where a profile has no value although the data sheet gives one."""


class MeasuredSection(Section):
    """Values that were measured on this press; None: the data sheet's value is used."""

    raw_zero: Counts | None = Field(
        default=None,
        description="Reading at zero pressure, counts; None: 4 mA and the return force.",
    )
    raw_full: Counts | None = Field(
        default=None, description="Reading at full scale, counts; None: 20 mA and the return force."
    )
    raw_fault_low: Counts | None = Field(
        default=None, description="A reading below it is a broken wire, counts; None: 3.6 mA."
    )
    raw_fault_high: Counts | None = Field(
        default=None, description="A reading above it is a short circuit, counts; None: 21 mA."
    )
    raw_zero_fraction: NonNegative | None = Field(
        default=None,
        le=255 / 256,
        description="Share of a count by which zero pressure is above raw_zero.",
    )
    second_raw_zero: Counts | None = Field(
        default=None, description="As raw_zero, of the second channel."
    )
    second_raw_full: Counts | None = Field(
        default=None, description="As raw_full, of the second channel."
    )
    second_raw_fault_low: Counts | None = Field(
        default=None, description="As raw_fault_low, of the second channel."
    )
    second_raw_fault_high: Counts | None = Field(
        default=None, description="As raw_fault_high, of the second channel."
    )
    return_bar: Annotated[NonNegative, Field(le=200)] | Literal["unknown"] | None = Field(
        default=None,
        description="Oil pressure that carries ram and spring, or unknown; None: the return force "
        "over the ram's area.",
    )
    approach_mm: Annotated[float, Field(ge=0.1, le=500)] | Literal["unknown"] | None = Field(
        default=None,
        description="Travel of the ram from its seat to the sample, or unknown; None: "
        "ram.approach_gap_mm.",
    )
    compliance_ul_mpa: Positive | None = Field(
        default=None,
        ge=0.001,
        le=10_000,
        description="Oil that raises the closed press by 1 MPa of oil; None: from oil, ram and "
        "frame.",
    )
    compliance_curve_ul_mpa: tuple[CurveKnot, ...] | None = Field(
        default=None,
        min_length=8,
        max_length=8,
        description="The same at 1/128, 1/64, ... 1/1 of the highest oil pressure.",
    )
    valve_dither_percent: NonNegative | None = Field(
        default=None,
        le=9.99,
        description="Dither, of stroke; None: three quarters of the hysteresis.",
    )
    valve_lag_ms: Annotated[int, Field(ge=0, le=200)] | None = Field(
        default=None, description="From a command to the flow; None: the sum of lags and delay."
    )
    load_cell_zero: CellCounts | None = Field(
        default=None, description="Reading of the load cell without load, counts; None: 0."
    )
    load_cell_full: CellCounts | None = Field(
        default=None,
        description="Reading at its capacity, counts; None: 10 for each newton, as emulated.",
    )
    load_cell_lag_ms: Annotated[int, Field(ge=0, le=300)] | None = Field(
        default=None, description="From a force to its reading; None: load_cell.lag_ms."
    )
    leak_ul_min: NonNegative | None = Field(
        default=None, le=100_000, description="Leak at 10 MPa of oil; None: unknown to the board."
    )
    leak_uncertainty_ul_min: NonNegative | None = Field(
        default=None, le=100_000, description="Its expanded uncertainty, k = 2."
    )
    tuning_residual_percent: NonNegative | None = Field(
        default=None,
        le=100,
        description="Share of the pumped volume that tuning did not explain; None: not tuned.",
    )
    calibration_result: Literal["passed", "failed"] | None = Field(
        default=None,
        description="How the last calibration ended; all of calibration_... or none; None: never "
        "calibrated.",
    )
    calibration_date: Annotated[str, AfterValidator(iso_day)] | None = Field(
        default=None, description="Day of the calibration, such as 2026-11-28."
    )
    calibration_due: Annotated[str, AfterValidator(iso_day)] | None = Field(
        default=None, description="Day from which on it is overdue."
    )
    calibration_error_percent: NonNegative | None = Field(
        default=None, le=100, description="Largest error that it left, of the reading."
    )
    calibration_uncertainty_percent: NonNegative | None = Field(
        default=None, le=100, description="Expanded uncertainty (k = 2) after it, of the reading."
    )
    calibration_uncertainty_n: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(
        default=None, description="The same without load, N."
    )
    calibration_reference: Annotated[str, AfterValidator(reference_fits)] | None = Field(
        default=None,
        min_length=1,
        max_length=23,
        description="Certificate of the reference, 23 letters at most.",
    )
    calibration_up_to_kn: Positive | None = Field(
        default=None, ge=0.001, le=100_000, description="Largest force of the calibration, kN."
    )

    def replacing(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values of a machine profile, replaced by those that were measured."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        known = {name: value for name, value in found.items() if value is not None}
        return values | {name: None if value == UNKNOWN else value for name, value in known.items()}
