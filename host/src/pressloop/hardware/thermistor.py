"""Converts readings of the oil's thermistor: 10 kOhm at 25 C, B 3950 K, below 10 kOhm to 3.3 V."""

from __future__ import annotations

import math
from typing import Final

from pressloop_sim.plant.oil_thermistor import (
    B_K,
    FULL,
    OHM_AT_25,
    PULL_UP_OHM,
    REFERENCE_K,
    ZERO_C_K,
)

_MIN_COUNTS: Final = 80
_MAX_COUNTS: Final = 4016
"""Readings beyond these are a short circuit or a broken wire; they are 150 and -43 C."""


def celsius(counts: int) -> float | None:
    """Return the temperature, C; None with a broken or shorted wire.

    Args:
        counts: Reading of the chip's own converter, 0 to 4095.
    """
    if not _MIN_COUNTS <= counts <= _MAX_COUNTS:
        return None
    ohm = PULL_UP_OHM * counts / (FULL - counts)
    return 1 / (1 / REFERENCE_K + math.log(ohm / OHM_AT_25) / B_K) - ZERO_C_K
