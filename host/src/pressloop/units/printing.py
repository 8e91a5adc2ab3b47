"""Print quantities as text."""

from __future__ import annotations

import math
from fractions import Fraction

from pressloop.units.dimensions import Dimension
from pressloop.units.refusals import MAX_CHARACTERS


def format_quantity(value: Fraction | int, dimension: Dimension) -> str:
    """Return a value in base units as text, which `parse` reads back as the same value.

    Raises:
        ValueError: The value has no finite decimal expansion.
    """
    exact = Fraction(value)
    for unit in dimension.print_in:
        scaled = exact / dimension.units[unit]
        if scaled.denominator == 1 and scaled != 0:
            return f"{scaled} {unit}"
    unit = dimension.print_in[-1]
    return f"{_decimal(exact / dimension.units[unit])} {unit}"


def with_uncertainty(value: float, uncertainty: float) -> str:
    """Return a value and its uncertainty, rounded to significant digits: "74.0 ± 0.9".

    The uncertainty keeps one significant digit, or two if the first is a 1. It is rounded up,
    unless rounding down changes it by less than a twentieth (GUM 7.2.6).
    """
    if not (math.isfinite(value) and 0 < uncertainty < math.inf):
        return f"{value:g} ± {uncertainty:g}"
    magnitude = math.floor(math.log10(uncertainty))
    digits = 1 if uncertainty < 2 * 10.0**magnitude else 0
    places = max(0, digits - magnitude)
    step = 10.0 ** (magnitude - digits)
    rounded = math.ceil(0.95 * uncertainty / step) * step
    return f"{round(value / step) * step:.{places}f} ± {rounded:.{places}f}"


def _decimal(value: Fraction) -> str:
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
        if places > MAX_CHARACTERS:
            raise ValueError(f"{value} has no finite decimal expansion")
    digits = str(abs(int(value * 10**places))).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)
