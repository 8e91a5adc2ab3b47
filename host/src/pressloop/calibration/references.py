"""Where the reference's value of a level comes from: a person, an instrument, a file, or the truth.

A reference that `waits` is read while a level is held, one that does not after the series.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from pressloop.calibration.readings import LevelReading, force_kn
from pressloop.emulator.description import PressDescription
from pressloop.emulator.description.powder import PowderSection
from pressloop.emulator.description.presets import powder
from pressloop.emulator.description.simulation import FrictionSection
from pressloop.errors import BadInputError
from pressloop.extras import DataFrame
from pressloop.units import FORCE, PRESSURE, UnitError, as_pressure, parse
from pressloop.units.force import die_area_mm2

UNITS: Final = ("N", "kN", "kgf", "t", "lbf", "bar", "MPa", "psi")
"""Units of a reference's numbers: forces, and pressures on the die or in the vessel."""

EMULATED_UNCERTAINTY_PERCENT: Final = 0.1
_EMULATED_FRICTION: Final = FrictionSection(
    coulomb_n=40.0, percent=3.0, stribeck_percent=0.5, presliding_um=20.0, spread_percent=20.0
)
_OVER_TOP: Final = 1.25
"""Capacity of the emulated load cell, of the largest force."""


class Reference(typing.Protocol):
    """Gives the force that acts on the reference."""

    kind: str
    waits: bool

    def read_held(self, name: str, target_kn: float) -> float:
        """Return the force while a level is held, kN; only where `waits`."""

    def read_after(self, readings: Sequence[LevelReading], frame: DataFrame) -> list[float | None]:
        """Return the force of each level of a series after it, kN; None where it is not known."""


class AfterReference:
    """Base of the references that are read after a series."""

    waits = False

    def read_held(self, name: str, target_kn: float) -> float:
        """Not called."""
        raise NotImplementedError


class HeldReference:
    """Base of the references that are read while a level is held."""

    waits = True

    def read_after(self, readings: Sequence[LevelReading], frame: DataFrame) -> list[float | None]:
        """Return what was read while the levels were held."""
        return [reading.reference_kn for reading in readings]


class TypedReference(HeldReference):
    """A person reads an instrument and types what it shows."""

    kind = "typed"

    def __init__(
        self, ask: Callable[[str], str], complain: Callable[[str], None], unit: str, die_um: int
    ) -> None:
        """Keep how to ask for a value, and how to say that it is none."""
        self._ask = ask
        self._complain = complain
        self._unit = unit
        self._die_um = die_um

    def read_held(self, name: str, target_kn: float) -> float:
        """Ask until there is a force near the level, kN."""
        while True:
            try:
                value_kn = reference_kn(self._ask(name), self._unit, self._die_um)
                refuse_far(value_kn, target_kn, name)
            except BadInputError as error:
                self._complain(f"{error.message}; {error.hint}")
            else:
                return value_kn


class EmulatedReference(AfterReference):
    """A load cell under the punch of an emulated press, read from the true state of its record."""

    kind = "emulated"

    def __init__(self, press: PressDescription, top_kn: float, die_um: int) -> None:
        """Take gain and zero of the press's load cell, which may be none that its board reads."""
        individual = press.individual
        self._gain = 1 + individual.load_cell_gain_error_percent / 100
        self._zero_kn = individual.load_cell_zero_percent / 100 * _OVER_TOP * top_kn
        self._die_um = die_um

    def read_after(self, readings: Sequence[LevelReading], frame: DataFrame) -> list[float | None]:
        """Return the mean force in the time of each reading, kN.

        Raises:
            BadInputError: `no-truth`, if the record has no true state.
        """
        if "true_pressure_mpa" not in frame:
            raise BadInputError(
                "the record has no true state: the press is not emulated by this program",
                hint="use --reference emulated with --port emulated",
                code="no-truth",
            )
        at_s = frame.unix_time_second.to_numpy(np.float64)
        true_mpa = frame.true_pressure_mpa.to_numpy(np.float64, na_value=np.nan)
        found: list[float | None] = []
        for reading in readings:
            inside = (at_s >= reading.from_s) & (at_s <= reading.to_s)
            true_kn = force_kn(float(np.nanmean(true_mpa[inside])), self._die_um)
            found.append(true_kn * self._gain + self._zero_kn)
        return found


def press_for_calibration(press: PressDescription, *, with_friction: bool) -> PressDescription:
    """Return an emulated press with a steel blank in place of powder.

    Args:
        press: The press.
        with_friction: Give a press without friction of its ram that of usual seals, 3 %.
    """
    blank = PowderSection.model_validate({**powder("steel"), "mass_mg": _blank_mg(press)})
    update: dict[str, typing.Any] = {"powder": blank}
    friction = press.simulation.friction
    if with_friction and not (friction.percent or friction.coulomb_n):
        update["simulation"] = press.simulation.model_copy(update={"friction": _EMULATED_FRICTION})
    return press.model_copy(update=update)


def _blank_mg(press: PressDescription) -> float:
    """Return the mass of a steel disc 5 mm high in the die."""
    area_mm2 = float(die_area_mm2(round(1000 * press.die_mm)))
    return 5 * area_mm2 * float(powder("steel")["true_density_g_cm3"])


def reference_kn(text: str, unit: str, die_um: int) -> float:
    """Return what a reference shows as a force, kN; a number alone is in `unit`.

    Raises:
        BadInputError: `bad-reference`: it is neither a force nor a pressure.
    """
    # Instruments write it before every number that is not negative.
    plain = text.strip().removeprefix("+")
    try:
        float(plain)
    except ValueError:
        pass
    else:
        plain = f"{plain} {unit}"
    try:
        pressure = as_pressure(parse(plain, FORCE, PRESSURE), die_um)
    except UnitError as error:
        raise BadInputError(error.message, hint=error.hint, code="bad-reference") from error
    return force_kn(float(pressure.value) / 1000, die_um)


def refuse_far(value_kn: float, target_kn: float, name: str) -> None:
    """Refuse a value that is too far from its level to be one of it.

    Raises:
        BadInputError: `bad-reference`.
    """
    if not 0.7 * target_kn <= value_kn <= 1.3 * target_kn:
        raise BadInputError(
            f"{name}: {value_kn:.4g} kN is far from the level of {target_kn:.4g} kN",
            hint="check unit, decimal point and level",
            code="bad-reference",
        )
