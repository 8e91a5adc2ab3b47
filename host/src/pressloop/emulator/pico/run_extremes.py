"""What a run did to the sample, and until when it could: for judging it after a fault.

The record of a run ends with the tick that latches a fault, and before a hang; the press goes on.
"""

from __future__ import annotations


class RunExtremes:
    """Follows a press through a run and what comes after it, tick by tick.

    Attributes:
        peak_mpa: Highest true pressure on the sample since the start of the run.
        current_until: When a coil had current last, in ticks since the start of the run.
    """

    def __init__(self) -> None:
        """Start without a run."""
        self.begin()

    def begin(self) -> None:
        """Begin anew with a run."""
        self.peak_mpa = 0.0
        self.current_until = 0

    def note(self, tick: int, pellet_mpa: float, current: bool) -> None:
        """Take the state of a tick; `current` says whether a coil of a valve has current."""
        self.peak_mpa = max(self.peak_mpa, pellet_mpa)
        if current:
            self.current_until = tick
