"""Refuses what a tuning run showed when one of its numbers is implausible."""

from __future__ import annotations

from typing import Final

from pressloop.errors import BadInputError

BLANK_HINT: Final = (
    "check that a steel blank is in the die, that the hoses are free of air and that nothing else "
    "drives the valves; then tune again"
)


def require_plausible(
    plausible: bool, what: str, value: float, expected: str, hint: str = BLANK_HINT
) -> None:
    """Refuse a value that is not plausible.

    Args:
        plausible: Whether it is.
        what: Name of the value in the message, with what it is relative to.
        value: As it comes out.
        expected: The plausible range, with its unit.
        hint: What the user may do.

    Raises:
        BadInputError: `tuning-nonsense`.
    """
    if not plausible:
        raise BadInputError(
            f"tuning found nothing to store: {what} comes out as {value:.3g}, expected {expected}",
            hint=hint,
            code="tuning-nonsense",
        )


def require_told(told: bool, what: str, why: str) -> None:
    """Refuse a record that does not tell a number.

    Args:
        told: Whether it does.
        what: Name of the number in the message.
        why: Why the record does not tell it.

    Raises:
        BadInputError: `tuning-nonsense`.
    """
    if not told:
        raise BadInputError(
            f"tuning found nothing to store: the runs do not tell {what}: {why}",
            hint=BLANK_HINT,
            code="tuning-nonsense",
        )
