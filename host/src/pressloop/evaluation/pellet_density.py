"""Finds thickness and density of a sample's pellet after the stages that press it alone."""

from __future__ import annotations

import math

from pressloop.analysis.density import Anchor, Density, Thickness, thickness_at
from pressloop.analysis.springback import ReleaseSamples
from pressloop.evaluation.run_data import RecordedPress
from pressloop.record.model import PlannedStage, RunHeader
from pressloop.sample import Sample


def stages_of_single_pellet(header: RunHeader, sample: Sample) -> list[PlannedStage]:
    """Return the stages that press the sample's pellet and nothing else.

    Up to the stage that the sample names; without a name up to the first prompt, which is where
    an operator adds the next layer.
    """
    if sample.until_stage in header.pressing_stages:
        last = max(s.index for s in header.stages if s.name == sample.until_stage)
        return [s for s in header.stages if s.target_mpa is not None and s.index <= last]
    stages: list[PlannedStage] = []
    for stage in header.stages:
        if stage.target_mpa is not None:
            stages.append(stage)
        elif stages:
            break
    return stages


def find_anchor(sample: Sample, release: ReleaseSamples | None) -> Anchor | None:
    """Return a closing of the platens at which the pellet's thickness is known; None without one.

    Args:
        sample: What the user said of the pellet.
        release: Of the last stage that presses this pellet alone.
    """
    if sample.thickness_mm is not None:
        if release is None or release.displacement_mm is None:
            return None
        _, contact_mm, standard = release.closings()
        known = sample.thickness_uncertainty_mm / math.sqrt(3)
        return Anchor(
            "measured thickness", contact_mm, sample.thickness_mm, math.hypot(known, standard)
        )
    if sample.empty_die_mm is not None:
        known = sample.empty_die_uncertainty_mm / math.sqrt(3)
        return Anchor("empty die", sample.empty_die_mm, 0.0, known)
    return None


def pellet_density(
    release: ReleaseSamples | None,
    anchor: Anchor | None,
    sample: Sample,
    press: RecordedPress,
    *,
    is_last: bool,
) -> Density | None:
    """Return thickness and density after one stage; None when they are not known.

    Args:
        release: Of the stage.
        anchor: A closing at which the thickness is known.
        sample: What the user said of the pellet.
        press: Of the record.
        is_last: It is the last stage that presses this pellet alone; a thickness measured by hand
            is that after this stage.
    """
    die_mm, die_area = press.die_mm, press.instrument.die_area
    if anchor is None or release is None or release.displacement_mm is None:
        if sample.thickness_mm is None or not is_last:
            return None
        known = sample.thickness_uncertainty_mm / math.sqrt(3)
        by_hand = Anchor("measured thickness", 0.0, sample.thickness_mm, known)
        return Density(
            by_hand.kind, None, thickness_at(0.0, 0.0, 0.0, by_hand, sample, die_mm, die_area)
        )
    pressed_mpa, released_mpa = release.levels()
    pressed_mm, released_mm, standard = release.closings()

    def at(closing_mm: float, pressure_mpa: float) -> Thickness:
        return thickness_at(closing_mm, pressure_mpa, standard, anchor, sample, die_mm, die_area)

    return Density(anchor.kind, at(pressed_mm, pressed_mpa), at(released_mm, released_mpa))
