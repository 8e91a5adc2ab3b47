"""Finds what broke on an emulated press: the pellet or the die, and in which stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pressloop.analysis.metrics import Floats
from pressloop.evaluation.run_data import RunData
from pressloop.evaluation.summary import Damage
from pressloop.evaluation.truth import Truth
from pressloop.record.columns import NO_STEP
from pressloop.units import duration_text


@dataclass(frozen=True)
class DamageReport:
    """What broke in a run.

    Attributes:
        items: In order of time.
        of_stage: What was broken by the end of each stage, by the stage's index; None: nothing.
        warnings: One sentence per item.
    """

    items: tuple[Damage, ...]
    of_stage: Mapping[int, str | None]
    warnings: tuple[str, ...]


def find_damage(data: RunData, truth: Truth) -> DamageReport:
    """Return what broke, with the stage it was in and the stages that were pressed on it since."""
    items = tuple(_damage(data, item.tick, item.what) for item in truth.breakages)
    return DamageReport(
        items=items,
        of_stage={
            stage.index: _broken_by(data.time_s[data.of_stage(stage)], items)
            for stage in data.header.stages
        },
        warnings=tuple(_sentence(item) for item in items),
    )


def _damage(data: RunData, tick: int, what: str) -> Damage:
    at = int(np.searchsorted(data.ticks, tick, side="right")) - 1
    step = int(data.series.records["step"][at]) if at >= 0 else NO_STEP
    stage = data.header.stage_of_step(step)
    return Damage(
        what=what,
        time_s=tick / data.header.tick_hz,
        stage=None if stage is None else stage.name,
    )


def _broken_by(times_s: Floats, items: tuple[Damage, ...]) -> str | None:
    broken = [
        f"{item.what} at {duration_text(item.time_s, 2)}"
        for item in items
        if times_s.size and item.time_s <= times_s[-1]
    ]
    return "; ".join(broken) or None


def _sentence(item: Damage) -> str:
    where = f", in stage {item.stage!r}" if item.stage else ""
    return f"the pellet {item.what}, {duration_text(item.time_s, 2)} after the start{where}"
