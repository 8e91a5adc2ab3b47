"""Compute the uncertainty of a pressure in a result after the GUM (JCGM 100:2008).

Pressure on the pellet is oil pressure times ram area over die area. Its errors are those of the
transducer, in MPa times the lever, and those of both areas, in proportion to the pressure. Data
sheets give limits; within them every error is taken as equally likely (type B, rectangular:
standard uncertainty = half width / sqrt 3). Contributions are independent and add as squares.
Results have the expanded uncertainty with the coverage factor k = 2.

With a load cell under the die the pressure is the cell's force over the die's area, and neither
transducer nor friction matter. Where friction was learned, the board takes it off, and what remains
is how well it is known.

Otherwise the transducer measures oil. Between oil and pellet the ram's seals carry a part of the
force, upwards after a ramp up and downwards after a ramp down. After a ramp friction is near one of
its limits, not anywhere between them, so its distribution is U-shaped: standard uncertainty = half
width / sqrt 2. That of the reading is given beside that of the pressure on the pellet: the first
says what a tolerance or a comparison of readings means, the second what the pellet got.

Errors that stay the same from run to run on one press and die (systematic) are separated from
those that do not (random): the first matter for the comparison with another lab, only the second
for the comparison of cells in a batch. The pressure on the pellet is that of the punch: what the
die's wall takes off it over the height of the pellet is no error of it, and not covered.
docs/uncertainty.md has the reasons and an example.

After a calibration against a reference, its uncertainty stands for transducer and ram area, or for
the load cell.

There are at most nine independent terms and one formula, so a package for propagating uncertainties
would only add a dependency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypedDict

from pressloop.machine.profile import MachineProfile

COVERAGE_FACTOR: Final = 2

RAM_AREA_PERCENT: Final = 0.2
"""Assumption if the profile has no value: a 43 mm bore to H9 (62 um wide) is +-0.14 %."""

DIE_UM: Final = 10
"""Assumption if the profile has no value: a 10 mm bore to H8 (22 um wide), new."""

REPEATABILITY_OF_ACCURACY: Final = 0.2
"""Assumption if the profile has no value: share of the accuracy. Most data sheets state only the
sum of all errors, of which offset, span and linearity are the larger part."""

FRICTION_PERCENT: Final = 5.0
"""Assumption if the profile has no value: the upper end of what hydraulic seals carry, 2-5 % of the
oil's force."""

FRICTION_N: Final = 100
"""Assumption if the profile has no value: the upper end of 20-100 N without pressure."""

FRICTION_SPREAD: Final = 0.2
"""Assumption: share by which the friction of a run may differ from that of the others."""

ZERO_DRIFT_PERCENT: Final = 0.2
"""Assumption if the profile has no value: 0.02 % of full scale per K by common data sheets, and
10 K between the zero and the run."""

CONVERTER_V: Final = {"adc": 3.3 / 2**8.7, "ads1115": 125e-6}
"""Step of each converter, V. Of the RP2040's 12 bits 8.7 are effective (ENOB in its data sheet);
most of the error are steps of unequal height, which repeat from run to run."""

_COUNT_V: Final = 125e-6
"""One count of the raw reading, V. Boards scale every converter to the counts of an ADS1115."""

ErrorKind = Literal["systematic", "random"]

Quantity = Literal["pellet by load cell", "reading with friction compensation", "reading"]
"""Which pressure a board controls and records."""

LOAD_CELL: Final = "pellet by load cell"
WITH_COMPENSATION: Final = "reading with friction compensation"
READING: Final = "reading"


@dataclass(frozen=True)
class Component:
    """One contribution to an uncertainty budget.

    Attributes:
        name: Quantity that is uncertain.
        kind: `systematic` if the error is the same in every run on this press and die, or `random`.
        half_width_mpa: Limits (+-) of the error, MPa on the pellet; None for a measured scatter.
        standard_mpa: Standard uncertainty, MPa on the pellet.
        assumed: Whether the profile has no value and a documented assumption is used.
        between_oil_and_pellet: Whether it is an error of the pressure on the pellet alone, and not
            of the reading.
    """

    name: str
    kind: ErrorKind
    half_width_mpa: float | None
    standard_mpa: float
    assumed: bool = False
    between_oil_and_pellet: bool = False


