"""Splits the keys of files into a name and a unit: `max_oil_bar` is "max oil" in "bar"."""

from __future__ import annotations

import re
from typing import Final

# An ending that contains a shorter one comes before it.
_UNITS: Final = {
    "ml_s": "mL/s",
    "ul_mpa": "uL/MPa",
    "ul_min": "uL/min",
    "um_mpa": "um/MPa",
    "mpa_min": "MPa/min",
    "kpa_min": "kPa/min",
    "mpa_s": "MPa/s",
    "g_cm3": "g/cm3",
    "per_s2": "/s2",
    "per_s": "/s",
    "time_second": "s",
    "percent": "%",
    "mpa": "MPa",
    "kpa": "kPa",
    "bar": "bar",
    "cm2": "cm2",
    "mm": "mm",
    "um": "um",
    "kn": "kN",
    "mg": "mg",
    "ms": "ms",
    "hz": "Hz",
    "s": "s",
    "n": "N",
    "c": "°C",
}


_OTHER_WORDS: Final = {
    "hold_within_half_percent": "hold within 0.5 % of target",
    "half_percent": "records within 0.5 % of target",
    "commissioned_day": "commissioned",
}
"""Keys without a unit that end like one or need other words: a share, a count, a day."""

_UNIT_BEFORE: Final = re.compile(
    r"(?P<name>.+)_(?P<unit>mpa|mm|um)_(?P<what>(?:reading_)?uncertainty|repeatability)"
)
"""Keys such as `mean_mpa_uncertainty`, whose unit is that of the value they belong to."""


def name_and_unit(key: str) -> tuple[str, str]:
    """Split a key such as `max_oil_bar` into its name, "max oil", and its unit, "bar"."""
    if key in _OTHER_WORDS:
        return _OTHER_WORDS[key], ""
    inside = _UNIT_BEFORE.fullmatch(key)
    if inside is not None:
        return f"{inside['name']} {inside['what']}".replace("_", " "), _UNITS[inside["unit"]]
    for ending, unit in _UNITS.items():
        if key.endswith(f"_{ending}"):
            name = key.removesuffix(f"_{ending}")
            name += " time" if ending == "time_second" else ""
            return name.replace("_", " "), unit
    return key.replace("_", " "), ""


def heading(key: str) -> str:
    """Return a key as the heading of a column: `pressure_mpa` is "pressure / MPa"."""
    name, unit = name_and_unit(key)
    if "/" in unit:
        unit = f"({unit})"
    return f"{name} / {unit}" if unit else name
