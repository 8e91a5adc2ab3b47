"""Compute the uncertainty of a pressure in a result after the GUM (JCGM 100:2008).

Pressure on the pellet is oil pressure times ram area over die area. Its errors are those of the
transducer, in MPa times the lever, and those of both areas, in proportion to the pressure. Data
sheets give limits; within them every error is taken as equally likely (type B, rectangular:
standard uncertainty = half width / sqrt 3). Contributions are independent and add as squares.
Results have the expanded uncertainty with the coverage factor k = 2.

Errors that stay the same from run to run on one press and die (systematic) are separated from
those that do not (random): the first matter for the comparison with another lab, only the second
for the comparison of cells in a batch. Friction of the ram's seals is not covered, unless the user
adds it to the ram area, nor is friction of the powder on the die's wall. docs/uncertainty.md has
the reasons and an example.

There are six independent terms and one formula, so a package for propagating uncertainties would
only add a dependency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from pressloop.machine.profile import MachineProfile

COVERAGE_FACTOR: Final = 2

RAM_AREA_PERCENT: Final = 0.2
"""Assumption if the profile has no value: a 43 mm bore to H9 (62 um wide) is +-0.14 %."""

DIE_UM: Final = 10
"""Assumption if the profile has no value: a 10 mm bore to H8 (22 um wide), new."""

REPEATABILITY_OF_ACCURACY: Final = 0.2
"""Assumption if the profile has no value: share of the accuracy. Most data sheets state only the
sum of all errors, of which offset, span and linearity are the larger part."""

CONVERTER_V: Final = {"adc": 3.3 / 2**8.7, "ads1115": 125e-6}
"""Step of each converter, V. Of the RP2040's 12 bits 8.7 are effective (ENOB in its data sheet);
most of the error are steps of unequal height, which repeat from run to run."""

_COUNT_V: Final = 125e-6
"""One count of the raw reading, V. Boards scale every converter to the counts of an ADS1115."""

ErrorKind = Literal["systematic", "random"]


@dataclass(frozen=True)
class Component:
    """One contribution to an uncertainty budget.

    Attributes:
        name: Quantity that is uncertain.
        kind: `systematic` if the error is the same in every run on this press and die, or `random`.
        half_width_mpa: Limits (+-) of the error, MPa on the pellet; None for a measured scatter.
        standard_mpa: Standard uncertainty, MPa on the pellet.
        assumed: Whether the profile has no value and a documented assumption is used.
    """

    name: str
    kind: ErrorKind
    half_width_mpa: float | None
    standard_mpa: float
    assumed: bool = False


@dataclass(frozen=True)
class Budget:
    """The uncertainty budget of one pressure on the pellet.

    Attributes:
        pressure_mpa: The pressure, MPa.
        expanded_mpa: Expanded uncertainty of all contributions, MPa.
        systematic_mpa: Expanded uncertainty of the systematic contributions alone, MPa.
        repeatability_mpa: Expanded uncertainty of the random contributions alone, MPa.
        coverage_factor: Factor k of the expanded uncertainties.
        components: All contributions.
    """

    pressure_mpa: float
    expanded_mpa: float
    systematic_mpa: float
    repeatability_mpa: float
    coverage_factor: int
    components: tuple[Component, ...]


@dataclass(frozen=True)
class Instrument:
    """Limits (+-) of the errors of a press with one die.

    Attributes:
        accuracy_mpa: Transducer, MPa on the pellet.
        repeatability_mpa: Repeatability of the transducer, MPa on the pellet.
        converter_mpa: Half a step of the converter, MPa on the pellet.
        ram_area: Ram area, relative.
        die_area: Die area, relative.
        assumed: Names of the contributions that are assumptions.
    """

    accuracy_mpa: float
    repeatability_mpa: float
    converter_mpa: float
    ram_area: float
    die_area: float
    assumed: frozenset[str]

    @classmethod
    def of(cls, profile: MachineProfile, die_mm: float) -> Instrument:
        """Return the error limits of a profile; an assumed value where it states none."""
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
            # An area is proportional to the square of the diameter.
            die_area=2 * die_um / 1000 / die_mm,
            assumed=frozenset(assumed),
        )

    def budget(self, pressure_mpa: float, *, scatter_mpa: float = 0.0) -> Budget:
        """Return the uncertainty budget of a pressure.

        Args:
            pressure_mpa: Pressure on the pellet, MPa.
            scatter_mpa: Measured standard uncertainty of this value, MPa: the noise of the reading
                for a peak, its standard error for a mean.
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

    It is 0 if the board did not report which converter it has.
    """
    if profile.converter is None:
        return 0.0
    span_v = (profile.raw_full - profile.raw_zero) * _COUNT_V
    return CONVERTER_V[profile.converter] / 2 / span_v
