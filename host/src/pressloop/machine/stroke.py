"""How much of the ram's stroke is left for the powder, by what is known before a run.

At the end of its stroke the ram stands on its own cylinder: more oil raises the reading, and the
sample gets nothing of it. The oil shows that only by a press that is stiffer by its frame, and an
error of 3 % in the dead band of the pump makes more of a difference in a slow ramp. So the
travel has to suffice, which the stated lengths decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pressloop.machine.closed_press import volume_ul_at
from pressloop.machine.profile import MachineProfile

RESERVE_MM: Final = 1.0
"""As near as the board lets the approach come to the end of the stroke, mm."""


@dataclass(frozen=True)
class StrokeLeft:
    """The stroke of a ram behind its contact with the sample.

    Attributes:
        behind_contact_mm: From contact to the end of the stroke.
        stretch_mm: What frame and oil take of it at a pressure; the frame alone takes less.
    """

    behind_contact_mm: float
    stretch_mm: float

    @property
    def for_powder_mm(self) -> float:
        """What is left for the powder and the reserve, mm; below the reserve it is too little."""
        return self.behind_contact_mm - self.stretch_mm

    @property
    def suffices(self) -> bool:
        """Whether the ram stays away from its end if the powder yields by nothing."""
        return self.for_powder_mm >= RESERVE_MM

    @classmethod
    def of(cls, profile: MachineProfile, pellet_mpa: float, die_mm: float) -> StrokeLeft | None:
        """Return the figures at a pressure on a die; None if stroke or approach is not stated."""
        if profile.stroke_mm is None or profile.approach_mm is None:
            return None
        oil_mpa = pellet_mpa / profile.lever(die_mm)
        taken_ul = volume_ul_at(profile, oil_mpa)
        area_mm2 = 100 * profile.ram_area_cm2
        return cls(profile.stroke_mm - profile.approach_mm, taken_ul / area_mm2)
