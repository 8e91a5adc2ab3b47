"""Decides whether a person has confirmed the die of a run.

With a smaller die than the protocol names, every pressure is higher than the board knows, and no
oil pressure, force or stiffness shows it. So a person reads the diameter off the die for each run.
"""

from __future__ import annotations

from pressloop.errors import BadInputError
from pressloop.units import LENGTH, format_quantity

HINT = "read the diameter off the die that is in the press, for each run: {how}"


def die_is_confirmed(planned_um: int, read_um: int | None, *, simulated: bool) -> bool:
    """Return whether a person has confirmed the die; on a simulated press none needs to.

    Args:
        planned_um: Die of the protocol, um.
        read_um: Die that a person read off, um; None if none did.
        simulated: Whether no real press is attached.

    Raises:
        BadInputError: `wrong-die`: it is another die than the protocol's. `die-unconfirmed`: the
            press is real, and there is no confirmation.
    """
    if read_um is None:
        if simulated:
            return False
        raise unconfirmed("no person has confirmed the die", 'pass it as die="... mm"')
    if read_um != planned_um:
        raise BadInputError(
            f"the die in the press is {_text(read_um)} wide, and the protocol is for a die of "
            f"{_text(planned_um)}: nothing was pressed",
            hint="fit the die of the protocol, or correct 'die' in the protocol",
            code="wrong-die",
        )
    return True


def unconfirmed(why: str, how: str) -> BadInputError:
    """Return the error for a run on a real press whose die no person has confirmed."""
    return BadInputError(
        f"{why}: nothing was pressed", hint=HINT.format(how=how), code="die-unconfirmed"
    )


def _text(um: int) -> str:
    return format_quantity(um, LENGTH)
