"""The machine profile in the units of data sheets and in the integers of the wire: both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pressloop.wire import schema


class _Unit(NamedTuple):
    """What a field is called and how it is counted on the wire: `times / per` for one of ours."""

    ours: str
    wire: str
    times: int
    per: int = 1


_UNITS: Final = (
    _Unit("ram_area_cm2", "ram_area_mm2", 100),
    _Unit("full_scale_bar", "full_scale_oil_kpa", 100),
    _Unit("accuracy_percent", "accuracy_ppm", 10_000),
    _Unit("max_oil_bar", "max_oil_kpa", 100),
    _Unit("dies_mm", "dies_um", 1000),
    _Unit("pump_dead_band_percent", "pump_dead_band", schema.OUTPUT_FULL, 100),
    _Unit("release_dead_band_percent", "release_dead_band", schema.OUTPUT_FULL, 100),
    _Unit("pump_flow_ml_s", "pump_flow_ul_s", 1000),
    _Unit("release_flow_ml_s", "release_flow_ul_s", 1000),
    _Unit("compliance_ul_mpa", "compliance_nl_mpa", 1000),
    _Unit("compliance_curve_ul_mpa", "compliance_curve", 1000),
    _Unit("approach_opening_percent", "approach_opening", schema.OUTPUT_FULL, 100),
    _Unit("contact_bar", "contact_oil_kpa", 100),
    _Unit("approach_timeout_s", "approach_timeout_ms", 1000),
    _Unit("no_gain_window_s", "no_gain_window_ms", 1000),
    _Unit("kp_per_s", "kp", 256),
    # The board adds the integral once per tick.
    _Unit("ki_per_s2", "ki", 65536, schema.TICK_HZ),
    _Unit("kd", "kd", 256),
    _Unit("valve_dither_percent", "valve_dither", schema.OUTPUT_FULL, 100),
    _Unit("leak_ul_min", "leak_nl_min", 1000),
    _Unit("leak_uncertainty_ul_min", "leak_uncertainty_nl_min", 1000),
    _Unit("raw_zero_fraction", "raw_zero_fraction", 256),
    _Unit("ram_area_uncertainty_percent", "ram_area_uncertainty_ppm", 10_000),
    _Unit("repeatability_percent", "repeatability_ppm", 10_000),
    _Unit("tuning_residual_percent", "tuning_residual_ppm", 10_000),
)

_SAME: Final = (
    "name",
    "raw_zero",
    "raw_full",
    "raw_fault_low",
    "raw_fault_high",
    "filter_shift",
    "valve_lag_ms",
    "die_uncertainty_um",
)
"""What both call alike and count alike."""


def wire_fields(ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the wire's profile, rounded to its integers.

    Args:
        ours: By the names of `MachineProfile`; None where nothing is known.
    """
    fields: dict[str, Any] = {name: ours[name] for name in _SAME}
    for unit in _UNITS:
        value = ours[unit.ours]
        if isinstance(value, tuple):
            fields[unit.wire] = tuple(round(item * unit.times / unit.per) for item in value)
        else:
            fields[unit.wire] = None if value is None else round(value * unit.times / unit.per)
    return fields


def our_fields(wire: schema.Profile) -> dict[str, Any]:
    """Return the fields of a `MachineProfile` from a board; None where it says nothing."""
    fields: dict[str, Any] = {name: getattr(wire, name) for name in _SAME}
    for unit in _UNITS:
        counts = getattr(wire, unit.wire)
        if isinstance(counts, tuple | list):
            fields[unit.ours] = tuple(item * unit.per / unit.times for item in counts)
        else:
            fields[unit.ours] = None if counts is None else counts * unit.per / unit.times
    return fields
