"""Computes thickness and relative density of a pellet from the closing of the platens.

A displacement is a difference, so one thickness has to be known: that of the released pellet,
measured by hand, or that of an empty die, which is zero. From it follow

    thickness = known thickness + (closing then - closing now) + punches' compression now
    D = mass / (true density  die area  thickness)

A thickness measured by hand is the better anchor: it does not depend on how die and punches sit,
and its error is a few per mille of the pellet. It is taken after ejection, when the pellet has also
grown sideways by the 0.1-0.3 % that its elastic strain allows; this is not corrected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pressloop.machine.uncertainty import COVERAGE_FACTOR
from pressloop.sample import Sample


@dataclass(frozen=True)
class Anchor:
    """A closing of the platens at which the thickness is known.

    Attributes:
        kind: Where the thickness comes from.
        closing_mm: Reading of the displacement.
        thickness_mm: Known thickness there.
        standard_mm: Standard uncertainty of both together, mm.
    """

    kind: Literal["measured thickness", "empty die"]
    closing_mm: float
    thickness_mm: float
    standard_mm: float


@dataclass(frozen=True)
class Thickness:
    """Thickness and density of a pellet at one instant; the density is None without a mass.

    Uncertainties are expanded, k = 2.
    """

    thickness_mm: float
    thickness_mm_uncertainty: float
    relative_density: float | None = None
    relative_density_uncertainty: float | None = None


@dataclass(frozen=True)
class Density:
    """The pellet after a stage: under pressure at the end of the dwell, and released.

    `pressed` is None without a displacement: then only the released pellet was measured, by hand.
    """

    anchor: Literal["measured thickness", "empty die"]
    pressed: Thickness | None
    released: Thickness | None


def thickness_at(
    closing_mm: float,
    pressure_mpa: float,
    standard_mm: float,
    anchor: Anchor,
    sample: Sample,
    die_mm: float,
    die_area_limit: float,
) -> Thickness:
    """Return thickness and density at a closing.

    Args:
        closing_mm: Reading of the displacement.
        pressure_mpa: On the pellet, by which the punches are compressed.
        standard_mm: Standard uncertainty of this closing against the anchor's.
        anchor: Where the thickness is known.
        sample: Mass, density and compression of the punches.
        die_mm: Diameter of the die.
        die_area_limit: Relative limit of the die's area.
    """
    punches_mm = (sample.punches_um_mpa or 0.0) / 1000 * max(0.0, pressure_mpa)
    thickness = anchor.thickness_mm + anchor.closing_mm - closing_mm + punches_mm
    standard = math.hypot(anchor.standard_mm, standard_mm)
    density = uncertainty = None
    volume = sample.solid_volume_mm3
    if volume is not None and thickness > 0:
        density = volume / (math.pi / 4 * die_mm**2 * thickness)
        limits = (*sample.solid_volume_relative_limits, die_area_limit)
        relative = math.hypot(standard / thickness, *(limit / math.sqrt(3) for limit in limits))
        uncertainty = COVERAGE_FACTOR * relative * density
    return Thickness(thickness, COVERAGE_FACTOR * standard, density, uncertainty)
