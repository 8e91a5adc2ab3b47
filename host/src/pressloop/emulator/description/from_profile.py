"""Write the machine profile of a board as a press file; reading it gives an equal profile.

The data sheet of the profile has its keys in the file. What a profile knows only as a sum, such as
the compliance of oil and frame together, is split as on the reference press: the emulated press
then behaves like the real one. What the data sheet of the file does not give to the last integer
of the board goes into the section `measured`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pressloop_sim.plant.water import MODULUS_MPA as WATER_MODULUS_MPA

from pressloop.emulator.description.hydraulics import FrameSection, OilSection, ValvesSection
from pressloop.emulator.description.measured import UNKNOWN, MeasuredSection
from pressloop.emulator.description.places import DATA_SHEET
from pressloop.emulator.description.press import DITHER_OF_HYSTERESIS, PressDescription
from pressloop.machine.profile import MachineProfile
from pressloop.machine.profile_wire import shortest, stored
from pressloop.yaml.write import yaml_text

_HEADER = """\
# {title}
# Check it: pressloop machine check FILE. Store it on a board: pressloop machine write FILE.
# `oil`, `frame` and `valves` are estimates for the emulated press: a board knows only their sums.
# Keys: docs/press-file.md.

"""
_DIGITS = 4
"""Of an estimate."""

_OF_A_RAM = ("ram_area_cm2", "dies_mm", "die_loads_kn")
"""What a vessel states by its bore."""


def press_data(profile: MachineProfile) -> dict[str, Any]:
    """Return a press file as plain data, from which `PressDescription` makes an equal profile."""
    data: dict[str, Any] = {}
    for name, path in DATA_SHEET.items():
        value = getattr(profile, name)
        if value is not None and not (profile.is_vessel and name in _OF_A_RAM):
            _put(data, path, shortest(name, value))
    if profile.second_full_scale_bar is None:
        _put(data, ("second_transducer", "fitted"), False)
    if profile.converter is not None and profile.transducer_converter is None:
        _put(data, ("transducer", "converter"), profile.converter)
    if profile.load_cell_capacity_kn is not None:
        for key, name in (
            ("capacity_kn", "load_cell_capacity_kn"),
            ("accuracy_percent", "load_cell_error_percent"),
        ):
            _put(data, ("load_cell", key), shortest(name, getattr(profile, name)))
    for path, estimate in _estimates(profile).items():
        _put(data, path, estimate)
    measured = _measured(profile, PressDescription.model_validate(data))
    return data | {"measured": measured} if measured else data


def press_text(profile: MachineProfile, title: str) -> str:
    """Return a press file as YAML text; `title` is the first line of its comment."""
    return _HEADER.format(title=title) + yaml_text(press_data(profile))


def _measured(profile: MachineProfile, press: PressDescription) -> dict[str, Any]:
    """Return the values that the data sheet of a press gives differently, or not at all."""
    sheet = press.data_sheet()
    measured: dict[str, Any] = {}
    for name in MeasuredSection.model_fields:
        value = getattr(profile, name)
        if stored(name, value) != stored(name, sheet[name]):
            measured[name] = UNKNOWN if value is None else shortest(name, value)
    return measured


def _estimates(profile: MachineProfile) -> dict[tuple[str, ...], float]:
    """Return what only the emulated press needs, as far as the profile says something of it."""
    oil, frame, valves = OilSection(), FrameSection(), ValvesSection()
    if profile.is_vessel:
        bore: dict[tuple[str, ...], float] = {
            ("vessel", "bore_mm"): shortest("dies_mm", profile.dies_mm)[0],
            ("vessel", "volume_ml"): min(
                _rounded("compliance_ul_mpa", profile.compliance_ul_mpa, WATER_MODULUS_MPA / 1000),
                10_000,
            ),
        }
        return bore | _valves(profile, valves)
    area_mm2 = profile.ram_area_cm2 * 100
    share = profile.compliance_ul_mpa / (
        oil.volume_ml / oil.bulk_modulus_gpa + area_mm2**2 / (frame.stiffness_kn_mm * 1000)
    )
    estimates: dict[tuple[str, ...], float] = {
        ("oil", "volume_ml"): float(f"{oil.volume_ml * share:.{_DIGITS}g}"),
        ("frame", "stiffness_kn_mm"): float(f"{frame.stiffness_kn_mm / share:.{_DIGITS}g}"),
        **_valves(profile, valves),
    }
    if profile.return_bar:
        force = _rounded("return_bar", profile.return_bar, area_mm2 / 10)
        estimates["ram", "return_force_n"] = force
    if profile.approach_mm is not None:
        estimates["ram", "approach_gap_mm"] = shortest("approach_mm", profile.approach_mm)
    if profile.leak_ul_min is not None:
        estimates["leak", "ul_min_at_10_mpa"] = shortest("leak_ul_min", profile.leak_ul_min)
    return {path: min(value, _MOST.get(path, value)) for path, value in estimates.items()}


def _valves(profile: MachineProfile, valves: ValvesSection) -> dict[tuple[str, ...], float]:
    """Return what the emulated valves need of lag and dither."""
    delay_ms = min(valves.delay_ms, max(0, profile.valve_lag_ms - 1))
    dither = profile.valve_dither_percent
    return {
        ("valves", "hysteresis_percent"): _rounded(
            "valve_dither_percent", dither, 1 / DITHER_OF_HYSTERESIS
        ),
        ("valves", "delay_ms"): delay_ms,
        ("valves", "lag_ms"): max(1, profile.valve_lag_ms - delay_ms),
    }


def _rounded(name: str, value: float, factor: float) -> float:
    """Return `value` times `factor` with the fewest digits that give the same stored value."""
    for digits in range(1, 17):
        short = float(f"{value * factor:.{digits}g}")
        if stored(name, short / factor) == stored(name, value):
            return short
    return value * factor


_MOST: Mapping[tuple[str, ...], float] = {
    ("oil", "volume_ml"): 10_000,
    ("frame", "stiffness_kn_mm"): 10_000,
    ("ram", "return_force_n"): 20_000,
}
"""Largest values that a press file takes."""


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *sections, key = path
    for section in sections:
        data = data.setdefault(section, {})
    data[key] = int(value) if isinstance(value, float) and value.is_integer() else value
