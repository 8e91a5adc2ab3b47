"""Find what the board would refuse in a machine profile, with the board's own integers.

The checks are those of `pressloop_fw/service/profile_store.py`, in the same order and on the same
rounded values: a profile that passes here is stored by the board. tests/property hold both equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pressloop.machine.die_limits import DieLimits, die_area_um2, die_limits
from pressloop.wire import schema

_MAX_PELLET_KPA: Final = 2_000_000
_MAX_RISE_KPA_S: Final = 8_000_000
_MAX_FALL_KPA_S: Final = 80_000_000
_MAX_REFERENCE_KPA: Final = (1 << 21) - 1
_MAX_PER_COUNT: Final = (1 << 13) - 1
_MAX_CELL_GPA: Final = 16
_BORE_UM2: Final = 1_000_000
"""Largest values with which all products in the board's tick are small integers."""


_SECOND_CHANNEL: Final = {
    "second_full_scale_oil_kpa": "second_full_scale_bar",
    "second_raw_zero": "second_raw_zero",
    "second_raw_full": "second_raw_full",
    "second_raw_fault_low": "second_raw_fault_low",
    "second_raw_fault_high": "second_raw_fault_high",
    "second_accuracy_ppm": "second_accuracy_percent",
}
"""Fields of the wire that make a second channel, in the board's order, and the profile's."""

_OF_A_RAM: Final = (
    ("load_cell_capacity_n", "load_cell_capacity_kn", "place for a load cell"),
    ("friction_uncertainty_ppm", "friction_uncertainty_percent", "ram with seals that rub"),
    ("friction_ppm", "friction_percent", "ram with seals that rub"),
    ("friction_n", "friction_n", "ram with seals that rub"),
    ("ram_area_uncertainty_ppm", "ram_area_uncertainty_percent", "ram with an area of its own"),
    ("stroke_um", "stroke_mm", "ram with a stroke"),
    ("die_loads_n", "die_loads_kn", "die with a load limit"),
)
"""What the profile of a vessel cannot hold, in the board's order: fields, and what it has not."""


@dataclass(frozen=True)
class Contradiction:
    """A field of a machine profile that contradicts another one.

    Attributes:
        field: Name of the field in `MachineProfile`.
        wire_field: Name of the field that the board names in its refusal.
        message: What contradicts what.
        hint: What to change.
    """

    field: str
    wire_field: str
    message: str
    hint: str


def find_contradiction(
    wire: schema.Profile, profile: Mapping[str, Any], dies: Mapping[int, float]
) -> Contradiction | None:
    """Return the first contradiction that the board would find; None without one.

    Args:
        wire: The profile as the board gets it.
        profile: The same by the names of `MachineProfile`, for messages.
        dies: Diameter in mm by diameter in um.
    """
    for wire_field, field, wrong, message, hint in _pairs(wire, profile):
        if wrong:
            return Contradiction(field, wire_field, message, hint)
    for die_um in wire.dies_um:
        misfit = _misfit(die_limits(wire, die_um))
        if misfit is not None:
            name, said, limit = misfit
            return Contradiction(
                "dies_mm",
                "dies_um",
                f"with a {dies[die_um]:g} mm die {name} is {said}, and the board computes {limit}",
                "remove this die, or correct the data of ram, transducer, valves or limits",
            )
    return _second_channel(wire)


def _second_channel(wire: schema.Profile) -> Contradiction | None:
    """Return what contradicts in the second pressure channel; None without it, too."""
    missing = [name for name in _SECOND_CHANNEL if getattr(wire, name) is None]
    if len(missing) == len(_SECOND_CHANNEL):
        return None
    if missing:
        field = _SECOND_CHANNEL[missing[0]]
        return Contradiction(
            field,
            missing[0],
            f"{field} is missing",
            f"a second pressure channel needs all of {', '.join(_SECOND_CHANNEL.values())}",
        )
    full, zero = wire.second_raw_full or 0, wire.second_raw_zero or 0
    full_scale = wire.second_full_scale_oil_kpa or 0
    rising = "second_raw_fault_low, _zero, _full and _fault_high must rise in this order"
    counts = "correct the counts; they follow from the transducer's wiring"
    for name, wrong, message, hint in (
        (
            "second_full_scale_oil_kpa",
            full_scale < wire.max_oil_kpa,
            f"second_full_scale_bar ({full_scale / 100:g}) is below max_oil_bar "
            f"({wire.max_oil_kpa / 100:g}): the second channel could not see the limit",
            "lower max_oil_bar, or use a second transducer with a larger range",
        ),
        ("second_raw_full", full <= zero, rising, counts),
        ("second_raw_fault_low", (wire.second_raw_fault_low or 0) >= zero, rising, counts),
        ("second_raw_fault_high", (wire.second_raw_fault_high or 0) <= full, rising, counts),
    ):
        if wrong:
            return Contradiction(_SECOND_CHANNEL[name], name, message, hint)
    ratio_q10 = die_limits(wire, min(wire.dies_um)).ratio_q10
    if full_scale * ratio_q10 * 16 // (1024 * (full - zero)) > _MAX_PER_COUNT:
        return Contradiction(
            "second_raw_full",
            "second_raw_full",
            "one count of the second transducer is more pressure than the board computes",
            "use a converter with more counts for the range of the second transducer",
        )
    return None


