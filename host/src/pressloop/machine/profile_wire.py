"""Convert the machine profile between the units of data sheets and the integers of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from pressloop.machine import part_codes
from pressloop.wire import schema


class _Conversion(NamedTuple):
    """Names one field on both sides; its wire value is the profile's value * `times` / `per`."""

    name: str
    wire_name: str
    times: int
    per: int = 1

    def to_wire(self, value: float) -> int:
        return round(value * self.times / self.per)

    def from_wire(self, count: int) -> float:
        return count * self.per / self.times


class _Day(_Conversion):
    """Names a field that is a day; its wire value counts days."""

    def to_wire(self, value: Any) -> int:
        return date.fromisoformat(value).toordinal() - _FIRST_DAY

    def from_wire(self, count: int) -> Any:
        return day_of(count)


class _Result(_Conversion):
    """Names the field with the result of the calibration."""

    def to_wire(self, value: Any) -> int:
        return schema.CalibrationResult[value.upper()]

    def from_wire(self, count: int) -> Any:
        return schema.CalibrationResult(count).name.lower()


_FIRST_DAY: Final = date(1970, 1, 1).toordinal()


def day_of(count: int) -> str:
    """Return a day of the wire, which counts from 1970-01-01, such as `2026-11-28`."""
    return date.fromordinal(_FIRST_DAY + count).isoformat()


_CONVERSIONS: Final = (
    _Conversion("ram_area_cm2", "ram_area_mm2", 100),
    _Conversion("full_scale_bar", "full_scale_oil_kpa", 100),
    _Conversion("accuracy_percent", "accuracy_ppm", 10_000),
    _Conversion("max_oil_bar", "max_oil_kpa", 100),
    _Conversion("dies_mm", "dies_um", 1000),
    _Conversion("pump_dead_band_percent", "pump_dead_band", schema.OUTPUT_FULL, 100),
    _Conversion("release_dead_band_percent", "release_dead_band", schema.OUTPUT_FULL, 100),
    _Conversion("pump_flow_ml_s", "pump_flow_ul_s", 1000),
    _Conversion("release_flow_ml_s", "release_flow_ul_s", 1000),
    _Conversion("compliance_ul_mpa", "compliance_nl_mpa", 1000),
    _Conversion("compliance_curve_ul_mpa", "compliance_curve", 1000),
    _Conversion("approach_opening_percent", "approach_opening", schema.OUTPUT_FULL, 100),
    _Conversion("contact_bar", "contact_oil_kpa", 100),
    _Conversion("approach_timeout_s", "approach_timeout_ms", 1000),
    _Conversion("approach_mm", "approach_um", 1000),
    _Conversion("stroke_mm", "stroke_um", 1000),
    _Conversion("no_gain_window_s", "no_gain_window_ms", 1000),
    _Conversion("kp_per_s", "kp", 256),
    # The board adds the integral once per tick.
    _Conversion("ki_per_s2", "ki", 65536, schema.TICK_HZ),
    _Conversion("kd", "kd", 256),
    _Conversion("valve_dither_percent", "valve_dither", schema.OUTPUT_FULL, 100),
    _Conversion("leak_ul_min", "leak_nl_min", 1000),
    _Conversion("leak_uncertainty_ul_min", "leak_uncertainty_nl_min", 1000),
    _Conversion("raw_zero_fraction", "raw_zero_fraction", 256),
    _Conversion("ram_area_uncertainty_percent", "ram_area_uncertainty_ppm", 10_000),
    _Conversion("repeatability_percent", "repeatability_ppm", 10_000),
    _Conversion("return_bar", "return_oil_kpa", 100),
    _Conversion("friction_percent", "friction_ppm", 10_000),
    _Conversion("friction_uncertainty_percent", "friction_uncertainty_ppm", 10_000),
    _Conversion("load_cell_capacity_kn", "load_cell_capacity_n", 1000),
    _Conversion("load_cell_error_percent", "load_cell_error_ppm", 10_000),
    _Conversion("zero_drift_percent", "zero_drift_ppm", 10_000),
    _Conversion("tuning_residual_percent", "tuning_residual_ppm", 10_000),
    _Conversion("second_full_scale_bar", "second_full_scale_oil_kpa", 100),
    _Conversion("second_accuracy_percent", "second_accuracy_ppm", 10_000),
    _Conversion("channel_friction_percent", "channel_friction_ppm", 10_000),
    _Conversion("channel_noise_percent", "channel_noise_ppm", 10_000),
    _Conversion("single_channel_bar", "single_channel_oil_kpa", 100),
    _Conversion("die_loads_kn", "die_loads_n", 1000),
    _Result("calibration_result", "calibration_result", 1),
    _Day("calibration_date", "calibration_day", 1),
    _Day("calibration_due", "calibration_due_day", 1),
    _Conversion("calibration_error_percent", "calibration_error_ppm", 10_000),
    _Conversion("calibration_uncertainty_percent", "calibration_uncertainty_ppm", 10_000),
    _Conversion("calibration_up_to_kn", "calibration_up_to_n", 1000),
)

