"""Says where the board found the valves' dead bands, and when to tune the press again."""

from __future__ import annotations

from pressloop.evaluation.run_data import RunData
from pressloop.evaluation.summary import FollowedDeadBand
from pressloop.machine.dead_band_drift import tune_again_text


def followed_dead_band(data: RunData) -> FollowedDeadBand | None:
    """Return the release's as tuned and as found; None where the board has not found another."""
    if data.press is None:
        return None
    return _followed(
        data.press.profile.release_dead_band_percent, data.end.release_dead_band_percent
    )


def followed_pump_dead_band(data: RunData) -> FollowedDeadBand | None:
    """Return the same of the pump."""
    if data.press is None:
        return None
    return _followed(data.press.profile.pump_dead_band_percent, data.end.pump_dead_band_percent)


def _followed(tuned_percent: float, found_percent: float | None) -> FollowedDeadBand | None:
    if found_percent is None:
        return None
    return FollowedDeadBand(tuned_percent=tuned_percent, found_percent=found_percent)


def dead_band_warnings(
    release: FollowedDeadBand | None, pump: FollowedDeadBand | None
) -> tuple[str, ...]:
    """Return a sentence with both figures for each valve where they are too far apart."""
    texts = (
        tune_again_text(valve, followed.tuned_percent, followed.found_percent)
        for valve, followed in (("release", release), ("pump", pump))
        if followed is not None
    )
    return tuple(text for text in texts if text)
