"""Takes quantities as the SDK's methods do: text with a number and its unit."""

from __future__ import annotations

from pressloop.arguments import shown_value
from pressloop.errors import BadInputError
from pressloop.number_types import plain
from pressloop.units.dimensions import Dimension
from pressloop.units.parse import Quantity, parse
from pressloop.units.refusals import missing_unit, names_of, units_of


def quantity_argument(value: object, name: str, *dimensions: Dimension) -> Quantity:
    """Return an argument such as `"10 mm"` as a quantity of one of the dimensions.

    Raises:
        UnitError: It is a number without a unit, or text that is no such quantity.
        BadInputError: `wrong-type`, if it is something else.
    """
    value = plain(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise missing_unit(value, *dimensions)
    if not isinstance(value, str):
        raise BadInputError(
            f"{name}: {shown_value(value)} is not {names_of(dimensions)}",
            hint=f"write text with a number and its unit; units: {units_of(dimensions)}",
            code="wrong-type",
        )
    return parse(value, *dimensions)
