"""Thirty runs on one press with other powder and noise: how much peak, mean and dwell spread."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from pressloop_bench.control.press_family import Case, reference
from pressloop_bench.control.run_case import OURS, press, protocol, stages_of, tuned_profile

RUNS: Final = 30
_SEED: Final = 1
# Relative standard deviations between two portions of powder.
_DENSITY: Final = 0.02
_MASS: Final = 0.05
_PLASTICITY: Final = 0.05
# Seed of the noise of run 0, far from the seeds of any tuning run.
_NOISE_SEED: Final = 1000


@dataclass(frozen=True)
class HoldFigures:
    """The true pressures and the dwell of one hold of one run."""

    target_mpa: float
    peak_mpa: float
    mean_mpa: float
    dwell_ticks: int


@dataclass(frozen=True)
class Spread:
    """How much one hold differs between all runs: 1 sigma in per cent of the target."""

    target_mpa: float
    peak_percent: float
    mean_percent: float
    dwell_ticks: int
    """Longest minus shortest dwell."""


Job = tuple[Case, dict[str, Any]]


def jobs(runs: int = RUNS) -> Iterator[Job]:
    """Yield the reference press with its tuned profile, each time with other noise and powder."""
    case = reference()
    profile = tuned_profile(case)
    rng = random.Random(_SEED)
    for run in range(runs):
        powder = case.press.powder
        other = powder.model_copy(
            update={
                "initial_density": powder.initial_density * rng.gauss(1, _DENSITY),
                "mass_mg": powder.mass_mg * rng.gauss(1, _MASS),
                "panelli_a": powder.panelli_a * rng.gauss(1, _PLASTICITY),
            }
        )
        again = case.press.model_copy(update={"powder": other})
        yield replace(case, press=again, seed=_NOISE_SEED + run), profile


def holds(job: Job) -> list[HoldFigures]:
    """Run the protocol once, and return the figures of its holds."""
    case, profile = job
    return [
        HoldFigures(
            stage.target_mpa,
            float(np.max(stage.hold_true)),
            float(np.mean(stage.dwell_true)),
            len(stage.dwell_true),
        )
        for stage in stages_of(press(case, profile, OURS), protocol(case))
        if stage.asked_ticks
    ]


def spread(runs: list[list[HoldFigures]]) -> list[Spread]:
    """Return the spread of each hold over the runs."""
    spreads = []
    for same in zip(*runs, strict=True):
        target = same[0].target_mpa
        peaks, means = ([getattr(hold, name) for hold in same] for name in ("peak_mpa", "mean_mpa"))
        ticks = [hold.dwell_ticks for hold in same]
        spreads.append(
            Spread(
                target,
                100 * float(np.std(peaks, ddof=1)) / target,
                100 * float(np.std(means, ddof=1)) / target,
                max(ticks) - min(ticks),
            )
        )
    return spreads
