"""Where a press file holds each value of the machine profile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from pressloop.findings import KeyPath

DATA_SHEET: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("name",),
    "ram_area_cm2": ("ram", "area_cm2"),
    "stroke_mm": ("ram", "stroke_mm"),
    "ram_area_uncertainty_percent": ("ram", "area_uncertainty_percent"),
    "friction_percent": ("ram", "friction_percent"),
    "friction_n": ("ram", "friction_n"),
    "friction_uncertainty_percent": ("ram", "friction_uncertainty_percent"),
    "dies_mm": ("dies_mm",),
    "die_uncertainty_um": ("die_uncertainty_um",),
    "die_loads_kn": ("die_loads_kn",),
    "full_scale_bar": ("transducer", "full_scale_bar"),
    "accuracy_percent": ("transducer", "accuracy_percent"),
    "repeatability_percent": ("transducer", "repeatability_percent"),
    "zero_drift_percent": ("transducer", "zero_drift_percent"),
    "second_full_scale_bar": ("second_transducer", "full_scale_bar"),
    "second_accuracy_percent": ("second_transducer", "accuracy_percent"),
    "channel_lag_ms": ("second_transducer", "channel_lag_ms"),
    "channel_friction_percent": ("second_transducer", "channel_friction_percent"),
    "channel_noise_percent": ("second_transducer", "channel_noise_percent"),
    "max_oil_bar": ("limits", "max_oil_bar"),
    "single_channel_bar": ("limits", "single_channel_bar"),
    "pump_flow_ml_s": ("pump", "flow_ml_s"),
    "pump_dead_band_percent": ("pump", "dead_band_percent"),
    "release_flow_ml_s": ("release", "flow_ml_s_at_10_mpa"),
    "release_dead_band_percent": ("release", "dead_band_percent"),
    "approach_opening_percent": ("controller", "approach_opening_percent"),
    "contact_bar": ("controller", "contact_bar"),
    "approach_timeout_s": ("controller", "approach_timeout_s"),
    "hold_to_run": ("controller", "hold_to_run"),
    "no_gain_window_s": ("controller", "no_gain_window_s"),
    "kp_per_s": ("controller", "kp_per_s"),
    "ki_per_s2": ("controller", "ki_per_s2"),
    "kd": ("controller", "kd"),
    "filter_shift": ("controller", "filter_shift"),
    "transducer_signal": ("transducer", "signal"),
    "transducer_converter": ("transducer", "converter"),
    "second_signal": ("second_transducer", "signal"),
    "second_converter": ("second_transducer", "converter"),
    "load_cell_converter": ("load_cell", "converter"),
    "pump_drive": ("pump", "drive"),
    "release_drive": ("release", "drive"),
    "auxiliary_sensor": ("controller", "auxiliary"),
    "lid_switch": ("vessel", "lid_switch"),
}
"""Values that are the same number in the same unit on both sides."""

_DERIVED: Final[Mapping[str, tuple[str, ...]]] = {
    # The counts at zero and at full scale contain the reading of the travelling ram.
    "raw_zero": ("ram", "return_force_n"),
    "raw_full": ("ram", "return_force_n"),
    "raw_fault_low": ("ram", "return_force_n"),
    "raw_fault_high": ("ram", "return_force_n"),
    "load_cell_capacity_kn": ("load_cell", "capacity_kn"),
    "load_cell_error_percent": ("load_cell", "accuracy_percent"),
    "load_cell_zero": ("load_cell", "capacity_kn"),
    "load_cell_full": ("load_cell", "capacity_kn"),
    "load_cell_lag_ms": ("load_cell", "lag_ms"),
    "second_raw_zero": ("ram", "return_force_n"),
    "second_raw_full": ("ram", "return_force_n"),
    "second_raw_fault_low": ("ram", "return_force_n"),
    "second_raw_fault_high": ("ram", "return_force_n"),
    "return_bar": ("ram", "return_force_n"),
    "approach_mm": ("ram", "approach_gap_mm"),
    "compliance_ul_mpa": ("frame", "stiffness_kn_mm"),
    "valve_dither_percent": ("valves", "hysteresis_percent"),
    "valve_lag_ms": ("valves", "lag_ms"),
}
"""Values that follow from several numbers of the data sheet; the one to look at first."""


_COUNTS: Final = ("raw_full", "raw_zero", "raw_fault_low", "raw_fault_high")
_CHANNELS: Final = (_COUNTS, tuple(f"second_{name}" for name in _COUNTS))
"""Counts of each channel, which contradict each other: the board names one of them."""


def place_of(name: str, measured: Collection[str]) -> KeyPath:
    """Return the place in a press file of a value of the machine profile.

    Args:
        name: Field of `MachineProfile`.
        measured: Fields that the file has in its section `measured`.
    """
    together = next((names for names in _CHANNELS if name in names), ())
    for candidate in (name, *together):
        if candidate in measured:
            return ("measured", candidate)
    return DATA_SHEET.get(name) or _DERIVED.get(name) or ()
