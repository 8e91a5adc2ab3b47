"""Finds by how much the mean and the peak of each stage may be wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pressloop.analysis.metrics import NOISE_BLOCK, StageMetrics
from pressloop.evaluation.judged_quantity import judged_quantity
from pressloop.evaluation.run_data import RunData
from pressloop.evaluation.stage_measures import StageMeasures
from pressloop.machine.uncertainty import Budget, Instrument, Quantity


@dataclass(frozen=True)
class StageUncertainty:
    """Uncertainties of one stage's measures, named as in `StageResult`; None where not known."""

    mean_mpa_uncertainty: float | None = None
    mean_mpa_reading_uncertainty: float | None = None
    mean_mpa_repeatability: float | None = None
    peak_mpa_uncertainty: float | None = None
    mean_uncertainty: Budget | None = None


def stage_uncertainties(
    data: RunData, measures: Mapping[int, StageMeasures]
) -> dict[int, StageUncertainty]:
    """Return the uncertainties of each stage's measures, by the stage's index."""
    if data.press is None:
        return dict.fromkeys(measures, StageUncertainty())
    instrument, interval_s = data.press.instrument, data.header.record_interval_s
    quantities = {stage.index: judged_quantity(data, stage) for stage in data.target_stages}
    return {
        index: _uncertainty(instrument, interval_s, stage.metrics, quantities[index])
        for index, stage in measures.items()
    }


def _uncertainty(
    instrument: Instrument, record_interval_s: float, metrics: StageMetrics, quantity: Quantity
) -> StageUncertainty:
    noise_mpa = metrics.noise_mpa or 0.0
    mean = peak = None
    if metrics.mean_mpa is not None:
        # Neighbouring samples share the filter: a block of them counts as one.
        blocks = (metrics.dwell_s or 0.0) / (NOISE_BLOCK * record_interval_s)
        error_mpa = noise_mpa / math.sqrt(max(1.0, blocks))
        mean = instrument.budget(metrics.mean_mpa, scatter_mpa=error_mpa, quantity=quantity)
    if metrics.peak_mpa is not None:
        peak = instrument.budget(metrics.peak_mpa, scatter_mpa=noise_mpa, quantity=quantity)
    return StageUncertainty(
        mean_mpa_uncertainty=mean.expanded_mpa if mean else None,
        mean_mpa_reading_uncertainty=mean.reading_mpa if mean else None,
        mean_mpa_repeatability=mean.repeatability_mpa if mean else None,
        peak_mpa_uncertainty=peak.expanded_mpa if peak else None,
        mean_uncertainty=mean,
    )
