"""Read and print quantities as people write them: "250 MPa", "10 MPa/s", "3 min", "0.5 %".

A quantity is read into an exact fraction of its dimension's base unit (the unit of the wire: kPa,
kPa/s, ms, um) and printed without rounding. A general units library would accept units that no
press needs, in spellings that differ between libraries, and would return floats; one table of
dimensions is easier to verify (docs/decisions/0004-quantities.md).
"""

from __future__ import annotations

from pressloop.units.dimensions import (
    DURATION,
    FORCE,
    FORCE_RATE,
    LENGTH,
    PER_SECOND,
    PER_SECOND_SQUARED,
    PERCENT,
    PRESSURE,
    PRESSURE_RATE,
    Dimension,
)
from pressloop.units.durations import duration_text, rounded_duration_text, running_time_text
from pressloop.units.force import (
    as_pressure,
    force_text,
    parse_pressure,
    parse_pressure_rate,
    pressure_text,
)
from pressloop.units.parse import Quantity, parse, pattern
from pressloop.units.printing import format_quantity, with_uncertainty
from pressloop.units.refusals import UnitError, missing_unit, names_of, units_of

__all__ = [
    "DURATION",
    "FORCE",
    "FORCE_RATE",
    "LENGTH",
    "PERCENT",
    "PER_SECOND",
    "PER_SECOND_SQUARED",
    "PRESSURE",
    "PRESSURE_RATE",
    "Dimension",
    "Quantity",
    "UnitError",
    "as_pressure",
    "duration_text",
    "force_text",
    "format_quantity",
    "missing_unit",
    "names_of",
    "parse",
    "parse_pressure",
    "parse_pressure_rate",
    "pattern",
    "pressure_text",
    "rounded_duration_text",
    "running_time_text",
    "units_of",
    "with_uncertainty",
]
