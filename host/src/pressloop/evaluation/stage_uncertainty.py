"""How well the press of a record knew its pressures: uncertainties of its stages' results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from pressloop.analysis.metrics import NOISE_BLOCK
from pressloop.evaluation.summary import StageResult
from pressloop.machine.profile import MachineProfile
from pressloop.machine.uncertainty import Instrument
from pressloop.record.model import RunHeader


def profile_of(header: RunHeader) -> MachineProfile | None:
    """The profile that a record carries; None when it is not one that this version knows."""
    known = {k: v for k, v in header.profile.items() if k in MachineProfile.model_fields}
    try:
        return MachineProfile.model_validate(known)
    except ValidationError:
        return None


def instrument_of(header: RunHeader) -> Instrument | None:
    """What the press of a record could tell; None for records that do not say which press."""
    profile = profile_of(header)
    if profile is None or header.die_mm is None:
        return None
    return Instrument.of(profile, header.die_mm)


def with_uncertainty(header: RunHeader, stages: Iterable[StageResult]) -> Iterator[StageResult]:
    """The stages, with what their mean and peak may be wrong by."""
    instrument = instrument_of(header)
    for stage in stages:
        yield stage if instrument is None else _with_uncertainty(instrument, header, stage)


def _with_uncertainty(instrument: Instrument, header: RunHeader, stage: StageResult) -> StageResult:
    noise_mpa = stage.noise_mpa or 0.0
    changes: dict[str, object] = {}
    if stage.mean_mpa is not None:
        # Neighbouring samples share the filter: a block of them counts as one.
        blocks = (stage.dwell_s or 0.0) / (NOISE_BLOCK * header.record_interval_s)
        error_mpa = noise_mpa / math.sqrt(max(1.0, blocks))
        mean = instrument.budget(stage.mean_mpa, scatter_mpa=error_mpa)
        changes |= {
            "mean_mpa_uncertainty": mean.expanded_mpa,
            "mean_mpa_repeatability": mean.repeatability_mpa,
            "mean_uncertainty": mean,
        }
    if stage.peak_mpa is not None:
        peak = instrument.budget(stage.peak_mpa, scatter_mpa=noise_mpa)
        changes["peak_mpa_uncertainty"] = peak.expanded_mpa
    return stage.model_copy(update=changes)
