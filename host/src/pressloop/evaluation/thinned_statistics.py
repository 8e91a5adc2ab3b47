"""Corrects the measures of a thinned dwell by the sums over the records that were left out.

Peak, lowest and settling come from the records that are kept: each interval keeps its extremes, and
the way into the band is always kept whole. Counts and means are corrected here, and are then those
of every record. The noise is that of the records kept whole: it needs neighbouring records, and
enough of those are kept.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pressloop.analysis.metrics import (
    Bools,
    Floats,
    StageMetrics,
    StageSamples,
    dwell_window,
    in_band,
    noise_mpa,
)
from pressloop.evaluation.series import Ints, Series
from pressloop.machine.band import FIXED_BAND
from pressloop.record.interval import Interval
from pressloop.wire.schema import State


@dataclass(frozen=True)
class DwellSums:
    """Sums over records of a dwell; errors are `p - target`, MPa."""

    count: int = 0
    error: float = 0.0
    square: float = 0.0
    in_band: int = 0
    half_percent: int = 0

    def __add__(self, other: DwellSums) -> DwellSums:
        """Return the sums over both sets of records."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return DwellSums(*(one + two for one, two in pairs))


def interval_sums(
    intervals: Sequence[Interval], steps: Sequence[int], *, of_truth: bool
) -> DwellSums:
    """Add up the sums of all intervals that lie in a hold, except where it was paused.

    Args:
        intervals: All intervals of the record.
        steps: The steps of the hold.
        of_truth: Take the sums of the true pressure instead of the reading's.
    """
    total = DwellSums()
    for interval in intervals:
        own, truth = interval.sums, interval.truth
        if own.step not in steps or own.state != State.RUNNING:
            continue
        if not of_truth:
            total += DwellSums(
                interval.count,
                own.error_kpa / 1e3,
                own.square_kpa2 / 1e6,
                own.in_band,
                own.half_percent,
            )
        elif truth is not None:
            total += DwellSums(
                truth.count,
                truth.error_mpa,
                truth.square_mpa2,
                truth.in_band,
                truth.half_percent,
            )
    return total


def include_thinned(
    metrics: StageMetrics,
    samples: StageSamples,
    series: Series,
    sums: DwellSums,
    *,
    target_mpa: float,
    tolerance_mpa: float | None,
    sample_interval_s: float,
) -> StageMetrics:
    """Return the measures of a stage with the records that thinning left out of its dwell.

    Args:
        metrics: Of the kept samples alone.
        samples: The kept samples.
        series: That the samples come from.
        sums: Over the intervals of this hold.
        target_mpa: Of the stage.
        tolerance_mpa: Of the stage.
        sample_interval_s: Time between two records.
    """
    if not sums.count:
        return metrics
    finite = np.isfinite(samples.pressure_mpa) & (samples.ramp | samples.hold)
    samples, interval = samples.where(finite), series.interval_index[finite]
    whole = dwell_window(samples, target_mpa, tolerance_mpa or 0.0) & (interval < 0)
    pressure = samples.pressure_mpa[whole]
    error = pressure - target_mpa

    def within(band_mpa: float) -> int:
        return int(np.count_nonzero(in_band(pressure, target_mpa, band_mpa)))

    total = sums + DwellSums(
        pressure.size,
        float(error.sum()),
        float(np.square(error).sum()),
        within(tolerance_mpa or 0.0),
        within(FIXED_BAND * target_mpa),
    )
    banded = tolerance_mpa is not None
    return dataclasses.replace(
        metrics,
        in_band_fraction=total.in_band / total.count if banded else None,
        hold_within_half_percent=total.half_percent / total.count,
        dwell_s=round(total.in_band * sample_interval_s, 6) if banded else None,
        mean_mpa=target_mpa + total.error / total.count,
        rms_error_mpa=math.sqrt(total.square / total.count),
        noise_mpa=noise_mpa(pressure),
        top_up_count=_pump_starts(samples.output_percent, samples.hold, interval, series.intervals),
    )


def _pump_starts(
    output_percent: Floats,
    hold: Bools,
    interval: Ints,
    intervals: Sequence[Interval],
) -> int:
    """Count how often the pump started: between kept neighbours, and within the intervals."""
    pumping, index = output_percent[hold] > 0, interval[hold]
    inside = (index[1:] == index[:-1]) & (index[1:] >= 0)
    between = np.count_nonzero(pumping[1:] & ~pumping[:-1] & ~inside)
    within = sum(intervals[int(at)].sums.pump_starts for at in np.unique(index[index >= 0]))
    return int(between) + within