_UNCONVERTED: Final = (
    "name",
    "raw_zero",
    "raw_full",
    "raw_fault_low",
    "raw_fault_high",
    "filter_shift",
    "valve_lag_ms",
    "die_uncertainty_um",
    "friction_n",
    "second_raw_zero",
    "second_raw_full",
    "second_raw_fault_low",
    "second_raw_fault_high",
    "channel_lag_ms",
    "load_cell_zero",
    "load_cell_full",
    "load_cell_lag_ms",
    "calibration_uncertainty_n",
    "calibration_reference",
    "commissioned_day",
    "hold_to_run",
    "lid_switch",
)
"""Fields with the same name and the same unit on both sides."""


_BY_NAME: Final = {conversion.name: conversion for conversion in _CONVERSIONS}


def stored(name: str, value: Any) -> Any:
    """Return what the board stores for one value; None stays None.

    Args:
        name: Field of `MachineProfile`.
        value: Its value, or one of its values if it has several.
    """
    conversion = _BY_NAME.get(name)
    if isinstance(value, tuple | list):
        return tuple(stored(name, item) for item in value)
    return value if conversion is None or value is None else conversion.to_wire(value)


def shortest(name: str, value: Any) -> Any:
    """Return the number with the fewest digits that the board stores as the same integer.

    Args:
        name: Field of `MachineProfile`.
        value: Its value; each of several becomes the shortest.
    """
    if isinstance(value, tuple | list):
        return [shortest(name, item) for item in value]
    if not isinstance(value, float):
        return value
    for digits in range(1, 17):
        short = float(f"{value:.{digits}g}")
        if stored(name, short) == stored(name, value):
            return int(short) if short.is_integer() else short
    return value


def wire_fields(profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the wire's profile, rounded to its integers.

    Args:
        profile: Fields by the names of `MachineProfile`; None where the value is unknown.
    """
    fields: dict[str, Any] = {name: profile[name] for name in _UNCONVERTED}
    for conversion in _CONVERSIONS:
        value = profile[conversion.name]
        if isinstance(value, tuple):
            fields[conversion.wire_name] = tuple(conversion.to_wire(item) for item in value)
        else:
            fields[conversion.wire_name] = None if value is None else conversion.to_wire(value)
    fields["parts"] = part_codes.packed(profile)
    return fields


def profile_fields(wire: schema.Profile) -> dict[str, Any]:
    """Return the fields of a `MachineProfile`; None where the board's profile has no value."""
    fields: dict[str, Any] = {name: getattr(wire, name) for name in _UNCONVERTED}
    for conversion in _CONVERSIONS:
        count = getattr(wire, conversion.wire_name)
        if isinstance(count, tuple | list):
            fields[conversion.name] = tuple(conversion.from_wire(item) for item in count)
        else:
            fields[conversion.name] = None if count is None else conversion.from_wire(count)
    return fields | part_codes.unpacked(wire.parts)
