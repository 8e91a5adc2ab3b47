"""The telemetry of a tuning run as arrays, and the pressure that its readings stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pressloop.wire import schema

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NO_STEP: Final = 255
"""Step number of the ticks in which no step runs."""


@dataclass(frozen=True)
class TuningRecords:
    """Telemetry of a tuning run, one element per tick, in the board's units."""

    raw: Ints
    """Readings of the transducer, counts."""
    output: Ints
    """Opening of the valves, of `OUTPUT_FULL`; positive for the pump, negative for the release."""
    step: Ints
    approaching: Bools


def zero_of(profile: schema.Profile) -> float:
    """Return the reading at zero pressure, counts."""
    return profile.raw_zero + (profile.raw_zero_fraction or 0) / 256


def oil_mpa_of(records: TuningRecords, zero: float, profile: schema.Profile) -> Floats:
    """Return the readings as oil pressure above a zero in counts, MPa."""
    span = profile.raw_full - profile.raw_zero
    return np.asarray((records.raw - zero) / span * profile.full_scale_oil_kpa / 1000)
