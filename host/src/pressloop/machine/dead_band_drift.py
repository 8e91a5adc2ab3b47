"""Says when a dead band has moved so far from the tuned one that the press is to be tuned again."""

from __future__ import annotations

from typing import Final

MAX_DRIFT_PERCENT: Final = 2.0
"""Of the stroke: half of what the board follows. A coil that warms by 25 K drifts by so much."""


def tune_again_text(valve: str, tuned_percent: float, found_percent: float) -> str:
    """Return a sentence with both figures where they are too far apart, % of stroke; else empty.

    `valve` is `pump` or `release`.
    """
    if abs(found_percent - tuned_percent) <= MAX_DRIFT_PERCENT:
        return ""
    return (
        f"the dead band of the {valve} valve was found at {found_percent:.1f} % of stroke, the "
        f"profile has {tuned_percent:.1f} %: tune the press again on a steel blank with "
        "`pressloop tune`"
    )
