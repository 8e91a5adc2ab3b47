"""What a relief valve bounds that is set as high as commissioning accepts.

In the first pressing of a sample a reading that drifts down looks like powder that gives way, and
the pump's dead band, which may be wrong by 3 %, can hide more oil than the pores of a pellet take
up. So one pressure channel alone leaves only the relief valve to bound the pressure there.
"""

from __future__ import annotations

from typing import Final

from pressloop.machine.profile import MachineProfile

_RESERVE: Final = 1.15


def highest_relief_bar(profile: MachineProfile) -> float:
    """Return the highest set pressure of a relief valve that still protects the press, bar."""
    return _RESERVE * profile.max_oil_bar


def relief_pellet_mpa(profile: MachineProfile, die_mm: float) -> float:
    """Return the pressure on a sample under a relief valve that is set so high, MPa."""
    return highest_relief_bar(profile) / 10 * profile.lever(die_mm)
