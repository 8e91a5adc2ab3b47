"""The profile that a board sent, together with what the board says of its own parts."""

from __future__ import annotations

from typing import Literal

from pressloop.machine.profile import MachineProfile
from pressloop.wire.schema import CapabilityBits, HelloReply, Profile


def reported_profile(wire: Profile, hello: HelloReply) -> MachineProfile:
    """Return the profile that a board sent, with its converter and channels from the hello."""
    profile = MachineProfile.from_wire(wire)
    return profile.model_copy(
        update={
            "converter": converter_of(hello.python),
            "channels": channels_of(hello.capabilities, wire),
            "reads_load_cell": reads_load_cell(hello.capabilities),
        }
    )


def reads_load_cell(capabilities: CapabilityBits) -> bool:
    """Return whether a board has a converter for a load cell."""
    return bool(capabilities & CapabilityBits.LOAD_CELL)


def channels_of(capabilities: CapabilityBits, wire: Profile) -> Literal[1, 2]:
    """Return how many pressure channels a board compares with a profile."""
    fitted = bool(capabilities & CapabilityBits.SECOND_CHANNEL)
    return 2 if fitted and wire.second_full_scale_oil_kpa is not None else 1


def converter_of(python: str) -> Literal["ads1115", "adc"] | None:
    """Return the converter that a board names in `HelloReply.python`; None if it names none."""
    words = python.split()
    return "ads1115" if "ads1115" in words else "adc" if "adc" in words else None
