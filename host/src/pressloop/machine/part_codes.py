"""Packs the kinds of a press's parts into the one number that its board stores.

The names are those of a press file; the numbers those of the wire, 4 bits for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pressloop.wire.schema import (
    AuxiliarySensor,
    Converter,
    PumpDrive,
    ReleaseDrive,
    TransducerSignal,
)

SignalName = Literal["4-20mA", "0-10V", "ratiometric"]
PressureConverterName = Literal["ads1115", "adc"]
CellConverterName = Literal["nau7802", "hx711"]
PumpDriveName = Literal["pwm", "0-10V", "4-20mA", "motor-speed"]
ReleaseDriveName = Literal["proportional", "on-off+proportional"]
AuxiliaryName = Literal["displacement", "oil-temperature"]

_SIGNALS: Final = {
    "4-20mA": TransducerSignal.CURRENT_LOOP,
    "0-10V": TransducerSignal.VOLTAGE,
    "ratiometric": TransducerSignal.RATIOMETRIC,
}
_PRESSURE: Final = {"ads1115": Converter.ADS1115, "adc": Converter.ADC}
_CELL: Final = {"nau7802": Converter.NAU7802, "hx711": Converter.HX711}
_PUMPS: Final = {
    "pwm": PumpDrive.PWM,
    "0-10V": PumpDrive.VOLTAGE,
    "4-20mA": PumpDrive.CURRENT,
    "motor-speed": PumpDrive.MOTOR_SPEED,
}
_RELEASES: Final = {
    "proportional": ReleaseDrive.PROPORTIONAL,
    "on-off+proportional": ReleaseDrive.ON_OFF_AND_PROPORTIONAL,
}
_AUXILIARIES: Final = {
    "displacement": AuxiliarySensor.DISPLACEMENT,
    "oil-temperature": AuxiliarySensor.OIL_TEMPERATURE,
}
_PLACES: Final[tuple[tuple[str, Mapping[str, int]], ...]] = (
    ("transducer_signal", _SIGNALS),
    ("transducer_converter", _PRESSURE),
    ("second_signal", _SIGNALS),
    ("second_converter", _PRESSURE),
    ("load_cell_converter", _CELL),
    ("pump_drive", _PUMPS),
    ("release_drive", _RELEASES),
    ("auxiliary_sensor", _AUXILIARIES),
)
"""Fields of `MachineProfile` from the lowest bits on, with the numbers of their names."""

_BITS: Final = 4

NAMES: Final = tuple(name for name, _ in _PLACES)
"""Fields of `MachineProfile` that name the kind of a part."""


def packed(profile: Mapping[str, Any]) -> int | None:
    """Return the kinds as the board stores them; None if the profile states none.

    Args:
        profile: Fields by the names of `MachineProfile`; None for a kind that is not stated.
    """
    parts = 0
    for place, (name, codes) in enumerate(_PLACES):
        kind = profile[name]
        if kind is not None:
            parts |= int(codes[kind]) << _BITS * place
    return parts or None


def unpacked(parts: int | None) -> dict[str, str | None]:
    """Return the kinds that a board has stored, by the names of `MachineProfile`.

    A number that this version does not know counts as not stated.
    """
    kinds: dict[str, str | None] = {}
    for place, (name, codes) in enumerate(_PLACES):
        code = (parts or 0) >> _BITS * place & (1 << _BITS) - 1
        kinds[name] = next((kind for kind, number in codes.items() if number == code), None)
    return kinds
