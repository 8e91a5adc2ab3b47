"""How high a press can go when its only pressure reading stands still before the ram has contact.

While the ram travels, the oil stands at the pressure of the return spring, whether the reading
lives or not. So the board ends the approach by what has been pumped, little beyond the travel that
the profile states (`pressloop_fw/loop/approach.py`). If the sample is where the profile says, that
much oil presses on it. A hard sample takes up none of it: then it all compresses oil and frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pressloop.machine.closed_press import oil_mpa_of
from pressloop.machine.profile import MachineProfile

_TUNED_SHARE: Final = 1 / 16
_UNTUNED_SHARE: Final = 1 / 4
_BEYOND_MM: Final = 0.5
# The slow part before the stated travel, of it; on it the board trusts the pump less by this share
# of its full flow, and by half of a smaller flow.
_TUNED_SLOW_SHARE: Final = 1 / 16
_UNTUNED_SLOW_SHARE: Final = 1 / 8
_DEAD_BAND_DOUBT: Final = 39 / 1024


@dataclass(frozen=True)
class BlockedLine:
    """What a reading that stands still in the approach can lead to on one pressure channel.

    Attributes:
        beyond_mm: How far the ram goes beyond the stated travel before the board ends the approach.
        pellet_mpa: Pressure on a sample that does not yield, without a relief valve.
    """

    beyond_mm: float
    pellet_mpa: float

    @classmethod
    def of(cls, profile: MachineProfile, die_mm: float) -> BlockedLine | None:
        """Return the figure of a press with a die; None if the profile states no travel."""
        if profile.approach_mm is None:
            return None
        tuned = profile.tuning_residual_percent is not None
        share = _TUNED_SHARE if tuned else _UNTUNED_SHARE
        counted_mm = profile.approach_mm * share + _BEYOND_MM
        slow_mm = profile.approach_mm * (_TUNED_SLOW_SHARE if tuned else _UNTUNED_SLOW_SHARE)
        dead_band = profile.pump_dead_band_percent
        flow = (profile.approach_opening_percent - dead_band) / (100 - dead_band)
        doubt = min(_DEAD_BAND_DOUBT, flow / 2)
        beyond_mm = (slow_mm + counted_mm) * flow / (flow - doubt) - slow_mm
        oil_mpa = oil_mpa_of(profile, beyond_mm * profile.ram_area_cm2 * 100)
        return cls(beyond_mm, oil_mpa * profile.lever(die_mm))
