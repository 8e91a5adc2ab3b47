"""What tuning a press, or a first contact with a sample, returns. Needs no numpy to be imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pressloop.machine.profile import MachineProfile

if TYPE_CHECKING:
    from pressloop.tuning.identify import Identification
    from pressloop.tuning.records import Floats


@dataclass(frozen=True)
class TrackingError:
    """How far the reading of one run was from its setpoint."""

    run: str
    time_s: Floats
    off_mpa: Floats
    """Reading minus setpoint; NaN where the loop was not at work."""


@dataclass(frozen=True)
class TuningResult:
    """What tuning a press showed and what it stored."""

    before: MachineProfile
    """The profile that was on the board."""
    after: MachineProfile
    """The profile that was stored."""
    coarse: Identification
    fine: Identification
    tracking: tuple[TrackingError, TrackingError]
    """Of the coarse and of the last run, which rise in the same way."""
    folder: Path
    """Where the records are, one folder for each run."""


@dataclass(frozen=True)
class FirstContact:
    """What a first contact showed. Pressures are MPa on the sample."""

    approach_s: float
    """From the start to contact."""
    landed_mpa: float
    """Where the ramp began: the pressure that the approach reached before the pump had stopped."""
    sample_compliance_ratio: float
    """Oil that the closed press took, of what it takes on steel."""
    max_rate_mpa_s: float
    """Fastest rise that the fully open pump manages on this sample at this pressure."""
