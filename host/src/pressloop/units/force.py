"""Convert between a force and the pressure on a pellet, which is the force over the die's area.

The area is computed with 355/452 for pi/4, as on the board, and exactly: 8 digits of pi are right.
"""

from __future__ import annotations

import math
from fractions import Fraction

from pressloop.units.dimensions import FORCE, FORCE_RATE, LENGTH, PRESSURE, PRESSURE_RATE, Dimension
from pressloop.units.parse import Quantity, parse
from pressloop.units.printing import format_quantity
from pressloop.units.refusals import UnitError


def die_area_mm2(die_um: int) -> Fraction:
    """Return the area of a die, mm2."""
    return Fraction(die_um * die_um * 355, 452 * 1_000_000)


def as_pressure(quantity: Quantity, die_um: int | None) -> Quantity:
    """Return a force or force rate as the pressure or pressure rate that it gives on a die.

    Any other quantity is returned as it is. The text stays as written.

    Raises:
        UnitError: `force-without-die`, if it is a force and no die, or one of no size, is given.
    """
    if quantity.dimension not in (FORCE, FORCE_RATE):
        return quantity
    if not die_um:
        raise UnitError(
            f"'{quantity.text}' is {quantity.dimension.name}: without a die it is no pressure",
            code="force-without-die",
            hint="give the diameter of the die, or write a pressure",
        )
    # N/mm2 are MPa.
    kpa = 1000 * quantity.value / die_area_mm2(die_um)
    pressure = PRESSURE if quantity.dimension is FORCE else PRESSURE_RATE
    return Quantity(kpa, pressure, quantity.text)


def parse_pressure(text: str, die_um: int | None, *others: Dimension) -> Quantity:
    """Read a pressure, or a force on a die; `others` are dimensions that are allowed as well.

    Raises:
        UnitError: The text is neither, or it is a force and no die is given.
    """
    return as_pressure(parse(text, *others, PRESSURE, FORCE), die_um)


def parse_pressure_rate(text: str, die_um: int | None) -> Quantity:
    """Read a pressure rate, or a force rate on a die.

    Raises:
        UnitError: The text is neither, or it is a force rate and no die is given.
    """
    return as_pressure(parse(text, PRESSURE_RATE, FORCE_RATE), die_um)


def force_text(kpa: Fraction | int, die_um: int) -> str:
    """Return the force that a pressure is on a die, to three digits: "39.3 kN"."""
    newton = float(kpa * die_area_mm2(die_um) / 1000)
    if newton < 100:
        return f"{newton:.3g} N"
    kilonewton = newton / 1000
    digits = max(0, 2 - math.floor(math.log10(kilonewton)))
    return f"{kilonewton:.{digits}f} kN"


def pressure_text(kpa: int, die_um: int | None) -> str:
    """Return a pressure, and the force on the die where it is known: "500 MPa (39.3 kN on 10 mm)".

    Zero has no force beside it.
    """
    pressure = format_quantity(kpa, PRESSURE)
    if die_um is None or kpa == 0:
        return pressure
    return f"{pressure} ({force_text(kpa, die_um)} on {format_quantity(die_um, LENGTH)})"
