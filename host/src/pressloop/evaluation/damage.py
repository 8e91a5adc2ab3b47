"""What gave way on an emulated press: told of the run, and of every stage pressed on it since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from pressloop.evaluation.series import Series
from pressloop.evaluation.summary import Damage, StageResult
from pressloop.evaluation.truth import Truth
from pressloop.record.columns import NO_STEP
from pressloop.record.model import RunHeader


def located(truth: Truth, header: RunHeader, series: Series, start_tick: int) -> tuple[Damage, ...]:
    """Return what gave way, with the stage it was in."""
    ticks = series.ticks_since(start_tick)
    found = []
    for item in truth.damage:
        at = int(np.searchsorted(ticks, item.tick, side="right")) - 1
        step = int(series.records["step"][at]) if at >= 0 else NO_STEP
        stage = next((s.name for s in header.stages if step in s.steps), None)
        found.append(Damage(what=item.what, time_s=item.tick / header.tick_hz, stage=stage))
    return tuple(found)


def with_damage(
    stages: Iterable[StageResult],
    damage: tuple[Damage, ...],
    header: RunHeader,
    series: Series,
    start_tick: int,
) -> Iterator[StageResult]:
    """Say of each stage what had given way by its last record."""
    times_s = series.ticks_since(start_tick) / header.tick_hz
    steps = {stage.index: stage.steps for stage in header.stages}
    for stage in stages:
        mine = times_s[np.isin(series.records["step"], steps[stage.index])]
        told = [
            f"{item.what} at {item.time_s:.2f} s"
            for item in damage
            if mine.size and item.time_s <= mine[-1]
        ]
        yield stage.model_copy(update={"damage": "; ".join(told) or None})


def warnings_of(damage: tuple[Damage, ...]) -> list[str]:
    """Return a sentence for each."""
    return [
        f"the pellet {item.what}, {item.time_s:.2f} s after the start"
        + (f", in stage {item.stage!r}" if item.stage else "")
        for item in damage
    ]
