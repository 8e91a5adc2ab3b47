"""The rows of "what must hold": each a figure of a stage and the limits that it must be within."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from pressloop_bench.truth.stage_truth import StageTruth

Figure = Callable[[StageTruth], float | None]
Limits = Callable[[StageTruth], tuple[float, float]]

MAX_LATE_UP_S: Final = 0.3
MAX_LATE_DOWN_S: Final = 0.4
SLOW_LAGS: Final = 3.0
MAX_OVER_ASKED_S: Final = 0.3
MAX_DWELL_EXCESS_S: Final = 0.2
MIN_IN_BAND: Final = 99.9
MAX_OVERSHOOT: Final = 0.5
_TICK_S: Final = 0.01
_INFINITY: Final = float("inf")


@dataclass(frozen=True)
class Row:
    """A row of the table; `figure` is None for stages that it is not about."""

    name: str
    target: str
    figure: Figure
    limits: Limits | None = None
    smallest: bool = False
    """Whether the smallest value is the worst."""

    def values(self, stages: Iterable[StageTruth]) -> list[tuple[float, StageTruth]]:
        """Return the figures of the stages that the row is about."""
        found = ((self.figure(stage), stage) for stage in stages)
        return [(value, stage) for value, stage in found if value is not None]

    def missed(self, stages: Iterable[StageTruth]) -> list[tuple[float, StageTruth]] | None:
        """Return the figures outside the limits; None where nothing is demanded."""
        limits = self.limits
        if limits is None:
            return None
        return [
            (value, stage)
            for value, stage in self.values(stages)
            if not limits(stage)[0] <= value <= limits(stage)[1]
        ]

    def quantiles(self, stages: Iterable[StageTruth]) -> tuple[float, float, float] | None:
        """Return median, 99th percentile and worst; None without a figure."""
        numbers = np.array([value for value, _ in self.values(stages)])
        if not numbers.size:
            return None
        sign = -1.0 if self.smallest else 1.0
        ordered = sign * numbers
        return (
            sign * float(np.quantile(ordered, 0.5, method="higher")),
            sign * float(np.quantile(ordered, 0.99, method="higher")),
            sign * float(ordered.max()),
        )


def _late(most_s: float) -> Limits:
    return lambda stage: (-_INFINITY, max(most_s, SLOW_LAGS * stage.lag_s))


def _size(value: float) -> float | None:
    return None if np.isnan(value) else abs(value)


ROWS: Final[tuple[Row, ...]] = (
    Row(
        "lateness going up, s",
        "<= 0.3; slow valves 3 x lag",
        lambda s: s.lateness_s if s.rising else None,
        _late(MAX_LATE_UP_S),
    ),
    Row(
        "lateness going down, s",
        "<= 0.4; slow valves 3 x lag",
        lambda s: None if s.rising else s.lateness_s,
        _late(MAX_LATE_DOWN_S),
    ),
    Row(
        "ramp time over asked, s",
        "<= 0.3",
        lambda s: s.over_asked_s,
        lambda _: (-_INFINITY, MAX_OVER_ASKED_S + _TICK_S / 2),
    ),
    Row(
        "true time in band over planned dwell, s",
        "<= 0.2",
        lambda s: s.dwell_excess_s,
        lambda _: (-_INFINITY, MAX_DWELL_EXCESS_S + _TICK_S / 2),
    ),
    Row(
        "the same, shortest, s",
        ">= 0",
        lambda s: s.dwell_excess_s,
        lambda _: (-_TICK_S / 2, _INFINITY),
        smallest=True,
    ),
    Row(
        "share of the whole hold in band, %",
        ">= 99.9",
        lambda s: s.in_band,
        lambda _: (MIN_IN_BAND - 0.005, _INFINITY),
        smallest=True,
    ),
    Row(
        "overshoot, % of target",
        "<= 0.5, or 0.05 % of full scale",
        lambda s: s.overshoot,
        lambda s: (-_INFINITY, max(MAX_OVERSHOOT, s.band)),
    ),
    Row(
        "true mean off target, from below, %",
        "",
        lambda s: _size(s.error) if s.rising else None,
    ),
    Row(
        "true mean off target, from above, %",
        "",
        lambda s: None if s.rising else _size(s.error),
    ),
    Row("the same, lowest stage, %", "", lambda s: _size(s.error) if s.low else None),
    Row(
        "true mean off target, % of what is allowed",
        "<= 100",
        lambda s: _size(s.of_allowed) if s.of_allowed else None,
        lambda _: (0.0, 100.0),
    ),
    Row(
        "the same, as the cell reads it, with its constant errors",
        "<= 100",
        lambda s: _size(s.of_allowed_as_read),
        lambda _: (0.0, 100.0),
    ),
    Row("stated uncertainty, k = 2, %", "", lambda s: s.stated),
    Row(
        "true mean off reading, % of the stated",
        "<= 100 in 95 of 100",
        lambda s: _size(s.used),
    ),
)
