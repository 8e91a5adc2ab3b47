"""Finds what the powder did in each stage: relaxation or creep, springback, thickness, density."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pressloop.analysis.density import Density
from pressloop.analysis.relaxation import Relaxation
from pressloop.analysis.springback import (
    ReleaseSamples,
    Springback,
    from_displacement,
    from_oil,
)
from pressloop.evaluation.dwell_relaxation import dwell_relaxation
from pressloop.evaluation.pellet_density import (
    find_anchor,
    pellet_density,
    stages_of_single_pellet,
)
from pressloop.evaluation.release import find_release
from pressloop.evaluation.run_data import RunData


@dataclass(frozen=True)
class PowderResult:
    """What the powder did in one stage, named as in `StageResult`; None where it is not known."""

    relaxation: Relaxation | None
    springback: Springback | None
    density: Density | None


def powder_results(data: RunData) -> dict[int, PowderResult]:
    """Return what the powder did in each stage with a target, by the stage's index."""
    releases = {stage.index: find_release(data, stage) for stage in data.target_stages}
    densities = _densities(data, releases)
    return {
        stage.index: PowderResult(
            relaxation=dwell_relaxation(data, stage),
            springback=_springback(data, releases[stage.index], densities.get(stage.index)),
            density=densities.get(stage.index),
        )
        for stage in data.target_stages
    }


def _densities(
    data: RunData, releases: dict[int, ReleaseSamples | None]
) -> dict[int, Density | None]:
    """Return the density after each stage that presses the sample's pellet and nothing else."""
    if data.sample is None or data.press is None:
        return {}
    stages = stages_of_single_pellet(data.header, data.sample)
    if not stages:
        return {}
    last = stages[-1].index
    anchor = find_anchor(data.sample, releases[last])
    return {
        stage.index: pellet_density(
            releases[stage.index], anchor, data.sample, data.press, is_last=stage.index == last
        )
        for stage in stages
    }


def _springback(
    data: RunData, release: ReleaseSamples | None, density: Density | None
) -> Springback | None:
    if release is None or data.press is None:
        return None
    if release.displacement_mm is None:
        return from_oil(release, data.press.profile, data.press.die_mm)
    punches_um_mpa = None if data.sample is None else data.sample.punches_um_mpa
    springback = from_displacement(release, punches_um_mpa)
    if density is None or density.pressed is None or springback.gained_mm is None:
        return springback
    percent = 100 * springback.gained_mm / density.pressed.thickness_mm
    return replace(springback, gained_percent=percent)
