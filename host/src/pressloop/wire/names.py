"""Names of the schema's enumerations as the schema writes them."""

from __future__ import annotations

from enum import IntEnum


def wire_name(member: IntEnum) -> str:
    """Return a member's name as the schema writes it, such as `prompt-timeout`."""
    return member.name.lower().replace("_", "-")
