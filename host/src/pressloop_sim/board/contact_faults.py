"""What a person does in the middle of a run: press the emergency stop, open the guard."""

from pressloop_sim.plant.fault_schedule import FaultTarget

# Contacts by their kinds of fault, with the names of the control port.
_CONTACTS = {"emergency-stop": "emergency_stop", "guard-open": "guard_open"}


class ContactFaults(FaultTarget):
    """Operates the contacts of a board, which has a method `contact(name, active)`."""

    def __init__(self, board: object) -> None:
        """Take the board; nothing is operated."""
        self._board = board

    def inject(self, kind: str, value: float) -> None:
        """Operate a contact, which stays so; `value` is not used."""
        self._board.contact(_CONTACTS[kind], True)  # type: ignore[attr-defined]