def _pairs(
    wire: schema.Profile, profile: Mapping[str, Any]
) -> tuple[tuple[str, str, bool, str, str], ...]:
    """Return wire field, field, whether it is wrong, message and hint of each check of a pair."""
    rising = "raw_fault_low, raw_zero, raw_full and raw_fault_high must rise in this order"
    counts = "correct the counts; they follow from the transducer's wiring"
    half = schema.OUTPUT_FULL // 2

    def dead_band(name: str) -> tuple[str, str, bool, str, str]:
        return (
            name,
            f"{name}_percent",
            getattr(wire, name) > half,
            f"{name}_percent ({profile[f'{name}_percent']:g}) is above half of the stroke",
            "write a dead band below 50 %",
        )

    return (
        ("raw_full", "raw_full", wire.raw_full <= wire.raw_zero, rising, counts),
        ("raw_fault_low", "raw_fault_low", wire.raw_fault_low >= wire.raw_zero, rising, counts),
        ("raw_fault_high", "raw_fault_high", wire.raw_fault_high <= wire.raw_full, rising, counts),
        (
            "max_oil_kpa",
            "max_oil_bar",
            wire.max_oil_kpa > wire.full_scale_oil_kpa,
            f"max_oil_bar ({profile['max_oil_bar']:g}) is above full_scale_bar "
            f"({profile['full_scale_bar']:g}): the controller could not see the limit",
            "lower max_oil_bar, or use a transducer with a larger range",
        ),
        dead_band("pump_dead_band"),
        dead_band("release_dead_band"),
        (
            "approach_opening",
            "approach_opening_percent",
            wire.approach_opening <= wire.pump_dead_band,
            f"approach_opening_percent ({profile['approach_opening_percent']:g}) must be above "
            f"pump_dead_band_percent ({profile['pump_dead_band_percent']:g}), or the ram would "
            "never move",
            "raise approach_opening_percent",
        ),
        (
            "contact_oil_kpa",
            "contact_bar",
            wire.contact_oil_kpa * 4 > wire.max_oil_kpa,
            f"contact_bar ({profile['contact_bar']:g}) must be at most a quarter of max_oil_bar "
            f"({profile['max_oil_bar']:g})",
            "lower contact_bar",
        ),
        (
            "kp",
            "kp_per_s",
            wire.kp == 0,
            f"kp_per_s ({profile['kp_per_s']:g}) is zero in the board's steps of 1/256",
            "write a larger gain",
        ),
        (
            "leak_uncertainty_nl_min",
            "leak_uncertainty_ul_min",
            (wire.leak_nl_min is None) != (wire.leak_uncertainty_nl_min is None),
            "leak_ul_min and leak_uncertainty_ul_min belong together",
            "give both, or none",
        ),
        (
            "die_loads_n",
            "die_loads_kn",
            wire.die_loads_n is not None and len(wire.die_loads_n) != len(wire.dies_um),
            f"die_loads_kn has {len(wire.die_loads_n or ())} loads for {len(wire.dies_um)} dies",
            "give one load for each die, 0 where it is not known",
        ),
        (
            "friction_uncertainty_ppm",
            "friction_uncertainty_percent",
            wire.friction_uncertainty_ppm is not None
            and (wire.friction_ppm is None or wire.friction_n is None),
            "friction_uncertainty_percent needs friction_percent and friction_n",
            "give all three, or leave friction_uncertainty_percent out",
        ),
        *_vessel(wire),
        *_calibration(wire),
        *_load_cell(wire),
    )