@dataclass(frozen=True)
class Budget:
    """The uncertainty budget of one pressure on the pellet.

    Attributes:
        pressure_mpa: The pressure, MPa.
        expanded_mpa: Expanded uncertainty of the pressure on the pellet: all contributions, MPa.
        reading_mpa: Expanded uncertainty of the reading: without what lies between oil and pellet,
            MPa.
        systematic_mpa: Expanded uncertainty of the systematic contributions alone, MPa.
        repeatability_mpa: Expanded uncertainty of the random contributions alone, MPa.
        coverage_factor: Factor k of the expanded uncertainties.
        components: All contributions.
    """

    pressure_mpa: float
    expanded_mpa: float
    reading_mpa: float
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
        zero_drift_mpa: Zero of the transducer, MPa on the pellet.
        friction: Friction of the ram in proportion to the pressure, relative.
        friction_mpa: Friction of the ram without pressure, MPa on the pellet.
        learned: Share of the friction by which it may differ from what was learned; None: it was
            not learned.
        load_cell_mpa: Load cell, MPa on the pellet; None without one.
        calibrated: Expanded uncertainty (k = 2) of a force after the calibration, relative; None
            without one that was passed.
        calibrated_mpa: The same without load, MPa on the pellet.
        assumed: Names of the contributions that are assumptions.
    """

    accuracy_mpa: float
    repeatability_mpa: float
    converter_mpa: float
    ram_area: float
    die_area: float
    zero_drift_mpa: float
    friction: float
    friction_mpa: float
    assumed: frozenset[str]
    learned: float | None = None
    load_cell_mpa: float | None = None
    calibrated: float | None = None
    calibrated_mpa: float = 0.0

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
        drift_percent = profile.zero_drift_percent
        if drift_percent is None:
            assumed.add("zero drift of the transducer")
            drift_percent = ZERO_DRIFT_PERCENT
        die_mm2 = math.pi / 4 * die_mm**2
        learned_percent = profile.friction_uncertainty_percent
        capacity_kn, error_percent = profile.load_cell_capacity_kn, profile.load_cell_error_percent
        cell_mpa = None
        if capacity_kn is not None and error_percent is not None:
            cell_mpa = 10 * capacity_kn * error_percent / die_mm2
        friction_percent, friction_n = profile.friction_percent, profile.friction_n
        if profile.is_vessel:
            ram_percent, die_um, friction_percent, friction_n = 0.0, 0, 0.0, 0
            assumed -= {"ram area", "die area"}
        if friction_percent is None or friction_n is None:
            assumed.update(("friction of the ram", "friction from run to run"))
        friction_percent = FRICTION_PERCENT if friction_percent is None else friction_percent
        friction_n = FRICTION_N if friction_n is None else friction_n
        return cls(
            accuracy_mpa=full_scale_mpa * profile.accuracy_percent / 100,
            repeatability_mpa=full_scale_mpa * repeatability / 100,
            converter_mpa=full_scale_mpa * converter_half_width(profile),
            ram_area=ram_percent / 100,
            # An area is proportional to the square of the diameter.
            die_area=2 * die_um / 1000 / die_mm,
            zero_drift_mpa=full_scale_mpa * drift_percent / 100,
            friction=friction_percent / 100,
            friction_mpa=friction_n / die_mm2,
            assumed=frozenset(assumed),
            learned=None if learned_percent is None else learned_percent / 100,
            load_cell_mpa=cell_mpa,
            **_calibrated(profile, die_mm2),
        )

    def budget(
        self, pressure_mpa: float, *, scatter_mpa: float = 0.0, quantity: Quantity = READING
    ) -> Budget:
        """Return the uncertainty budget of a pressure.

        Args:
            pressure_mpa: Pressure on the pellet, MPa.
            scatter_mpa: Measured standard uncertainty of this value, MPa: the noise of the reading
                for a peak, its standard error for a mean.
            quantity: Which pressure it is. One by the load cell has no error of the transducer.
        """
        size = abs(pressure_mpa)
        if quantity == LOAD_CELL and self.load_cell_mpa is not None:
            return _budget(pressure_mpa, self._by_load_cell(size, scatter_mpa))
        limits: tuple[tuple[str, ErrorKind, float], ...] = (
            ("transducer", "systematic", self.accuracy_mpa),
            ("converter", "systematic", self.converter_mpa),
            ("ram area", "systematic", self.ram_area * size),
            ("die area", "systematic", self.die_area * size),
            ("repeatability of the transducer", "random", self.repeatability_mpa),
            ("zero drift of the transducer", "random", self.zero_drift_mpa),
        )
        calibration = self._calibration(size)
        components = [
            *calibration,
            *(
                Component(name, kind, half, half / math.sqrt(3), name in self.assumed)
                for name, kind, half in limits
                if not (calibration and name in ("transducer", "ram area"))
            ),
        ]
        components.append(Component("noise of the reading", "random", None, scatter_mpa))
        friction = self.friction * size + self.friction_mpa
        spread = FRICTION_SPREAD * friction
        if quantity == WITH_COMPENSATION and self.learned is not None:
            # The recorded pressure is already without friction: this is its own error.
            unknown = self.learned * friction
            components += [
                _rectangular("friction as learned", "systematic", unknown),
                _rectangular("friction from run to run", "random", spread),
            ]
        else:
            components += [
                _friction("friction of the ram", "systematic", friction, 2, self.assumed),
                _friction("friction from run to run", "random", spread, 3, self.assumed),
            ]
        return _budget(pressure_mpa, components)

    def _by_load_cell(self, size: float, scatter_mpa: float) -> list[Component]:
        die = "die area"
        half = self.die_area * size
        return [
            *(
                self._calibration(size)
                or [_rectangular("load cell", "systematic", self.load_cell_mpa or 0.0)]
            ),
            Component(die, "systematic", half, half / math.sqrt(3), die in self.assumed),
            Component("noise of the reading", "random", None, scatter_mpa),
        ]

    def _calibration(self, size: float) -> list[Component]:
        """Return the contribution of the calibration; empty without one that was passed."""
        if self.calibrated is None:
            return []
        expanded = math.hypot(self.calibrated * size, self.calibrated_mpa)
        return [Component("calibration", "systematic", None, expanded / COVERAGE_FACTOR)]


def _calibrated(profile: MachineProfile, die_mm2: float) -> _Calibrated:
    """Return what the calibration of a press says, by the names of `Instrument`."""
    if profile.calibration_result != "passed":
        return {}
    percent, newtons = profile.calibration_uncertainty_percent, profile.calibration_uncertainty_n
    return {
        "calibrated": (percent or 0.0) / 100,
        "calibrated_mpa": (newtons or 0) / die_mm2,
    }


class _Calibrated(TypedDict, total=False):
    calibrated: float
    calibrated_mpa: float


def _budget(pressure_mpa: float, components: list[Component]) -> Budget:
    def expanded(*kinds: ErrorKind, oil_alone: bool = False) -> float:
        return COVERAGE_FACTOR * math.hypot(
            *(
                c.standard_mpa
                for c in components
                if c.kind in kinds and not (oil_alone and c.between_oil_and_pellet)
            )
        )

    return Budget(
        pressure_mpa=pressure_mpa,
        expanded_mpa=expanded("systematic", "random"),
        reading_mpa=expanded("systematic", "random", oil_alone=True),
        systematic_mpa=expanded("systematic"),
        repeatability_mpa=expanded("random"),
        coverage_factor=COVERAGE_FACTOR,
        components=tuple(components),
    )


def _rectangular(name: str, kind: ErrorKind, half_width_mpa: float) -> Component:
    return Component(name, kind, half_width_mpa, half_width_mpa / math.sqrt(3))


def _friction(
    name: str, kind: ErrorKind, half_width_mpa: float, divisor: int, assumed: frozenset[str]
) -> Component:
    return Component(
        name,
        kind,
        half_width_mpa,
        half_width_mpa / math.sqrt(divisor),
        name in assumed,
        between_oil_and_pellet=True,
    )


def converter_half_width(profile: MachineProfile) -> float:
    """Return half a step of the board's converter, as a share of the transducer's full scale.

    It is 0 if the board did not report which converter it has.
    """
    if profile.converter is None:
        return 0.0
    span_v = (profile.raw_full - profile.raw_zero) * _COUNT_V
    return CONVERTER_V[profile.converter] / 2 / span_v
