"""How far a pressure in a result may be from the true one, after the GUM (JCGM 100:2008).

Pressure on the pellet is oil pressure times ram area over die area, so the transducer's errors,
in MPa times the lever, and the errors of both areas, in proportion to the pressure, are what a
reading may be wrong by. Data sheets give limits; within them every error is taken as equally likely
(type B, rectangular: standard uncertainty = half width / sqrt 3). Contributions are independent
and add as squares. Results carry the expanded uncertainty with the coverage factor k = 2.

What stays the same from run to run on one press and die (systematic) is told apart from what does
not (random): the first decides how a pressure compares with another lab's, the second alone how
the cells of a batch compare. Not covered are friction of the ram's seals, unless the user puts it
into the ram area, and friction of the powder on the die's wall. docs/uncertainty.md has the
reasons and an example.

There are six independent terms and one formula: a package for propagating uncertainties would add
a dependency and no digit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from pressloop.machine.profile import MachineProfile

COVERAGE_FACTOR: Final = 2

RAM_AREA_PERCENT: Final = 0.2
"""Assumption where the profile says nothing: a 43 mm bore to H9 (62 um wide) is +-0.14 %."""

DIE_UM: Final = 10
"""Assumption where the profile says nothing: a 10 mm bore to H8 (22 um wide), new."""

REPEATABILITY_OF_ACCURACY: Final = 0.2
"""Assumption where the profile says nothing: share of the accuracy. Most data sheets state only
the sum of all errors, of which offset, span and linearity are the larger part."""

CONVERTER_V: Final = {"adc": 3.3 / 2**8.7, "ads1115": 125e-6}
"""What a step of the converter is worth, V. The RP2040's 12 bits are good for 8.7 (its data sheet,
ENOB); what is missing are mostly steps of unequal height, which repeat from run to run."""

_COUNT_V: Final = 125e-6
"""A count of the raw reading, whatever the converter: boards scale to the ADS1115's."""

ErrorKind = Literal["systematic", "random"]


@dataclass(frozen=True)
class Component:
    """One contribution to an uncertainty budget.

    Attributes:
        name: What is uncertain.
        kind: `systematic`: the same in every run on this press and die; `random`: not.
        half_width_mpa: Limits of the error, MPa on the pellet; None where a scatter was measured.
        standard_mpa: Standard uncertainty, MPa on the pellet.
        assumed: The profile does not say; a documented assumption stands in.
    """

    name: str
    kind: ErrorKind
    half_width_mpa: float | None
    standard_mpa: float
    assumed: bool = False


@dataclass(frozen=True)
class Budget:
    """The uncertainty of one pressure.

    Attributes:
        pressure_mpa: The pressure it is for.
        expanded_mpa: Everything together, with the coverage factor.
        systematic_mpa: Only what is the same in every run, with the coverage factor.
        repeatability_mpa: Only what changes from run to run, with the coverage factor.
        coverage_factor: k.
        components: What it is made of.
    """

    pressure_mpa: float
    expanded_mpa: float
    systematic_mpa: float
    repeatability_mpa: float
    coverage_factor: int
    components: tuple[Component, ...]


@dataclass(frozen=True)
class Instrument:
    """How well a press with one die knows the pressure on the pellet.

    The first three are half widths in MPa on the pellet, the areas relative.
    """

    accuracy_mpa: float
    repeatability_mpa: float
    converter_mpa: float
    ram_area: float
    die_area: float
    assumed: frozenset[str]

    @classmethod
    def of(cls, profile: MachineProfile, die_mm: float) -> Instrument:
        """Return what profile and data sheets say, with assumptions where they say nothing."""
        assumed = set()
        full_scale_mpa = profile.lever(die_mm) * profile.full_scale_bar / 10
        repeatability = profile.repeatability_percent
        if repeatability is None:
            assumed.add("repeatability of the transducer")
            repeatability = REPEATABILITY_OF_ACCURACY * profile.accuracy_percent
        ram_percent = profile.ram_area_uncertainty_percent
        if ram_percent is None:
            assumed.add("ram area")
            ram_percent = RAM_AREA_PERCENT
        die_um = profile.die_uncertainty_um
        if die_um is None:
            assumed.add("die area")
            die_um = DIE_UM
        return cls(
            accuracy_mpa=full_scale_mpa * profile.accuracy_percent / 100,
            repeatability_mpa=full_scale_mpa * repeatability / 100,
            converter_mpa=full_scale_mpa * converter_half_width(profile),
            ram_area=ram_percent / 100,
            # An area goes with the square of the diameter.
            die_area=2 * die_um / 1000 / die_mm,
            assumed=frozenset(assumed),
        )

    def budget(self, pressure_mpa: float, *, scatter_mpa: float = 0.0) -> Budget:
        """Return the uncertainty of a pressure.

        Args:
            pressure_mpa: On the pellet.
            scatter_mpa: Measured standard uncertainty of this very value, such as the reading's
                noise for a peak, or its standard error for a mean.
        """
        size = abs(pressure_mpa)
        limits: tuple[tuple[str, ErrorKind, float], ...] = (
            ("transducer", "systematic", self.accuracy_mpa),
            ("converter", "systematic", self.converter_mpa),
            ("ram area", "systematic", self.ram_area * size),
            ("die area", "systematic", self.die_area * size),
            ("repeatability of the transducer", "random", self.repeatability_mpa),
        )
        components = [
            Component(name, kind, half, half / math.sqrt(3), name in self.assumed)
            for name, kind, half in limits
        ]
        components.append(Component("noise of the reading", "random", None, scatter_mpa))

        def expanded(*kinds: ErrorKind) -> float:
            return COVERAGE_FACTOR * math.hypot(
                *(c.standard_mpa for c in components if c.kind in kinds)
            )

        return Budget(
            pressure_mpa=pressure_mpa,
            expanded_mpa=expanded("systematic", "random"),
            systematic_mpa=expanded("systematic"),
            repeatability_mpa=expanded("random"),
            coverage_factor=COVERAGE_FACTOR,
            components=tuple(components),
        )


def converter_half_width(profile: MachineProfile) -> float:
    """Return half a step of the board's converter, as a share of the transducer's full scale.

    0 when the board did not say which converter it has.
    """
    if profile.converter is None:
        return 0.0
    span_v = (profile.raw_full - profile.raw_zero) * _COUNT_V
    return CONVERTER_V[profile.converter] / 2 / span_v
