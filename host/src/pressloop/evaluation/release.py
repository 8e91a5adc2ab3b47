"""Finds the release that follows the dwell of a stage, down to contact."""

from __future__ import annotations

import numpy as np

from pressloop.analysis.springback import ReleaseSamples
from pressloop.evaluation.run_data import RunData
from pressloop.record.columns import NO_STEP
from pressloop.record.model import PlannedStage, judged_steps


def find_release(data: RunData, stage: PlannedStage) -> ReleaseSamples | None:
    """Return the samples from the beginning of the dwell to contact.

    None when the record has no hold or does not say which press it was, and when the pressure goes
    down to contact by way of another step or through a gap.
    """
    holds, _ = judged_steps(stage, data.header)
    held = np.flatnonzero(data.of_steps(holds))
    if not held.size or data.press is None:
        return None
    last = int(held[-1])
    unloaded = np.flatnonzero(data.pressure_mpa[last:] <= data.press.contact_mpa)
    if not unloaded.size or not unloaded[0]:
        return None
    stop = last + int(unloaded[0]) + 1
    # Only a release or the vent leads down: any other step keeps pressure or raises it.
    downward = [step.index for step in data.header.steps if step.kind == "release"]
    if not data.of_steps([*downward, NO_STEP])[last + 1 : stop].all():
        return None
    gaps = np.flatnonzero(data.follows_gap[held[0] + 1 : stop])
    start = int(held[0]) + (int(gaps[-1]) + 1 if gaps.size else 0)
    if start > last:
        return None
    at = slice(start, stop)
    displacement_mm = None if data.displacement_mm is None else data.displacement_mm[at]
    if displacement_mm is not None and not np.isfinite(displacement_mm).all():
        displacement_mm = None
    return ReleaseSamples(
        time_s=data.time_s[at],
        pressure_mpa=data.pressure_mpa[at],
        output_percent=data.output_percent[at],
        hold_end=last + 1 - start,
        displacement_mm=displacement_mm,
    )