def _vessel(wire: schema.Profile) -> tuple[tuple[str, str, bool, str, str], ...]:
    """Return the checks of an isostatic vessel, as `_pairs` does."""
    vessel = wire.lid_switch is not None
    return (
        (
            "dies_um",
            "dies_mm",
            vessel and len(wire.dies_um) != 1,
            f"an isostatic vessel has one bore, and dies_mm has {len(wire.dies_um)} values",
            "give the bore of the vessel alone",
        ),
        (
            "ram_area_mm2",
            "ram_area_cm2",
            vessel
            and abs(wire.ram_area_mm2 * 1_000_000 - die_area_um2(wire.dies_um[0])) > _BORE_UM2,
            f"ram_area_cm2 ({wire.ram_area_mm2 / 100:g}) is not the area of the vessel's bore",
            "give the area of the bore",
        ),
        *(
            (
                wire_field,
                field,
                vessel and getattr(wire, wire_field) is not None,
                f"an isostatic vessel has no {part}",
                f"remove {field}",
            )
            for wire_field, field, part in _OF_A_RAM
        ),
    )


def _calibration(wire: schema.Profile) -> tuple[tuple[str, str, bool, str, str], ...]:
    """Return the checks of the calibration, as `_pairs` does."""
    parts = (
        wire.calibration_result or None,
        wire.calibration_day,
        wire.calibration_due_day,
        wire.calibration_error_ppm,
        wire.calibration_uncertainty_ppm,
        wire.calibration_uncertainty_n,
        wire.calibration_reference,
        wire.calibration_up_to_n,
    )
    given = sum(part is not None for part in parts)
    day, due = wire.calibration_day, wire.calibration_due_day
    return (
        (
            "calibration_result",
            "calibration_result",
            0 < given < len(parts) or wire.calibration_result == 0,
            "the values of a calibration belong together",
            "give all of calibration_result, _date, _due, _error_percent, _uncertainty_percent, "
            "_uncertainty_n, _reference and _up_to_kn, or none",
        ),
        (
            "calibration_due_day",
            "calibration_due",
            day is not None and due is not None and due < day,
            "calibration_due is before calibration_date",
            "correct the days",
        ),
    )


def _load_cell(wire: schema.Profile) -> tuple[tuple[str, str, bool, str, str], ...]:
    """Return the checks of the load cell, as `_pairs` does."""
    capacity_n, zero, full = wire.load_cell_capacity_n, wire.load_cell_zero, wire.load_cell_full
    parts = (capacity_n, wire.load_cell_error_ppm, zero, full)
    given = sum(part is not None for part in parts)
    smallest_um2 = min(wire.dies_um) ** 2 * 355 // 452
    return (
        (
            "load_cell_capacity_n",
            "load_cell_capacity_kn",
            0 < given < len(parts),
            "load_cell_capacity_kn, load_cell_error_percent, load_cell_zero and load_cell_full "
            "belong together",
            "give all four, or none",
        ),
        (
            "load_cell_full",
            "load_cell_full",
            zero is not None and full is not None and full <= zero,
            f"load_cell_full ({full}) must be above load_cell_zero ({zero})",
            "swap the signal wires of the cell if its reading falls under load",
        ),
        (
            "load_cell_capacity_n",
            "load_cell_capacity_kn",
            capacity_n is not None and capacity_n * 1000 > _MAX_CELL_GPA * smallest_um2,
            f"load_cell_capacity_kn on the smallest die is above {_MAX_CELL_GPA} GPa",
            "correct the capacity, or remove the die",
        ),
    )


def _misfit(limits: DieLimits) -> tuple[str, str, str] | None:
    """Return why the board cannot compute with a die in small integers (`Scaling.fits`).

    Returns:
        Name of the quantity, its value, and what the board computes; None if all fit.
    """
    reference_kpa = 10_000 * limits.ratio_q10 // 1024
    if limits.per_count > _MAX_PER_COUNT:
        # Readings are in 1/16 kPa.
        step_mpa, most_mpa = limits.per_count / 16_000, _MAX_PER_COUNT / 16_000
        return "one count of the transducer", f"{step_mpa:.4g} MPa", f"up to {most_mpa:.3g} MPa"
    for name, value, most, unit in (
        ("max_oil_bar", limits.pellet_limit_kpa, _MAX_PELLET_KPA, "MPa on the pellet"),
        ("the fastest rise", limits.fastest_rise_kpa_s, _MAX_RISE_KPA_S, "MPa/s"),
        ("the fastest release", limits.fastest_fall_kpa_s, _MAX_FALL_KPA_S, "MPa/s"),
    ):
        if not 0 < value <= most:
            return name, f"{value / 1000:g} {unit}", f"0.001 to {most / 1000:g} {unit}"
    if reference_kpa > _MAX_REFERENCE_KPA:
        return (
            "an oil pressure of 10 MPa",
            f"{reference_kpa / 1000:g} MPa on the pellet",
            f"up to {_MAX_REFERENCE_KPA / 1000:g} MPa",
        )
    return None
