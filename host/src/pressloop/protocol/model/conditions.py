"""Define the conditions of pressing that no sensor of the press sees, and that a reader needs.

They change neither the plan nor the verdict. A condition that is not given stays unknown: reports
name it as missing.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from pressloop.number_types import plain, written
from pressloop.number_types.forms import number_hint
from pressloop.protocol.model.fields import Name, ProtocolModel
from pressloop.yaml.form_error import form_error

_ABSOLUTE_ZERO_C: Final = -273.15
_MAX_TEMPERATURE_C: Final = 2000.0
_MAX_DIAMETER_MM: Final = 1000.0
_MAX_LAYERS: Final = 20


def _number_between(low: float, high: float, unit: str) -> BeforeValidator:
    """Return a validator that takes finite numbers above `low` and up to `high`."""

    def check(value: object) -> object:
        number = plain(value)
        if isinstance(number, bool) or not isinstance(number, int | float):
            message = f"'{written(value)}' is not a number"
            raise form_error("wrong-type", message, number_hint(value, "number"))
        if not low < number <= high:
            raise form_error(
                "out-of-range",
                f"'{written(value)}' is out of range: it must be above {low:g} and at most "
                f"{high:g} {unit}",
                "write a number in this range",
            )
        return number

    return BeforeValidator(check)


def _list_of_names(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise form_error(
            "wrong-type",
            f"'{written(value)}' is not a list",
            "put the names of the layers between square brackets, in their order from below",
        )
    if not 1 <= len(value) <= _MAX_LAYERS:
        raise form_error(
            "out-of-range",
            f"the list has {len(value)} layers, allowed are 1 to {_MAX_LAYERS}",
            "leave the key out where the layers are not known",
        )
    return value


class Conditions(ProtocolModel):
    """What a reader needs to repeat a pressing, and what no sensor of the press sees."""

    die_material: Name | None = None
    """Material of the die, such as hardened steel or PEEK."""
    plunger_material: Name | None = None
    """Material of the plungers."""
    plunger_diameter_mm: (
        Annotated[float, _number_between(0, _MAX_DIAMETER_MM, "mm"), Field(allow_inf_nan=False)]
        | None
    ) = None
    """Diameter of the plungers; the pressure is computed from the diameter of the die."""
    temperature_c: (
        Annotated[
            float,
            _number_between(_ABSOLUTE_ZERO_C, _MAX_TEMPERATURE_C, "°C"),
            Field(allow_inf_nan=False),
        ]
        | None
    ) = None
    """Temperature of the die while it is pressed, °C."""
    atmosphere: Name | None = None
    """Gas around the die, such as argon or dry air, with what is known of its humidity."""
    layers: Annotated[tuple[Name, ...], BeforeValidator(_list_of_names)] | None = None
    """What lies in the die, in the order from below."""

    def over(self, base: Conditions | None) -> Conditions:
        """Return these conditions, completed from others where something is not given here.

        Args:
            base: Conditions of the protocol; None: it gives none.
        """
        names = Conditions.model_fields
        own = {name: getattr(self, name) for name in names}
        given = {} if base is None else {name: getattr(base, name) for name in names}
        return Conditions(
            **{name: own[name] if own[name] is not None else given.get(name) for name in names}
        )
