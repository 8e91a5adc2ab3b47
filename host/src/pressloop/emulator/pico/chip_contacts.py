"""Gives the emulated chip's digital inputs the levels of their contacts and wires."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from pressloop_sim.board import field_wiring
from pressloop_sim.board.field_wiring import FieldWiring
from pressloop_sim.plant.vessel import VesselPlant
from rp2040py import RP2040

# Contacts by their names on the control port.
_CONTACTS: Final = {
    "emergency_stop": field_wiring.EMERGENCY_STOP,
    "guard_open": field_wiring.GUARD,
    "button": field_wiring.BUTTON,
}


class ChipContacts:
    """The contacts of a press, to ground, at the inputs of a chip.

    Emergency stop and guard are closed when inactive, the button open.
    """

    def __init__(
        self, chip: RP2040, wiring: ModuleType, field: FieldWiring, vessel: VesselPlant | None
    ) -> None:
        """Operate none of them; `vessel` is one whose lid has a pressure switch."""
        self._chip = chip
        self._field = field
        self._vessel = vessel
        self._lid_pin = wiring.VESSEL_PRESSURE_PIN
        self._pins = {
            field_wiring.EMERGENCY_STOP: wiring.EMERGENCY_STOP_PIN,
            field_wiring.GUARD: wiring.GUARD_PIN,
            field_wiring.BUTTON: wiring.BUTTON_PIN,
        }
        self.set_levels()

    def operate(self, name: str, active: bool) -> None:
        """Activate or deactivate `emergency_stop`, `guard_open` or `button`.

        Raises:
            ValueError: There is no such contact.
        """
        if name not in _CONTACTS or not isinstance(active, bool):
            raise ValueError("set: booleans for " + ", ".join(sorted(_CONTACTS)))
        self._field.operated[_CONTACTS[name]] = active
        self.set_levels()

    def set_levels(self) -> None:
        """Set all inputs, after a change of a contact or of a wire."""
        for terminal, pin in self._pins.items():
            self._chip.gpio[pin].set_input_value(self._field.is_high(terminal))
        level = True  # on a press without a switch at a lid nothing is connected
        if self._vessel is not None:
            level = self._lid_level(self._vessel)
        self._chip.gpio[self._lid_pin].set_input_value(level)

    def follow_lid(self) -> None:
        """Set the input of the switch at a vessel's lid, which the pressure operates."""
        if self._vessel is not None:
            self._chip.gpio[self._lid_pin].set_input_value(self._lid_level(self._vessel))

    def _lid_level(self, vessel: VesselPlant) -> bool:
        contact = field_wiring.VESSEL_PRESSURE
        self._field.operated[contact] = vessel.has_lid_pressure()
        return self._field.is_high(contact)
