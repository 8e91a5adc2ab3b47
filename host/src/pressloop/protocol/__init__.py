"""Define the protocol that a user writes, as immutable models: one form for YAML and Python.

Quantities keep the text that was written ("250 MPa"), so that a saved protocol reads like the
original; properties with the unit in their name return the integers that go to the board. Rounding
is never at the user's expense: a tolerance and a dwell are never rounded down, a ceiling never up.
What depends on the press is checked in `validation`, not here.
"""

from __future__ import annotations

from pressloop.protocol.model.conditions import Conditions
from pressloop.protocol.model.hold import Hold, Until
from pressloop.protocol.model.protocol import HostLoss, Protocol
from pressloop.protocol.model.stage import Item, Pid, Prompt, Ramp, Release, Repeat, Stage

__all__ = [
    "Conditions",
    "Hold",
    "HostLoss",
    "Item",
    "Pid",
    "Prompt",
    "Protocol",
    "Ramp",
    "Release",
    "Repeat",
    "Stage",
    "Until",
]
