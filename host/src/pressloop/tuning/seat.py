"""How long a released ram needs to go back to its seat, where the way to the blank begins."""

from __future__ import annotations

import math
from typing import Final

from pressloop.machine.profile import MachineProfile

UNSTATED_S: Final = 20.0
"""Wait for a press whose profile states no way to the sample."""
MAX_SEAT_S: Final = 120.0
"""Longest wait: what is slower than this is no return spring."""

_REFERENCE_BAR: Final = 100.0
_TIMES: Final = 2.0
"""Way, flow and spring of an untuned press may be off by a third each."""
_UNKNOWN_TIMES: Final = 4.0
"""The same where the pressure of the return spring is taken to be that of contact."""


def seat_s(profile: MachineProfile) -> float:
    """Return the time in which the open release lets the ram go back to its seat, s.

    The flow of the release goes with the root of the pressure, here that of the return spring.
    """
    if profile.approach_mm is None:
        return UNSTATED_S
    known = profile.return_bar is not None and profile.return_bar > 0
    bar = profile.return_bar if profile.return_bar and known else profile.contact_bar
    flow_ml_s = profile.release_flow_ml_s * math.sqrt(bar / _REFERENCE_BAR)
    way_ml = profile.approach_mm * profile.ram_area_cm2 / 10
    return min(MAX_SEAT_S, (_TIMES if known else _UNKNOWN_TIMES) * way_ml / flow_ml_s)
