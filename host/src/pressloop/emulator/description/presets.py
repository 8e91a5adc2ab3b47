"""Presses and powders by name, with the source of every number.

A description names them (`preset: jack-15t`, `powder: {preset: Li3PS4}`) and may override any of
their fields. Fields that a preset leaves out are as on the reference press. An assumption is marked
as such: it fits the other numbers, but should be measured on your own press or powder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pressloop.yaml.close_names import closest_name

Numbers = Mapping[str, tuple[float | str, str]]
"""Maps a field (dotted for a press) to its value, in the description's units, and its source."""

_CATALOGUE: Final = "effective area, Enerpac RC series catalogue"
_OIL: Final = "1 m of hose with 6.4 mm bore, 10 mm of travel, 5 mL of valve block: assumption"
_COLUMNS: Final = "columns, plates and joints in series: assumption"
_SIZED: Final = "smallest standard range that holds 500 MPa on a 10 mm die with a fifth to spare"
_RATED: Final = "seven eighths of the transducer's range; the cylinder is rated at 700 bar"

PRESSES: Final[Mapping[str, Numbers]] = {
    "reference": {
        "name": ("reference press", "the defaults of the description"),
    },
    "jack-10t": {
        "name": ("small jack 10 t", "bench press around a 10 t cylinder, hand-pump flow"),
        "ram.area_cm2": (14.5, f"{_CATALOGUE} (RC-106)"),
        "ram.return_force_n": (150, "assumption"),
        "oil.volume_ml": (50, _OIL),
        "frame.stiffness_kn_mm": (80, _COLUMNS),
        "pump.flow_ml_s": (0.8, "hand pump, 2.5 mL a stroke, a stroke in 3 s: assumption"),
        "release.flow_ml_s_at_10_mpa": (8, "assumption"),
        "transducer.full_scale_bar": (400, _SIZED),
        "limits.max_oil_bar": (350, _RATED),
        "controller.contact_bar": (2, "a two-hundredth of the transducer's range: assumption"),
    },
    "jack-15t": {
        "name": ("small jack 15 t", "bench press around a 15 t cylinder, small electric pump"),
        "ram.area_cm2": (20.3, f"{_CATALOGUE} (RC-158)"),
        "ram.return_force_n": (200, "assumption"),
        "oil.volume_ml": (57, _OIL),
        "frame.stiffness_kn_mm": (120, _COLUMNS),
        "pump.flow_ml_s": (1.6, "small electric pump, 0.1 L/min at 700 bar: assumption"),
        "release.flow_ml_s_at_10_mpa": (12, "assumption"),
        "transducer.full_scale_bar": (250, _SIZED),
        "limits.max_oil_bar": (220, _RATED),
        "controller.contact_bar": (1.25, "a two-hundredth of the transducer's range: assumption"),
    },
    "jack-25t": {
        "name": ("small jack 25 t", "floor press around a 25 t cylinder, electric pump"),
        "ram.area_cm2": (33.2, f"{_CATALOGUE} (RC-256)"),
        "ram.return_force_n": (300, "assumption"),
        "oil.volume_ml": (70, _OIL),
        "frame.stiffness_kn_mm": (200, _COLUMNS),
        "pump.flow_ml_s": (4, "electric pump, 0.25 L/min at 700 bar: assumption"),
        "release.flow_ml_s_at_10_mpa": (20, "assumption"),
        "transducer.full_scale_bar": (160, _SIZED),
        "limits.max_oil_bar": (140, _RATED),
        "controller.contact_bar": (1, "0.6 % of the transducer's range: assumption"),
    },
}

_LOOSE: Final = "assumption: 0.40-0.50"
_MODULUS: Final = "15-20 GPa for sulfide electrolytes"
_POISSON: Final = "assumption"
_PELEG: Final = "assumption: no relaxation of this powder is published"
_CRACK: Final = "between 625 MPa (sound) and 750 MPa (fractures), Li6PS5Cl, Yan et al. 2026"
_RELEASE: Final = "assumption: no critical rate of a sulfide is published"


def _sulfide(density: tuple[float, str], a: tuple[float, str]) -> Numbers:
    return {
        "true_density_g_cm3": density,
        "initial_density": (0.45, _LOOSE),
        "panelli_a": a,
        "youngs_modulus_gpa": (17.5, _MODULUS),
        "poisson_ratio": (0.3, _POISSON),
        "relaxation_percent": (30, _PELEG),
        "relaxation_half_s": (15, _PELEG),
        "crack_mpa": (690, _CRACK),
        "crack_release_mpa_s": (200, _RELEASE),
    }


POWDERS: Final[Mapping[str, Numbers]] = {
    "Na3PS4": _sulfide((2.2, "crystal density"), (0.0471, "fitted to 81 % at 510 MPa")),
    "Li3PS4": _sulfide((1.88, "crystal density"), (0.0755, "fitted to 90 % at 510 MPa")),
    "sulfide": _sulfide((1.9, "assumption"), (0.0585, "fitted to 82 % at 365 MPa")),
    "steel": {
        "mass_mg": (3080, "a disc of 10 mm diameter, 5 mm high"),
        "true_density_g_cm3": (7.85, "handbook value"),
        "initial_density": (1, "solid"),
        "panelli_a": (0, "solid"),
        "youngs_modulus_gpa": (210, "handbook value"),
        "poisson_ratio": (0, "the disc may bulge: it does not fill the die"),
        "relaxation_percent": (0, "elastic"),
        "crack_mpa": ("never", "hardened steel"),
        "crack_release_mpa_s": ("never", "elastic"),
    },
}


def press(name: str) -> dict[str, Any]:
    """Return the press of this name as nested sections of a description.

    Raises:
        KeyError: There is no such press.
    """
    fields: dict[str, Any] = {}
    for path, (value, _) in PRESSES[name].items():
        section, _, field = path.rpartition(".")
        (fields.setdefault(section, {}) if section else fields)[field] = value
    return fields


def powder(name: str) -> dict[str, Any]:
    """Return the powder of this name as the section `powder` of a description.

    Raises:
        KeyError: There is no such powder.
    """
    return {"material": name, **{field: value for field, (value, _) in POWDERS[name].items()}}


def unknown(name: str, known: Mapping[str, Numbers]) -> str:
    """Return the error text for an unknown preset, with the names that exist."""
    near = closest_name(name, known)
    meant = f"; did you mean {near}?" if near else ""
    return f"there is no preset {name!r}{meant} (known: {', '.join(known)})"
