"""Lays `run.json` out as rows: every value with its place and its unit, and a table of stages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pressloop.evaluation import RunSummary, StageResult
from pressloop.units.keys import heading, name_and_unit

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class RunValue:
    """One value of `run.json`.

    Attributes:
        place: Where it stands, such as `stages[0].mean_mpa`.
        unit: Its unit; empty for what has none.
    """

    place: str
    value: Scalar
    unit: str


def run_values(summary: RunSummary) -> Iterator[RunValue]:
    """Yield every value of `run.json`, in its order; empty lists and null are None."""
    yield from _values(summary.model_dump(mode="json"), "")


def _values(value: Any, place: str) -> Iterator[RunValue]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _values(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _values(inner, f"{place}[{index}]")
    else:
        key = re.sub(r"(\[\d+\])+$", "", place).rpartition(".")[2]
        yield RunValue(place, None if value in ({}, []) else value, name_and_unit(key)[1])


STAGE_KEYS = tuple(
    name
    for name in StageResult.model_fields
    if name not in ("mean_uncertainty", "relaxation", "springback", "density", "reasons", "damage")
)
"""Keys of a stage that are one value; the others are parts of their own."""


def stage_headings() -> list[str]:
    """Return the headings of the table of stages."""
    return ["source", "simulated", *map(heading, STAGE_KEYS), "reasons"]


def stage_rows(summary: RunSummary) -> Iterator[list[Scalar]]:
    """Yield the rows of the table of stages: from the reading, then from the truth, if any."""
    for source, stages in (("reading", summary.stages), ("truth", summary.truth or ())):
        for stage in stages:
            values = [getattr(stage, key) for key in STAGE_KEYS]
            yield [source, summary.simulated, *values, " ".join(stage.reasons)]
